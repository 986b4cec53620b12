// Suite published: programs written from the published pages compile and link without change, in C and C++
// (tests/target/published/), and the constants have the values that the pages give.
#include "published/user.h"

#include "check.hpp"

#include <exec/chTrap.h>

extern "C" int use_published_calls_in_c(KnCap* actor, char* text);

namespace chorale::test {
namespace {

static_assert(K_OK == 0 && K_EOK == K_OK && K_EINVAL < 0 && K_EABORT < 0 && K_ETIMEOUT < 0);
static_assert(K_FIFO_PRIOMAX == 0 && K_FIFO_PRIOMIN == 255 && K_RR_PRIOMAX == 0 && K_RR_PRIOMIN == 255);
static_assert(K_RT_PRIOMAX == 159 && K_RT_PRIOMIN == 100 && K_RR_QUANTUM == 100);
static_assert(K_LAPNAMEMAX == 7 && K_CMSGANNEXSIZE == 120 && K_NPERM == 1'000'000);
static_assert(K_ACTOR_ABORTVECT_LAST == K_ACTOR_ABORTVECT_MAX - 1 &&
              K_ACTOR_STOPVECT_LAST == K_ACTOR_STOPVECT_MAX - 1);

constexpr int errors[] = {K_EABORT,  K_EADDR,      K_EBUSY,    K_ECRASH,  K_EEXIST, K_EFAIL,
                          K_EFAULT,  K_EFORBIDDEN, K_EFULL,    K_EINVAL,  K_ENOMEM, K_ENOPORT,
                          K_ENOTIMP, K_EOVERLAP,   K_EPRIV,    K_EPROT,   K_EROUND, K_ESATUR,
                          K_ESIZE,   K_ETIMEOUT,   K_ETOOMUCH, K_EUNKNOWN};

volatile bool run; // never: what the programs do makes no sense

void programs_link(Report& report) {
    int result = 0;
    if (run) {
        result = use_published_calls(K_MYACTOR, nullptr) + use_published_calls_in_c(K_MYACTOR, nullptr);
    }
    CHECK_EQ(result, 0);
}

// Every error is another small negative number, and has a text.
void errors_differ(Report& report) {
    unsigned long seen = 0;
    for (const int error : errors) {
        REQUIRE(error < 0 && error > -64);
        CHECK_EQ(seen >> -error & 1, 0);
        seen |= 1UL << -error;
        CHECK_EQ(strSysError(error)[0], 'K');
    }
}

constexpr Case cases[] = {
    {"programs_link", programs_link},
    {"errors_differ", errors_differ},
};

} // namespace

const Suite published_suite{"published", cases};

} // namespace chorale::test
