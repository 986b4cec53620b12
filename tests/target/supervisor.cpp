// Suite supervisor: what user actors may not do with supervisor actors, and the cases that run in one
// (tests/target/supervisor/), each with a line of its own.
#include "supervisor/cases.hpp"

#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>

#include <atomic>

namespace chorale::test {
namespace {

constexpr VmAddr supervisor_address = ~VmAddr{0} << 38; // in the nucleus half of every machine

int ask(const KnUniqueId& port, const SupervisorRequest& request, int milliseconds,
        SupervisorOutcome& outcome) {
    KnMsgDesc message{};
    message.bodyAddr = address_of(&request);
    message.bodySize = sizeof(request);
    KnMsgDesc reply{};
    reply.bodyAddr = address_of(&outcome);
    reply.bodySize = sizeof(outcome);
    const KnIpcDest destination{port, {}};
    return ipcCall(&message, K_DEFAULTPORT, &destination, &reply, milliseconds);
}

void inside(Report& report) { run_inside(report, SupervisorGroup::usual, 20'000); }

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

// ---- regions of the supervisor space -------------------------------------------------------------------

constexpr unsigned memory_calls = 12;
KnCap supervisor_actor;
std::atomic<int> memory_results[memory_calls];

// What a user actor may not, be it by K_SVACTOR or by a supervisor actor's name.
void try_supervisor_memory(std::uintptr_t) {
    unsigned done = 0;
    for (const KnCap* const actor :
         {static_cast<const KnCap*>(K_SVACTOR), static_cast<const KnCap*>(&supervisor_actor)}) {
        KnRgnDesc region{0, 4096, K_ANYWHERE, 0, nullptr, 0}, own{0x10000000, 4096, 0, 0, nullptr, 0};
        KnRgnStat stat{};
        memory_results[done++] = rgnAllocate(actor, &region);
        memory_results[done++] = rgnFree(actor, &own);
        memory_results[done++] = rgnStat(actor, &own, &stat, sizeof(stat));
        memory_results[done++] = rgnMapFromActor(K_MYACTOR, &region, actor, &own);
        memory_results[done++] = vmCopy(actor, own.startAddr, K_MYACTOR, own.startAddr, 1, 0);
        memory_results[done++] = vmLock(actor, own.startAddr, 4096, 0);
    }
    for (;;) {
        threadDelay(K_NOTIMEOUT);
    }
}

bool find_supervisor_actor() {
    static KnActorStat actors[64];
    const int count = actorStat(0, actors, sizeof(actors));
    for (int i = 0; i < count && i < 64; ++i) {
        supervisor_actor = actors[i].asCap;
        KnActorPrivilege privilege{};
        if (actorPrivilege(&supervisor_actor, &privilege, nullptr) == K_OK && privilege == K_SUPACTOR) {
            return true;
        }
    }
    return false;
}

void regions_of_user_actors(Report& report) {
    if (!find_supervisor_actor()) {
        report.skip("no supervisor actor on this machine");
        return;
    }
    Child child;
    REQUIRE_EQ(child.create("plain user"), K_OK);
    REQUIRE(child.start(try_supervisor_memory, 0) > 0);
    int results[memory_calls]{};
    CHECK(eventually([&] {
        vmCopy(&child.capability(), address_of(memory_results), K_MYACTOR, address_of(results),
               sizeof(results), 0);
        return results[memory_calls - 1] != 0;
    }));
    for (const int result : results) {
        CHECK_EQ(result, K_EPRIV);
    }
}

// A SYSTEM actor may: it fills and reads what it cannot touch itself.
void regions_of_system_actors(Report& report) {
    KnVmStat memory{};
    REQUIRE_EQ(vmStat(&memory), K_OK);
    if (memory.par.svEndAddr == 0) {
        KnRgnDesc region{0, 4096, K_ANYWHERE, 0, nullptr, 0};
        CHECK_EQ(rgnAllocate(K_SVACTOR, &region), K_EINVAL);
        return;
    }
    KnRgnDesc region{0, 8192, K_ANYWHERE | K_WRITABLE | K_SUPERVISOR, 0, nullptr, 0};
    REQUIRE_EQ(rgnAllocate(K_SVACTOR, &region), K_OK);
    CHECK(region.startAddr >= memory.par.svStartAddr && region.startAddr < memory.par.svEndAddr);
    long value = 17, seen = 0;
    const VmAddr last = region.startAddr + 8192 - sizeof(value);
    CHECK_EQ(vmCopy(K_MYACTOR, address_of(&value), K_SVACTOR, last, sizeof(value), 0), K_OK);
    CHECK_EQ(vmCopy(K_SVACTOR, last, K_MYACTOR, address_of(&seen), sizeof(seen), 0), K_OK);
    CHECK_EQ(seen, 17);
    CHECK_EQ(vmCopy(K_SVACTOR, last + 1, K_MYACTOR, address_of(&seen), sizeof(seen), 0), K_EADDR);
    CHECK_EQ(actorSelf(reinterpret_cast<KnCap*>(region.startAddr)), K_EFAULT);
    region.options = 0;
    CHECK_EQ(rgnFree(K_SVACTOR, &region), K_OK);
    CHECK_EQ(rgnFree(K_SVACTOR, &region), K_EADDR);
}

std::atomic<unsigned> answered;

void call_often(std::uintptr_t) {
    KnUniqueId port{};
    if (find_port(supervisor_port, port, 2000) != K_OK) {
        return;
    }
    for (unsigned i = 0; i < 100; ++i) {
        SupervisorOutcome outcome{};
        const int size = ask(port, {SupervisorGroup::usual, ~0U, cpu_count()}, -1, outcome);
        answered += size == static_cast<int>(sizeof(outcome)) && outcome.count != 0 ? 1 : 0;
    }
}

// Calls in registers and without a time limit, on the server's CPU and on others.
void calls_without_limit(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Helper caller;
        answered = 0;
        REQUIRE(caller.start(call_often, 0, lower_priority, cpu) > 0);
        CHECK(caller.join());
        CHECK_EQ(answered, 100);
    }
}

constexpr Case cases[] = {{"privileges", privileges},
                          {"addresses", addresses},
                          {"regions_of_user_actors", regions_of_user_actors},
                          {"regions_of_system_actors", regions_of_system_actors},
                          {"calls_without_limit", calls_without_limit},
                          {"inside", inside}};

} // namespace

void run_inside(Report& report, SupervisorGroup group, int milliseconds) {
    KnUniqueId port{};
    if (find_port(supervisor_port, port, 2000) != K_OK) {
        report.skip("no supervisor actor on this machine");
        return;
    }
    SupervisorOutcome outcome{};
    REQUIRE_EQ(ask(port, {group, ~0U, cpu_count()}, milliseconds, outcome), sizeof(outcome));
    const unsigned count = outcome.count;
    CHECK(count != 0);
    for (unsigned number = 0; number < count; ++number) {
        REQUIRE_EQ(ask(port, {group, number, cpu_count()}, milliseconds, outcome), sizeof(outcome));
        CHECK_EQ(outcome.failures, 0);
        print("@test supervisor.%s %s%s%s\n", outcome.name, outcome.failures == 0 ? "ok" : "FAIL",
              outcome.detail[0] != '\0' ? " " : "", outcome.detail);
    }
}

const Suite supervisor_suite{"supervisor", cases};

} // namespace chorale::test
