// Very many of each kind of object that only supervisor actors make: nothing may be left of them.
#include "../turnover.hpp"
#include "groups.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <supervisor/thread.hpp>
#include <test_device.hpp>

#include <atomic>

namespace chorale::test {

namespace {

constexpr VmSize page = 4096;
constexpr KnTimeVal an_hour{3600, 0};
std::atomic<unsigned> invoked;

void count(void*, void*) { ++invoked; }

// Of all options in turn; each is invoked once.
KnLapDesc laps[at_a_time];
bool make_lap(unsigned i) {
    return svLapCreate(K_MYACTOR, count, nullptr, i % 5, &laps[i]) == K_OK &&
           lapInvoke(&laps[i], nullptr) == K_OK;
}
bool delete_lap(unsigned i) { return svLapDelete(&laps[i]) == K_OK; }

void leak_laps(Report& report) {
    invoked = 0;
    no_leak(report, 2000, make_lap, delete_lap);
    CHECK(invoked >= 2000);
}

void leak_lap_names(Report& report) {
    const auto named = [](unsigned i, char(&name)[K_LAPNAMEMAX + 1]) {
        format_text(name, sizeof(name), "leak.%u", i);
    };
    const auto make = [=](unsigned i) {
        char name[K_LAPNAMEMAX + 1];
        named(i, name);
        return make_lap(i) && svLapBind(&laps[i], name, i % 2) == K_OK;
    };
    // Half of the LAPs go before their names, which the next of them take over.
    const auto destroy = [=](unsigned i) {
        char name[K_LAPNAMEMAX + 1];
        named(i, name);
        KnLapDesc found{};
        const bool good = lapResolve(&found, name, K_LAP_NOBLOCK) == K_OK;
        return good && (i % 2 != 0 || svLapUnbind(name) == K_OK) && delete_lap(i);
    };
    no_leak(report, 800, make, destroy);
    for (unsigned i = 1; i < at_a_time; i += 2) {
        char name[K_LAPNAMEMAX + 1];
        named(i, name);
        static_cast<void>(svLapUnbind(name));
    }
}

// Connected to actors that go with them, and to this one: stop handlers, which nobody inherits.
void leak_handlers(Report& report) {
    static KnCap actors[at_a_time];
    KnLapDesc& lap = laps[0];
    REQUIRE(make_lap(0));
    const auto make = [&](unsigned i) {
        bool good =
            actorCreate(K_MYACTOR, &actors[i], i % 2 == 0 ? K_USERACTOR : K_SUPACTOR, K_ACTIVE) == K_OK;
        for (unsigned place = 0; place < K_ACTOR_EXCVECT_MAX; ++place) {
            good = good && svActorExcHandlerConnect(&actors[i], place, &lap) == K_OK &&
                   svActorAbortHandlerConnect(&actors[i], place, &lap) == K_OK &&
                   svActorStopHandlerConnect(&actors[i], place, &lap) == K_OK;
        }
        return good && svActorStopHandlerConnect(K_MYACTOR, i % K_ACTOR_STOPVECT_MAX, &lap) ==
                           (i < K_ACTOR_STOPVECT_MAX ? K_OK : K_EBUSY);
    };
    const auto destroy = [&](unsigned i) {
        const bool connected = i < K_ACTOR_STOPVECT_MAX;
        return actorDelete(&actors[i]) == K_OK &&
               (!connected || svActorStopHandlerDisconnect(K_MYACTOR, i, &lap) == K_OK);
    };
    no_leak(report, 240, make, destroy);
    CHECK(delete_lap(0));
}

void leak_timeouts(Report& report) {
    static KnTimeout timeouts[at_a_time];
    KnLapDesc lap{};
    REQUIRE_EQ(svLapCreate(K_MYACTOR, count, nullptr, K_LAP_SAMEHOST, &lap), K_OK);
    const auto make = [&](unsigned i) { return svSysTimeoutSet(&timeouts[i], &an_hour, 0, &lap) == K_OK; };
    no_leak(report, 2000, make, [](unsigned i) { return svSysTimeoutCancel(&timeouts[i]) == K_OK; });
    CHECK_EQ(svLapDelete(&lap), K_OK);
}

// Of this thread and of its actor in turn.
void leak_virtual_timeouts(Report& report) {
    static KnVirtTimeout timeouts[at_a_time];
    KnLapDesc& lap = laps[0];
    REQUIRE(make_lap(0));
    const auto make = [&](unsigned i) {
        return i % 2 == 0 ? svThreadVirtualTimeoutSet(K_MYACTOR, K_MYSELF, &timeouts[i], &an_hour,
                                                      K_VTIME_TOTAL, &lap) == K_OK
                          : svActorVirtualTimeoutSet(K_MYACTOR, &timeouts[i], &an_hour, K_VTIME_INTERNAL,
                                                     &lap) == K_OK;
    };
    const auto destroy = [](unsigned i) {
        return i % 2 == 0 ? svThreadVirtualTimeoutCancel(K_MYACTOR, K_MYSELF, &timeouts[i]) == K_OK
                          : svActorVirtualTimeoutCancel(K_MYACTOR, &timeouts[i]) == K_OK;
    };
    no_leak(report, 800, make, destroy);
    CHECK(delete_lap(0));
}

void leak_pages(Report& report) {
    static VmAddr made[at_a_time];
    const auto make = [](unsigned i) {
        return svPagesAllocate(&made[i], (1 + i) * page, 0, K_MYACTOR) == K_OK;
    };
    no_leak(report, 640, make, [](unsigned i) { return svPagesFree(made[i], (1 + i) * page) == K_OK; });
}

void leak_small_memory(Report& report) {
    static void* made[at_a_time];
    const auto make = [](unsigned i) {
        made[i] = svMemAlloc(100 * (i + 1));
        return made[i] != nullptr;
    };
    no_leak(report, 2000, make, [](unsigned i) { return svMemFree(made[i]), true; });
}

void leak_physical_memory(Report& report) {
    static KnPhMemChunk made[at_a_time];
    const auto make = [](unsigned i) {
        made[i] = {0, (1 + i % 3) * page, 0};
        return svPhysAlloc(&made[i], nullptr) == K_OK && svPhysMap(&made[i], K_PTE_WRITABLE) == K_OK;
    };
    const auto destroy = [](unsigned i) {
        return svPhysUnmap(&made[i]) == K_OK && svPhysFree(&made[i]) == K_OK;
    };
    no_leak(report, 640, make, destroy);
}

// In the supervisor space: the actor's own and nobody's in turn.
void leak_supervisor_regions(Report& report) {
    static KnRgnDesc made[at_a_time];
    const auto owner = [](unsigned i) { return i % 2 == 0 ? K_MYACTOR : K_SVACTOR; };
    const auto make = [=](unsigned i) {
        made[i] = {0, 2 * page, K_ANYWHERE | K_WRITABLE | K_SUPERVISOR, 0, nullptr, 0};
        return rgnAllocate(owner(i), &made[i]) == K_OK;
    };
    const auto destroy = [=](unsigned i) {
        made[i].options = 0;
        return rgnFree(owner(i), &made[i]) == K_OK;
    };
    no_leak(report, 640, make, destroy);
}

void leak_interrupts(Report& report) {
    if (!TestDevice::find()) {
        report.skip("no device to interrupt");
        return;
    }
    static CpuIntrId made[at_a_time];
    const auto make = [](unsigned i) {
        return svIntrAttach(TestDevice::line, [](void*) {}, nullptr, nullptr, &made[i]) == K_OK;
    };
    no_leak(report, 640, make, [](unsigned i) { return svIntrDetach(made[i]) == K_OK; });
}

// They run, on every CPU in turn, and end by themselves.
void leak_supervisor_threads(Report& report) {
    static std::atomic<unsigned> begun, over;
    begun = over = 0;
    const auto make = [](unsigned i) {
        ++begun;
        return start_supervisor_thread({[](std::uintptr_t) { ++over; }, 0, K_DEFAULT_STACK_SIZE, 90,
                                        static_cast<long>(i % running_cpus())}) > 0;
    };
    const auto destroy = [](unsigned) {
        for (unsigned waited = 0; waited < 5000 && over != begun; ++waited) {
            sleep_milliseconds(1);
        }
        return over == begun;
    };
    no_leak(report, 400, make, destroy);
}

// With a LAP, pages, a name, and a thread that waits.
void leak_supervisor_actors(Report& report) {
    static KnCap made[at_a_time];
    const auto sleep = [] { threadDelay(K_NOTIMEOUT); };
    const auto make = [=](unsigned i) {
        KnLapDesc lap{};
        KnRgnDesc region{0, page, K_ANYWHERE | K_WRITABLE | K_SUPERVISOR, 0, nullptr, 0};
        const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_SUPTHREAD, K_DEFAULT_STACK_SIZE, 0,
                                         reinterpret_cast<KnPc>(static_cast<void (*)()>(sleep))};
        KnThreadLid thread = 0;
        return actorCreate(K_MYACTOR, &made[i], K_SUPACTOR, K_ACTIVE) == K_OK &&
               actorName(&made[i], nullptr, "one of many") == K_OK &&
               svLapCreate(&made[i], count, nullptr, K_LAP_SAFE, &lap) == K_OK &&
               rgnAllocate(&made[i], &region) == K_OK &&
               threadCreate(&made[i], &thread, K_ACTIVE, nullptr, &start) == K_OK;
    };
    no_leak(report, 160, make, [](unsigned i) { return actorDelete(&made[i]) == K_OK; });
}

int no_trap(KnThreadCtx*, unsigned) { return 0; }

void leak_traps(Report& report) {
    const auto make = [](unsigned i) {
        return svTrapConnect(K_TRAP_SYSTEMCALL, no_trap) == (i == 0 ? K_OK : K_EBUSY);
    };
    static unsigned left;
    left = at_a_time;
    const auto destroy = [](unsigned) {
        const bool last = --left == 0;
        left = last ? at_a_time : left;
        return !last || svTrapDisConnect(K_TRAP_SYSTEMCALL) == K_OK;
    };
    no_leak(report, 400, make, destroy);
}

constexpr Case all_cases[] = {{"leak_laps", leak_laps},
                              {"leak_lap_names", leak_lap_names},
                              {"leak_handlers", leak_handlers},
                              {"leak_traps", leak_traps},
                              {"leak_timeouts", leak_timeouts},
                              {"leak_virtual_timeouts", leak_virtual_timeouts},
                              {"leak_pages", leak_pages},
                              {"leak_small_memory", leak_small_memory},
                              {"leak_physical_memory", leak_physical_memory},
                              {"leak_supervisor_regions", leak_supervisor_regions},
                              {"leak_interrupts", leak_interrupts},
                              {"leak_supervisor_threads", leak_supervisor_threads},
                              {"leak_supervisor_actors", leak_supervisor_actors}};

} // namespace

const std::span<const Case> leak_cases{all_cases};

} // namespace chorale::test
