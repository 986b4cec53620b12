// Suite leaks: of every kind of object that a user actor can make, very many are created and destroyed, one
// after the other and a few at a time, on all CPUs; then every counter of the nucleus and the free memory
// have the values that they had before. bench.rounds=100000: so many of each kind. Memory, with what mappers
// serve, is in leaks_of_memory.cpp; what only supervisor actors make is in supervisor/leaks.cpp.
#include "leaks.hpp"
#include "check.hpp"
#include "helper.hpp"
#include "memory.hpp"
#include "supervisor/cases.hpp"
#include "turnover.hpp"

#include <cx/wdt.h>

namespace chorale::test {
namespace {

void actors(Report& report) {
    static KnCap made[at_a_time];
    no_leak(
        report, 160,
        [](unsigned i) { return actorCreate(K_MYACTOR, &made[i], K_USERACTOR, K_ACTIVE) == K_OK; },
        [](unsigned i) { return actorDelete(&made[i]) == K_OK; });
}

void threads(Report& report) {
    static KnThreadLid made[at_a_time];
    const auto make = [](unsigned i) {
        const KnDefaultStartInfo_f start{K_DEFAULT_START_INFO, K_USERTHREAD, K_DEFAULT_STACK_SIZE, free_space,
                                         thread_entry()};
        return threadCreate(K_MYACTOR, &made[i], K_INACTIVE, nullptr, &start) == K_OK;
    };
    no_leak(report, 640, make, [](unsigned i) { return threadDelete(K_MYACTOR, made[i]) == K_OK; });
}

// They run, on every CPU in turn, and end by themselves. A number that one had may be another's already: so
// all must be over before any is stopped.
std::atomic<unsigned> begun, over;

void threads_that_run(Report& report) {
    static Helper helpers[at_a_time];
    begun = over = 0;
    const auto make = [](unsigned i) {
        ++begun;
        return helpers[i].start([](std::uintptr_t) { ++over; }, 0, higher_priority, i % cpu_count()) > 0;
    };
    const auto destroy = [](unsigned i) {
        const bool all = eventually([] { return over == begun; });
        helpers[i].stop();
        return all;
    };
    no_leak(report, 400, make, destroy);
}

void ports(Report& report) {
    static int made[at_a_time];
    const auto make = [](unsigned i) {
        KnUniqueId name{};
        made[i] = portCreate(K_MYACTOR, &name);
        return made[i] > 0;
    };
    no_leak(report, 640, make, [](unsigned i) { return portDelete(K_MYACTOR, made[i]) == K_OK; });
}

// Messages of all sizes, which lie in a queue that goes.
void messages(Report& report) {
    static int made[at_a_time];
    static unsigned char body[5000];
    const auto make = [](unsigned i) {
        KnIpcDest port{};
        made[i] = portCreate(K_MYACTOR, &port.target);
        for (const unsigned size : {8U, 100U, 5000U}) {
            const KnMsgDesc message{0, size, address_of(body), 0, 0};
            if (ipcSend(&message, K_DEFAULTPORT, &port) != K_OK) {
                return false;
            }
        }
        return made[i] > 0;
    };
    no_leak(report, 400, make, [](unsigned i) { return portDelete(K_MYACTOR, made[i]) == K_OK; });
}

// Clients that end while their calls wait, one after the other with the port first and last.
void calls(Report& report) {
    static Helper helpers[at_a_time];
    static KnIpcDest ports[at_a_time];
    static int made[at_a_time];
    static unsigned turn;
    turn = 0;
    const ThreadBody body = [](std::uintptr_t which) {
        static unsigned char bytes[at_a_time][128];
        KnMsgDesc message{0, which % 2 == 0 ? 8U : 128U, address_of(bytes[which]), 0, 0}, reply = message;
        ipcCall(&message, K_DEFAULTPORT, &ports[which], &reply, -1);
    };
    const auto make = [=](unsigned i) {
        made[i] = portCreate(K_MYACTOR, &ports[i].target);
        return made[i] > 0 && helpers[i].start(body, i, higher_priority, i % cpu_count()) > 0;
    };
    const auto destroy = [](unsigned i) {
        const bool port_first = ++turn % 2 == 0;
        const int early = port_first ? portDelete(K_MYACTOR, made[i]) : K_OK;
        helpers[i].stop();
        return early == K_OK && (port_first || portDelete(K_MYACTOR, made[i]) == K_OK);
    };
    no_leak(report, 240, make, destroy);
}

// Who waits for a name that no LAP ever has.
void waits_for_laps(Report& report) {
    static Helper helpers[at_a_time];
    const ThreadBody body = [](std::uintptr_t) {
        KnLapDesc lap{};
        lapResolve(&lap, "nobody", 0);
    };
    const auto make = [=](unsigned i) {
        return helpers[i].start(body, i, higher_priority, i % cpu_count()) > 0;
    };
    const auto destroy = [](unsigned i) {
        helpers[i].stop();
        return true;
    };
    no_leak(report, 240, make, destroy);
}

void timers(Report& report) {
    static KnThreadPool pool;
    static int made[at_a_time];
    const auto make = [](unsigned i) {
        const KnITimer far{{0, 0}, {1000, 0}};
        return timerCreate(K_MYACTOR, K_CLOCK_REALTIME, &pool, nullptr, &made[i]) == K_OK &&
               timerSet(K_MYACTOR, made[i], 0, &far, nullptr) == K_OK;
    };
    REQUIRE_EQ(timerThreadPoolInit(&pool), K_OK);
    no_leak(report, 640, make, [](unsigned i) { return timerDelete(K_MYACTOR, made[i]) == K_OK; });
}

// A pool is where its threads wait: there is nothing to delete but the wait.
void timer_pools(Report& report) {
    static KnThreadPool pools[at_a_time];
    const auto wait = [](unsigned i) {
        void* cookie = nullptr;
        int overrun = 0;
        const KnTimeVal short_time{0, 1000};
        return timerThreadPoolWait(&pools[i], &cookie, &overrun, &short_time) == K_ETIMEOUT;
    };
    no_leak(report, 400, [](unsigned i) { return timerThreadPoolInit(&pools[i]) == K_OK; }, wait);
}

// There are four for all; who finds none left leaves nothing behind either.
void watchdogs(Report& report) {
    static wdt_handle_t made[at_a_time];
    static const timespec_t far{1000, 0};
    const auto make = [](unsigned i) {
        const bool allocated = wdt_alloc(&made[i]) == 0;
        return i >= 4 ? !allocated
                      : allocated && wdt_set_interval(made[i], &far) == 0 && wdt_arm(made[i]) == 0;
    };
    no_leak(report, 640, make, [](unsigned i) { return i >= 4 || wdt_free(made[i]) == 0; });
}

void private_data_keys(Report& report) {
    static PdKey thread_keys[at_a_time], actor_keys[at_a_time];
    const auto make = [](unsigned i) {
        return ptdKeyCreate(&thread_keys[i], nullptr) == 0 && padKeyCreate(&actor_keys[i], nullptr) == 0 &&
               ptdSet(thread_keys[i], &thread_keys[i]) == 0;
    };
    const auto destroy = [](unsigned i) {
        return ptdKeyDelete(thread_keys[i]) == 0 && padKeyDelete(actor_keys[i]) == 0;
    };
    no_leak(report, 640, make, destroy);
}

void environment_entries(Report& report) {
    const auto name = [](char(&text)[16], unsigned i) { format_text(text, sizeof(text), "leaks.%u", i); };
    const auto make = [=](unsigned i) {
        char text[16];
        name(text, i);
        return sysSetEnv(text, "a value of some length") == K_OK;
    };
    const auto destroy = [=](unsigned i) {
        char text[16];
        name(text, i);
        return sysUnsetEnv(text) == K_OK;
    };
    no_leak(report, 640, make, destroy);
}

// ---- synchronisation objects: the nucleus knows those for which somebody waits -----------------------

struct Objects {
    KnMutex mutex;
    KnRtMutex rt_mutex;
    KnSem sem;
    KnThSem thread_sem;
    KnEventSet events;
    KnMonitor monitor;
};
Objects objects[at_a_time];

void synchronisation_objects(Report& report) {
    const auto make = [](unsigned i) {
        Objects& all = objects[i];
        return mutexInit(&all.mutex) == K_OK && rtMutexInit(&all.rt_mutex) == K_OK &&
               semInit(&all.sem, 0) == K_OK && threadSemInit(&all.thread_sem) == K_OK &&
               eventInit(&all.events) == K_OK && monitorInit(&all.monitor) == K_OK;
    };
    const auto destroy = [](unsigned i) {
        Objects& all = objects[i];
        unsigned flags = 0;
        const KnTimeVal at_once{0, 1}; // a wait that begins and ends
        const bool waits = i == 0;
        const KnTimeVal* const limit = waits ? &at_once : K_NOBLOCK;
        return mutexGet(&all.mutex) == K_OK && mutexRel(&all.mutex) == K_OK &&
               rtMutexGet(&all.rt_mutex) == K_OK && rtMutexRel(&all.rt_mutex) == K_OK &&
               semP(&all.sem, limit) == K_ETIMEOUT && threadSemWait(&all.thread_sem, limit) == K_ETIMEOUT &&
               eventWait(&all.events, 1, K_EVENT_OR, &flags, limit) == K_ETIMEOUT &&
               monitorGet(&all.monitor) == K_OK && monitorWait(&all.monitor, limit) == K_ETIMEOUT &&
               monitorRel(&all.monitor) == K_OK;
    };
    no_leak(report, 640, make, destroy);
}

// Waiters that end while they wait, and owners while others wait for them.
void waiters_that_end(Report& report) {
    static Helper helpers[at_a_time];
    const auto make = [](unsigned i) {
        Objects& all = objects[i / 2];
        if (i % 2 == 0) {
            rtMutexInit(&all.rt_mutex);
            semInit(&all.sem, 0);
        }
        const ThreadBody body = [](std::uintptr_t which) {
            rtMutexGet(&objects[which / 2].rt_mutex);
            semP(&objects[which / 2].sem, K_NOTIMEOUT);
        };
        return helpers[i].start(body, i, higher_priority, i % cpu_count()) > 0;
    };
    const auto destroy = [](unsigned i) {
        helpers[i].stop();
        return true;
    };
    no_leak(report, 400, make, destroy);
}

// What only supervisor actors make, a line for each kind.
void inside(Report& report) {
    run_inside(report, SupervisorGroup::leaks, environment_number("bench.rounds", 0) != 0 ? -1 : 20'000);
}

constexpr Case cases[] = {
    {"actors", actors},
    {"threads", threads},
    {"threads_that_run", threads_that_run},
    {"ports", ports},
    {"messages", messages},
    {"calls", calls},
    {"waits_for_laps", waits_for_laps},
    {"regions", leaks_of_regions},
    {"shared_memory", leaks_of_shared_memory},
    {"locks", leaks_of_locks},
    {"segments", leaks_of_segments},
    {"caches", leaks_of_caches},
    {"whole_actors", leaks_of_whole_actors},
    {"timers", timers},
    {"timer_pools", timer_pools},
    {"watchdogs", watchdogs},
    {"private_data_keys", private_data_keys},
    {"environment_entries", environment_entries},
    {"synchronisation_objects", synchronisation_objects},
    {"waiters_that_end", waiters_that_end},
    {"inside", inside},
};

} // namespace

const Suite leaks_suite{"leaks", cases};

} // namespace chorale::test
