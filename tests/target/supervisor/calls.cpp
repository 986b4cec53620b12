// Nucleus calls from a supervisor actor, and what the loader made of its image.
#include "cases.hpp"
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

namespace chorale::test {

namespace {

struct Constructed {
    int value;
    explicit Constructed(int number) : value{number} {}
};
Constructed constructed{static_cast<int>(sizeof(void*)) * 5};

int zeros[4096];
int initialised = 77;
int* pointer_to_data = &initialised;
using Function = int (*)();
Function const functions[] = {threadSelf, nullCall};

// What the linker left to do was done: pointers to data and to functions of both sides, constructors, bss.
void image(Report& report) {
    CHECK_EQ(constructed.value, sizeof(void*) * 5);
    CHECK_EQ(*pointer_to_data, 77);
    CHECK_EQ(pointer_to_data - &initialised, 0);
    for (const int zero : zeros) {
        REQUIRE_EQ(zero, 0);
    }
    CHECK(functions[0]() > 0);
    CHECK_EQ(functions[1](), K_OK);
    CHECK(reinterpret_cast<VmAddr>(&image) > ~VmAddr{0} / 2);
}

void leaf_calls(Report& report) {
    CHECK_EQ(nullCall(), K_OK);
    CHECK_EQ(vmPageSize(), 4096);
    KnCap self{};
    CHECK_EQ(actorSelf(&self), K_OK);
    CHECK(self.key != 0);
    KnTimeVal before{}, after{};
    CHECK_EQ(sysTime(&before), K_OK);
    CHECK_EQ(sysTime(&after), K_OK);
    CHECK(after.tmSec > before.tmSec || after.tmNSec >= before.tmNSec);
    char name[K_ACTORNAMEMAX]{};
    CHECK_EQ(actorName(K_MYACTOR, name, nullptr), K_OK);
    CHECK(same_text(name, "supervisor_tests"));
}

// Six arguments arrive in their order, and the registers that a C function keeps are kept.
void arguments(Report& report) {
    KnCap actor{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &actor, K_USERACTOR, K_ACTIVE), K_OK);
    KnRgnDesc region{0x10000000, 4096, K_WRITABLE, 0, nullptr, 0};
    CHECK_EQ(rgnAllocate(&actor, &region), K_OK);
    CHECK_EQ(vmCopy(&actor, 0x10000000, &actor, 0x10000800, 2048, 0), K_OK);
    CHECK_EQ(vmCopy(&actor, 0x10000000, &actor, 0x10000800, 2049, 0), K_EADDR);
    CHECK_EQ(vmCopy(&actor, 0x10000000, &actor, 0x10000800, 2048, 1), K_EINVAL);
    CHECK_EQ(actorDelete(&actor), K_OK);
    CHECK_EQ(actorDelete(&actor), K_EUNKNOWN);
}

void bad_addresses(Report& report) {
    const VmAddr zero_page = 0, user = 0x400000, nucleus_text = reinterpret_cast<VmAddr>(&nullCall);
    const VmAddr last = ~VmAddr{0} - 7;
    for (const VmAddr bad : {zero_page, user, nucleus_text, last}) {
        CHECK_EQ(actorSelf(reinterpret_cast<KnCap*>(bad)), K_EFAULT);
    }
    CHECK_EQ(actorSelf(reinterpret_cast<KnCap*>(reinterpret_cast<VmAddr>(&image))), K_EFAULT); // text
}

void waits(Report& report) {
    KnTimeVal before{}, after{};
    const KnTimeVal pause{0, 2 * K_NPERM}, wrong{0, -1};
    CHECK_EQ(sysTime(&before), K_OK);
    CHECK_EQ(threadDelay(&pause), K_ETIMEOUT);
    CHECK_EQ(sysTime(&after), K_OK);
    const long passed = (after.tmSec - before.tmSec) * 1'000'000'000 + after.tmNSec - before.tmNSec;
    CHECK(passed >= pause.tmNSec);
    CHECK_EQ(threadDelay(K_NOBLOCK), K_OK);
    CHECK_EQ(threadDelay(&wrong), K_EINVAL);
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    CHECK_EQ(threadDelay(K_NOTIMEOUT), K_EABORT);
}

constexpr Case all[] = {{"image", image},
                        {"leaf_calls", leaf_calls},
                        {"arguments", arguments},
                        {"bad_addresses", bad_addresses},
                        {"waits", waits}};

} // namespace

const std::span<const Case> call_cases{all};

} // namespace chorale::test
