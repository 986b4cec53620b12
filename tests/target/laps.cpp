// Suite laps: what a user actor may do with local access points, and what it may not.
#include "check.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

void handler(void*, void*) {}

void not_for_user_actors(Report& report) {
    KnLapDesc lap{};
    lapDescZero(&lap);
    CHECK(lapDescIsZero(&lap));
    CHECK_EQ(svLapCreate(K_MYACTOR, handler, nullptr, K_LAP_SAFE, &lap), K_EPRIV);
    CHECK_EQ(svLapDelete(&lap), K_EPRIV);
    CHECK_EQ(svLapBind(&lap, "name", 0), K_EPRIV);
    CHECK_EQ(svLapUnbind("name"), K_EPRIV);
    CHECK_EQ(svActorExcHandlerConnect(K_MYACTOR, 0, &lap), K_EPRIV);
    CHECK_EQ(svActorAbortHandlerDisconnect(K_MYACTOR, 0, K_CONNECTED_LAP), K_EPRIV);
    CHECK_EQ(svActorStopHandlerGetConnected(K_MYACTOR, 0, &lap), K_EPRIV);
    CHECK_EQ(svSysTrapHandlerConnect(K_TRAP_SYSTEMCALL, &lap), K_EPRIV);
}

void resolve_errors(Report& report) {
    KnLapDesc lap{};
    CHECK_EQ(lapResolve(&lap, "nobody", K_LAP_NOBLOCK), K_EUNKNOWN);
    CHECK_EQ(lapResolve(&lap, "12345678", K_LAP_NOBLOCK), K_ENOMEM); // point 14: seven characters
    CHECK_EQ(lapResolve(&lap, "1234567", K_LAP_NOBLOCK), K_EUNKNOWN);
    CHECK_EQ(lapResolve(&lap, "", K_LAP_NOBLOCK), K_EINVAL);
    CHECK_EQ(lapResolve(&lap, "nobody", 2), K_EINVAL);
    CHECK_EQ(lapResolve(nullptr, "nobody", 0), K_EFAULT);
    CHECK_EQ(lapResolve(&lap, nullptr, 0), K_EFAULT);
}

std::atomic<int> resolved;

void resolve_for_ever(std::uintptr_t) {
    KnLapDesc lap{};
    resolved = lapResolve(&lap, "nobody", 0);
}

// Point 14: lapResolve blocks by default, and threadAbort ends it; on every CPU.
void point_14_resolve_blocks(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        resolved = 1;
        Helper helper;
        const int thread = helper.start(resolve_for_ever, 0, higher_priority);
        REQUIRE(thread > 0);
        CHECK_EQ(threadBind(K_MYACTOR, thread, cpu, nullptr, K_NONEXCLUSIVE), K_OK);
        sleep_milliseconds(1);
        CHECK_EQ(resolved, 1);
        CHECK_EQ(threadAbort(K_MYACTOR, thread), K_OK);
        CHECK(helper.join());
        CHECK_EQ(resolved, K_EABORT);
    }
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    KnLapDesc lap{};
    CHECK_EQ(lapResolve(&lap, "nobody", 0), K_EABORT);
    CHECK_EQ(threadAborted(), 0);
}

void waiting_threads_end(Report& report) {
    const KnSysStatistics before = settled_statistics();
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Helper helper;
        const int thread = helper.start(resolve_for_ever, 0, higher_priority);
        REQUIRE(thread > 0);
        CHECK_EQ(threadBind(K_MYACTOR, thread, cpu, nullptr, K_NONEXCLUSIVE), K_OK);
        CHECK_EQ(threadDelete(K_MYACTOR, thread), K_OK);
    }
    CHECK_EQ(settled_statistics().threads, before.threads);
}

constexpr Case cases[] = {
    {"not_for_user_actors", not_for_user_actors},
    {"resolve_errors", resolve_errors},
    {"point_14_resolve_blocks", point_14_resolve_blocks},
    {"waiting_threads_end", waiting_threads_end},
};

} // namespace

const Suite laps_suite{"laps", cases};

} // namespace chorale::test
