// Suite rt_mutex: the best waiter is next, and who stands in its way has its priority: at once, over CPUs,
// through chains of mutexes and calls, and only as long.
#include "check.hpp"
#include "helper.hpp"
#include "trace.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

Trace trace;
KnRtMutex mutex;

void free_and_held(Report& report) {
    KnRtMutex local = K_KNRTMUTEX_INITIALIZER;
    CHECK_EQ(rtMutexTry(&local), 1);
    CHECK_EQ(rtMutexTry(&local), 0);
    CHECK_EQ(rtMutexGet(&local), K_EBUSY);
    CHECK_EQ(rtMutexRel(&local), K_OK);
    CHECK_EQ(rtMutexRel(&local), K_EINVAL);
    CHECK_EQ(rtMutexInit(&local), K_OK);
    CHECK_EQ(rtMutexGet(&local), K_OK);
    Helper helper;
    trace.clear();
    static KnRtMutex* held;
    held = &local;
    REQUIRE(helper.start(
                [](std::uintptr_t) {
                    trace.note(static_cast<unsigned>(rtMutexTry(held)));
                    trace.note(rtMutexRel(held) == K_EINVAL ? 2 : 3);
                },
                0, higher_priority) > 0);
    CHECK(helper.join());
    CHECK(trace.is({0, 2}));
    CHECK_EQ(rtMutexRel(&local), K_OK);
    alignas(16) char bytes[32]{};
    CHECK_EQ(rtMutexGet(reinterpret_cast<KnRtMutex*>(bytes + 8)), K_EINVAL);
    CHECK_EQ(rtMutexGet(nullptr), K_EFAULT);
    CHECK_EQ(rtMutexTry(nullptr), K_EFAULT);
    CHECK_EQ(rtMutexRel(nullptr), K_EFAULT);
}

void get_and_note(std::uintptr_t value) {
    rtMutexGet(&mutex);
    trace.note(static_cast<unsigned>(value));
    rtMutexRel(&mutex);
}

// The best first, among equals the first; a change of priority counts.
void wake_order(Report& report) {
    trace.clear();
    rtMutexInit(&mutex);
    REQUIRE_EQ(rtMutexGet(&mutex), K_OK);
    constexpr unsigned priorities[] = {80, 70, 90, 70, 85};
    Helper helpers[5];
    for (unsigned i = 0; i < 5; ++i) {
        REQUIRE(helpers[i].start(get_and_note, i, priorities[i]) > 0);
    }
    const KnFifoThParms best{K_SCHED_FIFO, 60};
    CHECK_EQ(threadScheduler(K_MYACTOR, helpers[4].thread(), nullptr, &best), K_OK);
    CHECK_EQ(rtMutexRel(&mutex), K_OK);
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    CHECK(trace.is({4, 1, 3, 0, 2}));
}

void not_abortable(Report& report) {
    trace.clear();
    rtMutexInit(&mutex);
    REQUIRE_EQ(rtMutexGet(&mutex), K_OK);
    Helper helper;
    REQUIRE(helper.start(
                [](std::uintptr_t) {
                    trace.note(rtMutexGet(&mutex) == K_OK ? 1 : 2);
                    trace.note(threadAborted() == 1 ? 3 : 4);
                    rtMutexRel(&mutex);
                },
                0, higher_priority) > 0);
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    CHECK_EQ(trace.length(), 0);
    CHECK_EQ(rtMutexRel(&mutex), K_OK);
    CHECK(helper.join());
    CHECK(trace.is({1, 3}));
}

// ---- inheritance -------------------------------------------------------------------------------

constexpr unsigned high = 70, middle = 85, low = 95; // all better than the main thread, which only looks on

KnSem go_middle, low_has_it, look_again;
std::atomic<unsigned> middle_turns;
std::atomic<bool> inheritance_over;

void middle_body(std::uintptr_t) {
    while (!inheritance_over) {
        semP(&go_middle, K_NOTIMEOUT);
        ++middle_turns;
    }
}

// Whether the middle one, made ready, does not run at once. When that changes after somebody on another CPU
// has begun or ceased to wait, nobody knows over emulated CPUs.
bool outranks_middle() {
    const unsigned before = middle_turns;
    semV(&go_middle);
    return middle_turns == before;
}
bool comes_to_outrank_middle(bool wanted) {
    for (unsigned tries = 0; tries < patience; ++tries) {
        if (outranks_middle() == wanted) {
            return true;
        }
        burn(1000);
    }
    return false;
}

// Has the mutex, and with it, as soon as the high one waits, its priority: until it releases the mutex.
void low_body(std::uintptr_t) {
    rtMutexGet(&mutex);
    trace.note(outranks_middle() ? 40 : 1);
    semV(&low_has_it);
    trace.note(comes_to_outrank_middle(true) ? 2 : 41);
    const unsigned before = middle_turns;
    rtMutexRel(&mutex);
    trace.note(middle_turns == before ? 42 : 3);
}

void high_body(std::uintptr_t) {
    semP(&low_has_it, K_NOTIMEOUT);
    rtMutexGet(&mutex);
    trace.note(10);
    rtMutexRel(&mutex);
}

struct Three {
    Helper middle_one, low_one, high_one;
    [[nodiscard]] bool start(ThreadBody low_does, KnCpuId high_cpu) {
        trace.clear();
        rtMutexInit(&mutex);
        for (KnSem* each : {&go_middle, &low_has_it, &look_again}) {
            semInit(each, 0);
        }
        middle_turns = 0;
        inheritance_over = false;
        return middle_one.start(middle_body, 0, middle) > 0 &&
               high_one.start(high_body, 0, high, high_cpu) > 0 && low_one.start(low_does, 0, low) > 0;
    }
    [[nodiscard]] bool end() {
        const bool done = high_one.join() && low_one.join();
        inheritance_over = true;
        semV(&go_middle);
        return done && middle_one.join();
    }
};

void inherited(Report& report) {
    Three three;
    REQUIRE(three.start(low_body, 0));
    CHECK(three.end());
    CHECK(trace.is({1, 2, 10, 3}));
}

// The same with the high one on another CPU: it goes on beside them.
void inherited_from_afar(Report& report) {
    for (KnCpuId cpu = 1; cpu < cpu_count(); ++cpu) {
        Three three;
        REQUIRE(three.start(low_body, cpu));
        CHECK(three.end());
        CHECK(trace.is({1, 2, 10, 3}) || trace.is({1, 2, 3, 10}) || trace.is({1, 10, 2, 3}));
    }
}

// One that stops waiting by its end takes its priority back.
void ended_waiter_lends_nothing(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Three three;
        const ThreadBody low_does = [](std::uintptr_t) {
            rtMutexGet(&mutex);
            semV(&low_has_it);
            trace.note(comes_to_outrank_middle(true) ? 1 : 40);
            semP(&look_again, K_NOTIMEOUT);
            trace.note(comes_to_outrank_middle(false) ? 2 : 41);
            rtMutexRel(&mutex);
        };
        REQUIRE(three.start(low_does, cpu));
        CHECK(eventually([] { return trace.length() == 1; }));
        three.high_one.stop();
        semV(&look_again);
        CHECK(three.low_one.join());
        inheritance_over = true;
        semV(&go_middle);
        CHECK(three.middle_one.join());
        CHECK(trace.is({1, 2}));
    }
}

void owner_ends(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        trace.clear();
        rtMutexInit(&mutex);
        Helper owner, good, better;
        REQUIRE(owner.start(
                    [](std::uintptr_t) {
                        rtMutexGet(&mutex);
                        trace.note(0);
                        threadDelay(K_NOTIMEOUT);
                    },
                    0, middle, cpu) > 0);
        REQUIRE(eventually([] { return trace.length() == 1; }));
        REQUIRE(good.start(get_and_note, 1, middle) > 0);
        REQUIRE(better.start(get_and_note, 2, high) > 0);
        owner.stop();
        CHECK(good.join() && better.join());
        CHECK(trace.is({0, 2, 1}));
        CHECK_EQ(rtMutexTry(&mutex), 1);
        CHECK_EQ(rtMutexRel(&mutex), K_OK);
        // With nobody waiting: the mutex of a thread that is no more is free.
        trace.clear();
        Helper second;
        REQUIRE(second.start(
                    [](std::uintptr_t) {
                        rtMutexGet(&mutex);
                        trace.note(0);
                        threadDelay(K_NOTIMEOUT);
                    },
                    0, middle, cpu) > 0);
        REQUIRE(eventually([] { return trace.length() == 1; }));
        CHECK_EQ(rtMutexTry(&mutex), 0);
        second.stop();
        CHECK(eventually([] { return rtMutexTry(&mutex) == 1; }));
    }
}

// Two wait for each other; both can still be deleted, and nobody else is troubled.
KnRtMutex ring[2];

void ring_body(std::uintptr_t i) {
    rtMutexGet(&ring[i]);
    trace.note(1);
    static_cast<void>(eventually([] { return trace.length() >= 2; })); // the other one has the other
    rtMutexGet(&ring[1 - i]);
    trace.note(2);
}

void deadlock(Report& report) {
    trace.clear();
    rtMutexInit(&ring[0]);
    rtMutexInit(&ring[1]);
    Helper first, second;
    REQUIRE(first.start(ring_body, 0, high) > 0);
    REQUIRE(second.start(ring_body, 1, low, cpu_count() - 1) > 0);
    CHECK(eventually([] { return trace.length() == 2; }));
    sleep_milliseconds(20);
    CHECK_EQ(trace.length(), 2);
    for (const unsigned priority : {60U, 120U}) {
        const KnFifoThParms changed{K_SCHED_FIFO, priority};
        CHECK_EQ(threadScheduler(K_MYACTOR, second.thread(), nullptr, &changed), K_OK);
    }
    first.stop();
    CHECK(second.join());
    CHECK_EQ(trace.length(), 3);
}

// One that has a mutex for which somebody waits ends while it waits for another.
void waiting_owner_ends(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        trace.clear();
        rtMutexInit(&mutex);
        rtMutexInit(&ring[0]);
        REQUIRE_EQ(rtMutexGet(&ring[0]), K_OK);
        const KnSysStatistics before = settled_statistics();
        Helper owner, next;
        REQUIRE(owner.start(
                    [](std::uintptr_t) {
                        rtMutexGet(&mutex);
                        trace.note(0);
                        rtMutexGet(&ring[0]);
                    },
                    0, middle, cpu) > 0);
        REQUIRE(eventually([] { return trace.length() == 1; }));
        REQUIRE(next.start(get_and_note, 1, high) > 0);
        sleep_milliseconds(2);
        owner.stop();
        CHECK(next.join());
        CHECK(trace.is({0, 1}));
        next.stop();
        CHECK_EQ(settled_statistics().threads, before.threads);
        CHECK_EQ(rtMutexRel(&ring[0]), K_OK);
    }
}

// What a program writes there leads nowhere, or to nobody who has the mutex.
void scribbled(Report& report) {
    trace.clear();
    // The last one is a thread's, with memory of its own there: but not this.
    for (const unsigned nonsense :
         {1U, 0xffU, 0x12345678U, 0xffffffffU, static_cast<unsigned>(syncSelf()), 0U}) {
        rtMutexInit(&mutex);
        mutex.rtOwner = nonsense != 0 ? nonsense : static_cast<unsigned>(syncSelf());
        mutex.rtPlace = nonsense != 0 ? 0x1000 : address_of(&ring[0]);
        Helper helper;
        REQUIRE(helper.start(get_and_note, 1, higher_priority) > 0);
        CHECK(helper.join());
    }
    CHECK(trace.is({1, 1, 1, 1, 1, 1}));
    trace.clear();
    rtMutexInit(&mutex);
    REQUIRE_EQ(rtMutexGet(&mutex), K_OK);
    Helper waiter;
    REQUIRE(waiter.start(get_and_note, 2, higher_priority) > 0);
    mutex.rtOwner = 0;
    mutex.rtPlace = ~std::uint64_t{0};
    CHECK_EQ(rtMutexTry(&mutex), 0);
    CHECK_EQ(rtMutexRel(&mutex), K_OK);
    CHECK(waiter.join());
    CHECK(trace.is({2}));
}

constexpr Case cases[] = {
    {"free_and_held", free_and_held},
    {"point_03_best_waiter_is_next", wake_order},
    {"not_abortable", not_abortable},
    {"inherited", inherited},
    {"inherited_from_afar", inherited_from_afar},
    {"ended_waiter_lends_nothing", ended_waiter_lends_nothing},
    {"owner_ends", owner_ends},
    {"waiting_owner_ends", waiting_owner_ends},
    {"deadlock", deadlock},
    {"scribbled", scribbled},
};

} // namespace

const Suite rt_mutex_suite{"rt_mutex", cases};

} // namespace chorale::test
