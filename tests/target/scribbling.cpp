// Suite scribbling: one actor writes nonsense to a page of synchronisation objects that another one uses, on
// all CPUs at once, and makes calls on what comes of it. Whoever shares the page is on his own. Two more
// actors, with objects of their own and messages between them, notice nothing; and every thread can be
// deleted.
//
//   victim    a thread per CPU and kind of object; waits have limits where there are any
//   hostile   a thread per CPU, worse than all others: it scribbles whenever a CPU has nothing better to do
//   honest    two actors, a thread per CPU in each, and servers in the second one
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "memory.hpp"

#include <chorus.h>

#include <atomic>

namespace chorale::test {
namespace {

constexpr VmAddr shared_place = 0x30000000, board_place = 0x31000000;
constexpr unsigned cpu_limit = 4, honest_priority = 104, victim_priority = 106, hostile_priority = 120;
constexpr KnTimeVal moment{0, 300'000};

// Of all kinds, close together, so that the nonsense fits.
struct Shared {
    KnMutex mutexes[4];
    KnRtMutex rt_mutexes[4];
    KnSem sems[4];
    KnThSem thread_sems[cpu_limit];
    KnEventSet events[4];
    KnMonitor monitors[4];
};
static_assert(sizeof(Shared) <= page);
Shared& shared() { return *reinterpret_cast<Shared*>(shared_place); }

// What the test and the actors tell each other; the hostile one has no part in it.
struct Board {
    KnUniqueId port;
    int port_li;
    std::atomic<unsigned> victim_laps[6], honest_laps[2], served, wrong;
};
static_assert(sizeof(Board) <= page);
Board& board() { return *reinterpret_cast<Board*>(board_place); }

// ---- the victim ----------------------------------------------------------------------------------

enum Kind : unsigned { mutex, rt_mutex, semaphore, thread_semaphore, event, monitor, kinds };

void use(unsigned kind, unsigned which, unsigned cpu) {
    Shared& all = shared();
    unsigned posted = 0;
    switch (kind) {
    case mutex:
        mutexGet(&all.mutexes[which]);
        mutexRel(&all.mutexes[which]);
        break;
    case rt_mutex:
        rtMutexGet(&all.rt_mutexes[which]);
        rtMutexGet(&all.rt_mutexes[(which + 1) % 4]);
        rtMutexRel(&all.rt_mutexes[(which + 1) % 4]);
        rtMutexRel(&all.rt_mutexes[which]);
        break;
    case semaphore:
        semP(&all.sems[which], &moment);
        semV(&all.sems[which]);
        break;
    case thread_semaphore:
        threadSemPost(&all.thread_sems[which]);
        threadSemWait(&all.thread_sems[cpu], &moment);
        break;
    case event:
        eventPost(&all.events[which], 1U << which);
        eventWait(&all.events[(which + 1) % 4], 3, K_EVENT_AND, &posted, &moment);
        eventClear(&all.events[which], posted);
        break;
    default:
        monitorGet(&all.monitors[which]);
        monitorWait(&all.monitors[which], &moment);
        monitorNotifyAll(&all.monitors[which]);
        monitorRel(&all.monitors[which]);
    }
}

void be_harmed(std::uintptr_t place) {
    const unsigned kind = place % kinds, cpu = static_cast<unsigned>(place / kinds);
    if (kind == thread_semaphore) {
        threadSemInit(&shared().thread_sems[cpu]);
    }
    for (unsigned lap = 0;; ++lap) {
        ++board().victim_laps[kind]; // it may wait for ever in the first
        use(kind, (cpu + lap) % 4, cpu);
        threadDelay(&moment);
    }
}

// ---- the hostile one -----------------------------------------------------------------------------

// Sometimes it makes sense: free, taken, somebody's number (actors are near its own in bits 8 to 10, threads
// in the lower ones), somebody's place.
std::uint64_t nonsense(std::uint64_t state) {
    switch (state >> 60 & 7) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return 0x80000000;
    case 3:
        return 0x80000001;
    case 4:
        return static_cast<unsigned>(syncSelf()) + (state >> 40 & 0x70f) - 0x303;
    case 5:
        return shared().rt_mutexes[state >> 40 & 3].rtPlace + ((state >> 44 & 15) - 8) * 64;
    default:
        return state >> 16;
    }
}

void meddle(unsigned what, unsigned which) {
    Shared& all = shared();
    switch (what) {
    case 0:
        rtMutexTry(&all.rt_mutexes[which]);
        break;
    case 1:
        rtMutexRel(&all.rt_mutexes[which]);
        break;
    case 2:
        mutexRel(&all.mutexes[which]);
        break;
    case 3:
        semV(&all.sems[which]);
        break;
    case 4:
        syncGive(reinterpret_cast<KnSyncWord*>(&all.rt_mutexes[which].rtOwner), ~0U);
        break;
    case 5:
        eventNotify(reinterpret_cast<KnEventSet*>(&all.monitors[which]));
        break;
    case 6:
        threadSemPost(&all.thread_sems[which]);
        break;
    default:
        eventNotify(&all.events[which]);
    }
}

void scribble(std::uintptr_t seed) {
    constexpr std::uint64_t words = sizeof(Shared) / 4;
    std::uint64_t state = seed;
    for (;;) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        const std::uint64_t at = (state >> 32) % words, value = nonsense(state);
        if (at % 2 == 0 && (state >> 50 & 1) != 0) {
            word_at(shared_place + at * 4) = value;
        } else {
            *reinterpret_cast<volatile std::uint32_t*>(shared_place + at * 4) = static_cast<unsigned>(value);
        }
        if ((state >> 55 & 3) == 0) {
            meddle(state >> 57 & 7, state >> 40 & 3);
        }
    }
}

// ---- the honest ones -----------------------------------------------------------------------------

// Each actor has a copy.
struct Own {
    KnMutex mutex = K_KNMUTEX_INITIALIZER;
    KnRtMutex rt_mutex = K_KNRTMUTEX_INITIALIZER;
    KnSem sem = K_KNSEM_INITIALIZER(1);
    KnMonitor monitor = K_KNMONITOR_INITIALIZER;
    KnEventSet events{};
    std::atomic<unsigned> inside[4]{};
} own;

void expect(bool right) {
    if (!right) {
        ++board().wrong;
    }
}

template <class Enter, class Leave>
void alone(unsigned kind, Enter enter, Leave leave) {
    expect(enter() == K_OK);
    expect(++own.inside[kind] == 1);
    --own.inside[kind];
    expect(leave() == K_OK);
}

void ask() {
    std::uint64_t words[2] = {static_cast<std::uint64_t>(syncSelf()), 0}, answer[2]{};
    const KnMsgDesc request{0, sizeof(words), address_of(words), 0, 0};
    KnMsgDesc reply{0, sizeof(answer), address_of(answer), 0, 0};
    const KnIpcDest destination{board().port, {}};
    expect(ipcCall(&request, K_DEFAULTPORT, &destination, &reply, -1) == sizeof(answer));
    expect(answer[0] == words[0] && answer[1] == ~words[0]);
}

void work(std::uintptr_t actor) {
    KnThSem mine;
    threadSemInit(&mine);
    for (unsigned lap = 0;; ++lap) {
        alone(0, [] { return mutexGet(&own.mutex); }, [] { return mutexRel(&own.mutex); });
        alone(1, [] { return rtMutexGet(&own.rt_mutex); }, [] { return rtMutexRel(&own.rt_mutex); });
        alone(2, [] { return semP(&own.sem, K_NOTIMEOUT); }, [] { return semV(&own.sem); });
        alone(3, [] { return monitorGet(&own.monitor); }, [] { return monitorRel(&own.monitor); });
        unsigned posted = 0;
        eventPost(&own.events, 2);
        expect(eventWait(&own.events, 2, K_EVENT_OR, &posted, K_NOTIMEOUT) == K_OK);
        threadSemPost(&mine);
        expect(threadSemWait(&mine, K_NOTIMEOUT) == K_OK);
        if (actor == 0) {
            ask();
        }
        ++board().honest_laps[actor];
        if (lap % 8 == 7) {
            threadDelay(&moment);
        }
    }
}

void serve(std::uintptr_t) {
    for (;;) {
        std::uint64_t words[2]{};
        KnMsgDesc message{0, sizeof(words), address_of(words), 0, 0};
        int port = board().port_li;
        expect(ipcReceive(&message, &port, -1) == sizeof(words));
        words[1] = ~words[0];
        message.bodySize = sizeof(words);
        expect(ipcReply(&message) == K_OK);
        ++board().served;
    }
}

// ---- the test ------------------------------------------------------------------------------------

struct Crew {
    Child actor;
    int threads[cpu_limit * kinds];
    unsigned count = 0;

    // False: something could not be made.
    bool create(const char* name) { return actor.create(name) == K_OK; }
    bool gets(VmAddr place) {
        const KnRgnDesc source = region_at(place, page, 0);
        KnRgnDesc target = region_at(place, 0, K_WRITABLE);
        return rgnMapFromActor(&actor.capability(), &target, K_MYACTOR, &source) == K_OK;
    }
    bool start(ThreadBody body, std::uintptr_t argument, unsigned priority, unsigned cpu) {
        threads[count] = actor.start(body, argument, priority, cpu);
        return threads[count++] > 0;
    }
    void stop(Report& report) {
        for (unsigned i = 0; i < count; ++i) {
            CHECK_EQ(threadDelete(&actor.capability(), threads[i]), K_OK);
        }
        CHECK_EQ(actor.destroy(), K_OK);
    }
};

unsigned honest_sum() { return board().honest_laps[0] + board().honest_laps[1]; }

void prepare_shared() {
    for (unsigned i = 0; i < 4; ++i) {
        mutexInit(&shared().mutexes[i]);
        rtMutexInit(&shared().rt_mutexes[i]);
        semInit(&shared().sems[i], 1);
        eventInit(&shared().events[i]);
        monitorInit(&shared().monitors[i]);
    }
}

void round(Report& report) {
    prepare_shared();
    Crew victim, hostile, first, second;
    REQUIRE(victim.create("victim") && hostile.create("hostile") && first.create("first") &&
            second.create("second"));
    REQUIRE(victim.gets(shared_place) && victim.gets(board_place) && hostile.gets(shared_place) &&
            first.gets(board_place) && second.gets(board_place));
    board().port_li = portCreate(&second.actor.capability(), &board().port);
    REQUIRE(board().port_li > 0);
    const unsigned cpus = cpu_count() < cpu_limit ? cpu_count() : cpu_limit;
    for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        for (unsigned kind = 0; kind < kinds; ++kind) {
            REQUIRE(victim.start(be_harmed, cpu * kinds + kind, victim_priority + kind % 3, cpu));
        }
        REQUIRE(hostile.start(scribble, cpu + 1, hostile_priority, cpu));
        REQUIRE(second.start(serve, 0, honest_priority - 1, cpu));
        REQUIRE(first.start(work, 0, honest_priority, cpu) && second.start(work, 1, honest_priority, cpu));
    }
    for (unsigned part = 0; part < 5; ++part) {
        const unsigned laps = honest_sum(), served = board().served;
        CHECK(eventually([&] { return honest_sum() >= laps + 100 && board().served >= served + 50; }));
    }
    victim.stop(report); // whatever they wait for or have
    const unsigned laps = honest_sum();
    CHECK(eventually([&] { return honest_sum() >= laps + 100; }));
    hostile.stop(report);
    for (const auto& each : board().victim_laps) {
        CHECK(each != 0);
    }
    CHECK_EQ(board().wrong, 0);
    second.stop(report); // before its clients
    CHECK_EQ(first.actor.destroy(), K_OK);
}

void others_notice_nothing(Report& report) {
    KnSysStatistics before{};
    for (unsigned turn = 0; turn < 2; ++turn) {
        REQUIRE(allocate(shared_place, page) == K_OK && allocate(board_place, page) == K_OK);
        round(report);
        CHECK(release(shared_place, page) == K_OK && release(board_place, page) == K_OK);
        const KnSysStatistics after = settled_statistics();
        if (turn == 0) {
            before = after;
        }
        check_same_objects(report, before, after);
    }
}

constexpr Case cases[] = {{"others_notice_nothing", others_notice_nothing}};

} // namespace

const Suite scribbling_suite{"scribbling", cases};

} // namespace chorale::test
