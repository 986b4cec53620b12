// Suite laps: what a user actor may do with local access points, and what it may not.
#include "check.hpp"
#include "helper.hpp"
#include "machine_tests.hpp"
#include "supervisor/laps_shared.hpp"

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

// ---- LAPs of the supervisor half ---------------------------------------------------------------

// Whether this machine has supervisor actors.
bool find(Report& report, const char* name, KnLapDesc& lap) {
    const int result =
        eventually([&] { return lapResolve(&lap, name, K_LAP_NOBLOCK) == K_OK; }) ? K_OK : K_EUNKNOWN;
    if (result != K_OK) {
        report.fail(__FILE_NAME__, __LINE__, name, result, K_OK);
    }
    return result == K_OK;
}

int order(unsigned long what, unsigned long rest = 0) {
    KnLapDesc lap{};
    const int found = lapResolve(&lap, lap_order, K_LAP_NOBLOCK);
    return found == K_OK ? lapInvoke(&lap, reinterpret_cast<void*>(what | rest)) : found;
}

bool same(const KnCap& one, const KnCap& other) {
    return one.ui.uiTail == other.ui.uiTail && one.key == other.key;
}

// Points 6 and 14: a user thread in a safe LAP of a supervisor actor; no other may it invoke.
void point_14_from_user_mode(Report& report) {
    KnLapDesc lap{};
    KnCap own{};
    REQUIRE_EQ(actorSelf(&own), K_OK);
    REQUIRE(find(report, lap_visit, lap));
    alignas(8) Visit visit{};
    for (unsigned i = 0; i < 100; ++i) {
        visit = {};
        REQUIRE_EQ(lapInvoke(&lap, &visit), K_OK);
        CHECK(same(visit.invoker, own));
        CHECK(!same(visit.self, own));
    }
    KnCap now{};
    CHECK_EQ(actorSelf(&now), K_OK);
    CHECK(same(now, own));
    KnLapDesc forged = lap;
    ++forged.ldKey;
    CHECK_EQ(lapInvoke(&forged, &visit), K_EINVAL);
    forged = {lap.ldPlace + (1UL << 40), lap.ldKey};
    CHECK_EQ(lapInvoke(&forged, &visit), K_EINVAL);
    lapDescZero(&forged);
    CHECK_EQ(lapInvoke(&forged, &visit), K_EINVAL);
    CHECK_EQ(lapInvoke(nullptr, &visit), K_EFAULT);
    REQUIRE(find(report, lap_plain, lap));
    CHECK_EQ(lapInvoke(&lap, nullptr), K_EINVAL);
    CHECK_EQ(lapResolve(&lap, lap_secret, K_LAP_NOBLOCK), K_OK); // a SYSTEM actor is trusted
    CHECK_EQ(svGetInvoker(&now), K_EPRIV);
    CHECK_EQ(lapComeHome(), K_OK);
}

void faulting_handlers(Report& report) {
    KnLapDesc lap{};
    REQUIRE(find(report, lap_jump, lap));
    for (unsigned i = 0; i < 20; ++i) {
        REQUIRE_EQ(lapInvoke(&lap, nullptr), K_EFAIL);
    }
    REQUIRE(find(report, lap_doomer, lap));
    CHECK_EQ(lapInvoke(&lap, nullptr), K_EFAIL); // and its owner goes
    CHECK_EQ(lapInvoke(&lap, nullptr), K_EINVAL);
}

std::atomic<int> slept;

void sleep_in_lap(std::uintptr_t) {
    KnLapDesc lap{};
    static_cast<void>(lapResolve(&lap, lap_sleep, 0));
    slept = lapInvoke(&lap, nullptr);
}

// Point 6: the abort of a thread in a LAP ends its wait there; its deletion, when it is home.
void point_06_aborted_inside(Report& report) {
    KnLapDesc lap{};
    REQUIRE(find(report, lap_sleep, lap));
    const KnSysStatistics before = settled_statistics();
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Helper aborted, deleted;
        slept = 1;
        REQUIRE(aborted.start(sleep_in_lap, 0, higher_priority, cpu) > 0);
        CHECK(eventually([] { return order(order_sleepers_inside) == K_EFAIL; })); // it is
        CHECK_EQ(slept, 1);
        CHECK_EQ(threadAbort(K_MYACTOR, aborted.thread()), K_OK);
        CHECK(aborted.join());
        CHECK_EQ(slept, K_OK);
        slept = 1;
        REQUIRE(deleted.start(sleep_in_lap, 0, higher_priority, cpu) > 0);
        CHECK(eventually([] { return order(order_sleepers_inside) == K_EFAIL; }));
        CHECK_EQ(threadDelete(K_MYACTOR, deleted.thread()), K_OK);
        CHECK(eventually([] { return order(order_sleepers_inside) == K_OK; }));
        CHECK_EQ(slept, 1); // it never came back
    }
    CHECK_EQ(settled_statistics().threads, before.threads);
}

// ---- handlers ----------------------------------------------------------------------------------

// Point 16: one handler for the trap of the site; it sees the registers and changes them.
void point_16_trap_handler(Report& report) {
    const RawCall call{foreign_call, {40, 0, 0, 0, 0, 1}};
    CHECK_EQ(raw_call(call), K_ENOTIMP);
    REQUIRE_EQ(order(order_connect_trap), K_OK);
    CHECK_EQ(order(order_connect_trap), K_EFAIL); // K_EBUSY: one is there
    for (unsigned i = 0; i < 100; ++i) {
        CHECK_EQ(raw_call(call), 42);
    }
    CHECK_EQ(raw_call({refused_call, {}}), K_ENOTIMP); // says the handler
    CHECK_EQ(raw_call({call_of(255), {}}), K_ENOTIMP); // says the nucleus
    CHECK_EQ(order(order_disconnect_trap), K_OK);
    CHECK_EQ(order(order_disconnect_trap), K_EFAIL);
    CHECK_EQ(raw_call(call), K_ENOTIMP);
}

// Every number below the nucleus's comes to the handler, and the program keeps its registers.
void foreign_numbers(Report& report) {
    REQUIRE_EQ(order(order_connect_trap), K_OK);
    constexpr std::uint64_t numbers[] = {
        0, 1, 2, 3, 127, 128, 129, 155, 255, 256, 300, 470, 4095, 4096, 4351, 8191, K_TRAP_FOREIGN_LIMIT - 1};
    for (const std::uint64_t number : numbers) {
        Registers before{}, after{};
        describe_call(before, {number, {7, 6, 5, 4, 3, 2}}, 0x1122334455660000);
        after = before;
        call_with_registers(&after);
        CHECK_EQ(static_cast<std::uint64_t>(result_of(after)), foreign_sum(before) + 1);
        if (const char* broken = broken_by_foreign_call(before, after); broken != nullptr) {
            report.fail("foreign call", static_cast<int>(number), broken, 0, 1);
        }
    }
    CHECK_EQ(order(order_disconnect_trap), K_OK);
}

std::atomic<unsigned> recovered;

[[noreturn, gnu::aligned(16)]] void recover() {
    recovered = recovered + 1;
    for (;;) {
        threadDelete(K_MYACTOR, K_MYSELF);
    }
}

void fault(std::uintptr_t) { *reinterpret_cast<volatile char*>(std::uintptr_t{0x10}) = 1; }

void wait_aborted(std::uintptr_t) {
    threadDelay(K_NOTIMEOUT);
    recovered = recovered + 1000; // the handler has changed where it goes on
}

void run_for_ever(std::uintptr_t) {
    for (;;) {
        burn(1000);
    }
}

// Point 16: vectors of an actor. Exceptions: the handler repairs; the actor lives.
void point_16_exception_handler(Report& report) {
    REQUIRE_EQ(order(order_connect_exceptions, address_of(reinterpret_cast<const void*>(&recover))), K_OK);
    recovered = 0;
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Helper helper;
        REQUIRE(helper.start(fault, 0, higher_priority, cpu) > 0);
        CHECK(eventually([&] { return recovered == cpu + 1; }));
    }
    CHECK_EQ(order(order_disconnect), K_OK);
}

// Point 5: aborted threads run their abort handlers when they are home, whatever they were doing.
void point_05_abort_handler(Report& report) {
    REQUIRE_EQ(order(order_connect_aborts, address_of(reinterpret_cast<const void*>(&recover))), K_OK);
    recovered = 0;
    unsigned wanted = 0;
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        for (const ThreadBody body : {wait_aborted, run_for_ever, sleep_in_lap}) {
            Helper helper;
            REQUIRE(helper.start(body, 0, lower_priority, cpu) > 0);
            sleep_milliseconds(2);
            CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
            if (body != sleep_in_lap) { // there the abort is the handler's: it ends a wait abroad
                ++wanted;
            }
            CHECK(eventually([&] { return recovered == wanted; }));
        }
    }
    CHECK_EQ(order(order_disconnect), K_OK);
}

// The same, connected as in ChorusOS 4.
void handlers_without_laps(Report& report) {
    REQUIRE_EQ(order(order_connect_routines, address_of(reinterpret_cast<const void*>(&recover))), K_OK);
    recovered = 0;
    CHECK_EQ(raw_call({foreign_call, {40, 0, 0, 0, 0, 1}}), 42);
    Helper faulting, waiting;
    REQUIRE(faulting.start(fault, 0, higher_priority) > 0);
    CHECK(eventually([&] { return recovered == 1; }));
    REQUIRE(waiting.start(wait_aborted, 0, higher_priority) > 0);
    sleep_milliseconds(1);
    CHECK_EQ(threadAbort(K_MYACTOR, waiting.thread()), K_OK);
    CHECK(eventually([&] { return recovered == 2; }));
    CHECK_EQ(order(order_disconnect_routines), K_OK);
    CHECK_EQ(raw_call({foreign_call, {}}), K_ENOTIMP);
}

std::atomic<int> served;

void serve_inside(std::uintptr_t which) {
    KnLapDesc lap{};
    const int found = lapResolve(&lap, lap_serve, K_LAP_NOBLOCK);
    served = found == K_OK ? lapInvoke(&lap, reinterpret_cast<void*>(which)) : found;
}

// A user thread that waits for messages in supervisor mode, with callers on its CPU and on another one.
void user_thread_serves_inside(Report& report) {
    KnLapDesc lap{};
    REQUIRE(find(report, lap_serve, lap));
    for (KnCpuId cpu = 0; cpu < cpu_count() && cpu < std::size(inside_ports); ++cpu) {
        Helper server;
        served = 1;
        REQUIRE(server.start(serve_inside, cpu, higher_priority, cpu) > 0);
        KnIpcDest destination{};
        REQUIRE_EQ(find_port(inside_ports[cpu], destination.target, patience), K_OK);
        for (unsigned long i = 1; i <= 20; ++i) {
            const unsigned long word = i < 20 ? i * 100 : 0;
            unsigned long answer = 0;
            const KnMsgDesc request{0, sizeof(word), address_of(&word), 0, 0};
            KnMsgDesc reply{0, sizeof(answer), address_of(&answer), 0, 0};
            REQUIRE_EQ(ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1), sizeof(answer));
            CHECK_EQ(answer, word + i);
        }
        CHECK(server.join());
        CHECK_EQ(served, K_OK);
    }
}

constexpr Case cases[] = {
    {"not_for_user_actors", not_for_user_actors},
    {"resolve_errors", resolve_errors},
    {"point_14_resolve_blocks", point_14_resolve_blocks},
    {"waiting_threads_end", waiting_threads_end},
    {"point_14_from_user_mode", point_14_from_user_mode},
    {"faulting_handlers", faulting_handlers},
    {"point_06_aborted_inside", point_06_aborted_inside},
    {"point_16_trap_handler", point_16_trap_handler},
    {"foreign_numbers", foreign_numbers},
    {"point_16_exception_handler", point_16_exception_handler},
    {"point_05_abort_handler", point_05_abort_handler},
    {"handlers_without_laps", handlers_without_laps},
    {"user_thread_serves_inside", user_thread_serves_inside},
};

} // namespace

const Suite laps_suite{"laps", cases};

} // namespace chorale::test
