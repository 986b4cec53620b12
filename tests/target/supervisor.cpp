// Suite supervisor: what user actors may not do with supervisor actors, and the cases that run in one
// (tests/target/supervisor/), each with a line of its own.
#include "supervisor/cases.hpp"

#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr VmAddr supervisor_address = ~VmAddr{0} << 38; // in the nucleus half of every machine

int ask(const KnUniqueId& port, unsigned number, SupervisorOutcome& outcome) {
    SupervisorRequest request{number, cpu_count()};
    KnMsgDesc message{};
    message.bodyAddr = address_of(&request);
    message.bodySize = sizeof(request);
    KnMsgDesc reply{};
    reply.bodyAddr = address_of(&outcome);
    reply.bodySize = sizeof(outcome);
    const KnIpcDest destination{port, {}};
    return ipcCall(&message, K_DEFAULTPORT, &destination, &reply, 20'000);
}

void inside(Report& report) {
    KnUniqueId port{};
    if (find_port(supervisor_port, port, 2000) != K_OK) {
        report.skip("no supervisor actor on this machine");
        return;
    }
    SupervisorOutcome outcome{};
    REQUIRE_EQ(ask(port, ~0U, outcome), sizeof(outcome));
    const unsigned count = outcome.count;
    CHECK(count != 0);
    for (unsigned number = 0; number < count; ++number) {
        REQUIRE_EQ(ask(port, number, outcome), sizeof(outcome));
        CHECK_EQ(outcome.failures, 0);
        print("@test supervisor.%s %s%s%s\n", outcome.name, outcome.failures == 0 ? "ok" : "FAIL",
              outcome.detail[0] != '\0' ? " " : "", outcome.detail);
    }
}

void privileges(Report& report) {
    KnCap actor{};
    CHECK_EQ(actorCreate(K_MYACTOR, &actor, K_SUPACTOR, K_ACTIVE), K_EPRIV);
    KnThreadLid thread = 0;
    const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_SUPTHREAD, K_DEFAULT_STACK_SIZE, 0x500000,
                                     0x400000};
    CHECK_EQ(threadCreate(K_MYACTOR, &thread, K_INACTIVE, nullptr, &start), K_EINVAL);
}

// The nucleus takes addresses of the supervisor range from supervisor threads only.
void addresses(Report& report) {
    CHECK_EQ(actorSelf(reinterpret_cast<KnCap*>(supervisor_address)), K_EFAULT);
    CHECK_EQ(sysWrite(reinterpret_cast<const char*>(supervisor_address), 1), K_EFAULT);
}

constexpr Case cases[] = {{"privileges", privileges}, {"addresses", addresses}, {"inside", inside}};

} // namespace

const Suite supervisor_suite{"supervisor", cases};

} // namespace chorale::test
