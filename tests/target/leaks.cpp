// Suite leaks: of every kind of object that a user actor can make, very many are created and destroyed, one
// after the other and a few at a time, on all CPUs; then every counter of the nucleus and the free memory
// have the values that they had before. bench.rounds=100000: so many of each kind.
#include "check.hpp"
#include "helper.hpp"
#include "memory.hpp"

#include <actor/environment.hpp>

namespace chorale::test {
namespace {

unsigned rounds(unsigned usual) {
    const unsigned long wanted = environment_number("bench.rounds", 0);
    return wanted != 0 ? static_cast<unsigned>(wanted) : usual;
}

// What there is for good after the first: slabs keep their pages for their kind, and each CPU some objects.
constexpr unsigned warm_up = 256, at_a_time = 8;

// `make(i)` and `destroy(i)` of the i-th of those that exist at a time; false: it failed.
template <class Make, class Destroy>
bool turn_over(unsigned count, Make make, Destroy destroy) {
    bool good = true;
    for (unsigned done = 0; done < count && good; done += at_a_time) {
        for (unsigned i = 0; i < at_a_time; ++i) {
            good = make(i) && good;
        }
        for (unsigned i = at_a_time; i > 0; --i) {
            good = destroy((i + done) % at_a_time) && good;
        }
    }
    return good;
}

template <class Make, class Destroy>
void no_leak(Report& report, unsigned usual, Make make, Destroy destroy) {
    REQUIRE(turn_over(warm_up, make, destroy));
    const KnSysStatistics before = settled_statistics();
    REQUIRE(turn_over(rounds(usual), make, destroy));
    const KnSysStatistics after = settled_statistics();
    CHECK_EQ(after.actors, before.actors);
    CHECK_EQ(after.threads, before.threads);
    CHECK_EQ(after.ports, before.ports);
    CHECK_EQ(after.messages, before.messages);
    CHECK_EQ(after.regions, before.regions);
    CHECK_EQ(after.slabObjects, before.slabObjects);
    // Slabs are where the work was done, so a page may change its place once: what leaks does so each time.
    unsigned long pages = before.freePages, left = after.freePages;
    for (unsigned again = 0; again < 3 && left != pages; ++again) {
        pages = left;
        REQUIRE(turn_over(rounds(usual), make, destroy));
        left = settled_statistics().freePages;
    }
    CHECK_EQ(left, pages);
}

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

void regions(Report& report) {
    const auto place = [](unsigned i) { return free_space + i * 16 * page; };
    const auto make = [=](unsigned i) {
        if (allocate(place(i), 3 * page) != K_OK) {
            return false;
        }
        word_at(place(i) + page) = i; // one of its pages comes
        return true;
    };
    no_leak(report, 640, make, [=](unsigned i) { return release(place(i), 3 * page) == K_OK; });
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

// ---- synchronisation objects: the nucleus knows those for which somebody waits
// -----------------------------

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

constexpr Case cases[] = {
    {"actors", actors},
    {"threads", threads},
    {"threads_that_run", threads_that_run},
    {"ports", ports},
    {"messages", messages},
    {"regions", regions},
    {"timers", timers},
    {"timer_pools", timer_pools},
    {"private_data_keys", private_data_keys},
    {"environment_entries", environment_entries},
    {"synchronisation_objects", synchronisation_objects},
    {"waiters_that_end", waiters_that_end},
};

} // namespace

const Suite leaks_suite{"leaks", cases};

} // namespace chorale::test
