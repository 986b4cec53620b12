// Suite mutex: who has it, who is next, and that neither time nor aborts end the wait.
#include "check.hpp"
#include "helper.hpp"
#include "trace.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

Trace trace;
KnMutex mutex;

void free_and_held(Report& report) {
    KnMutex local = K_KNMUTEX_INITIALIZER;
    CHECK_EQ(mutexTry(&local), 1);
    CHECK_EQ(mutexTry(&local), 0);
    CHECK_EQ(mutexRel(&local), K_OK);
    CHECK_EQ(mutexGet(&local), K_OK);
    CHECK_EQ(mutexTry(&local), 0);
    CHECK_EQ(mutexInit(&local), K_OK);
    CHECK_EQ(mutexTry(&local), 1);
    CHECK_EQ(mutexRel(&local), K_OK);
    CHECK_EQ(mutexRel(&local), K_OK); // of a free one: there is still one unit
    CHECK_EQ(mutexTry(&local), 1);
    CHECK_EQ(mutexTry(&local), 0);
}

void get_and_note(std::uintptr_t value) {
    const int result = mutexGet(&mutex);
    trace.note(result == K_OK ? static_cast<unsigned>(value) : 99);
    mutexRel(&mutex);
}

// First come, first served, whatever the priorities. All begin on this CPU and wait before this thread goes
// on.
void wake_order(Report& report) {
    trace.clear();
    mutexInit(&mutex);
    REQUIRE_EQ(mutexGet(&mutex), K_OK);
    Helper helpers[4];
    for (unsigned i = 0; i < 4; ++i) {
        REQUIRE(helpers[i].start(get_and_note, i, higher_priority - i * 5) > 0);
    }
    CHECK_EQ(trace.length(), 0);
    CHECK_EQ(mutexRel(&mutex), K_OK);
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    CHECK(trace.is({0, 1, 2, 3}));
    CHECK_EQ(mutexTry(&mutex), 1);
}

// The one who waits has it when it is released: the releaser cannot take it again.
void handed_over(Report& report) {
    trace.clear();
    mutexInit(&mutex);
    REQUIRE_EQ(mutexGet(&mutex), K_OK);
    Helper helper;
    REQUIRE(helper.start(
                [](std::uintptr_t) {
                    mutexGet(&mutex);
                    trace.note(1);
                    threadDelay(K_NOTIMEOUT);
                },
                0, higher_priority) > 0);
    // Now of lower priority than this thread: it gets the mutex, though it does not run.
    const KnFifoThParms low{K_SCHED_FIFO, lower_priority};
    CHECK_EQ(threadScheduler(K_MYACTOR, helper.thread(), nullptr, &low), K_OK);
    CHECK_EQ(mutexRel(&mutex), K_OK);
    CHECK_EQ(trace.length(), 0);
    CHECK_EQ(mutexTry(&mutex), 0);
    CHECK(eventually([] { return trace.length() == 1; }));
}

// mutexGet is not abortable: the abort is left for later.
void not_abortable(Report& report) {
    trace.clear();
    mutexInit(&mutex);
    REQUIRE_EQ(mutexGet(&mutex), K_OK);
    Helper helper;
    REQUIRE(helper.start(
                [](std::uintptr_t) {
                    trace.note(mutexGet(&mutex) == K_OK ? 1 : 2);
                    trace.note(threadAborted() == 1 ? 3 : 4);
                    mutexRel(&mutex);
                },
                0, higher_priority) > 0);
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    sleep_milliseconds(2);
    CHECK_EQ(trace.length(), 0);
    CHECK_EQ(mutexRel(&mutex), K_OK);
    CHECK(helper.join());
    CHECK(trace.is({1, 3}));
}

void deleted_waiter(Report& report) {
    trace.clear();
    mutexInit(&mutex);
    REQUIRE_EQ(mutexGet(&mutex), K_OK);
    Helper first, second, third;
    REQUIRE(first.start(get_and_note, 1, higher_priority) > 0);
    REQUIRE(second.start(get_and_note, 2, higher_priority) > 0);
    REQUIRE(third.start(get_and_note, 3, higher_priority) > 0);
    first.stop();
    third.stop();
    CHECK_EQ(mutexRel(&mutex), K_OK);
    CHECK(second.join());
    CHECK(trace.is({2}));
    CHECK_EQ(mutexTry(&mutex), 1);
}

// A waiter moves to another CPU and is found there.
void moved_waiter(Report& report) {
    for (unsigned round = 0; round < 20; ++round) {
        trace.clear();
        mutexInit(&mutex);
        REQUIRE_EQ(mutexGet(&mutex), K_OK);
        Helper helper;
        REQUIRE(helper.start(get_and_note, 7, higher_priority) > 0);
        CHECK_EQ(threadBind(K_MYACTOR, helper.thread(), round % cpu_count(), nullptr, K_NONEXCLUSIVE), K_OK);
        CHECK_EQ(mutexRel(&mutex), K_OK);
        CHECK(helper.join());
        CHECK(trace.is({7}));
    }
}

constexpr unsigned rounds = 2000;
unsigned long counted; // guarded by the mutex
std::atomic<unsigned> inside, overlaps;

void count_up(std::uintptr_t) {
    for (unsigned i = 0; i < rounds; ++i) {
        mutexGet(&mutex);
        overlaps += inside.fetch_add(1) != 0 ? 1U : 0U;
        ++counted;
        inside.fetch_sub(1);
        mutexRel(&mutex);
        if (i % 64 == 0) {
            threadDelay(K_NOBLOCK);
        }
    }
}

void exclusion(Report& report) {
    mutexInit(&mutex);
    counted = 0;
    overlaps = 0;
    Helper helpers[8];
    for (unsigned i = 0; i < 8; ++i) {
        REQUIRE(helpers[i].start(count_up, i, lower_priority - i % 2, i % cpu_count()) > 0);
    }
    for (Helper& helper : helpers) {
        CHECK(helper.join(30000));
    }
    CHECK_EQ(counted, 8 * rounds);
    CHECK_EQ(overlaps, 0);
    CHECK_EQ(mutexTry(&mutex), 1);
}

// Threads are deleted while they wait, have just been given the mutex, or have it: then it is for ever
// theirs, so each round has a new one. Those that are left go on.
void deleted_in_any_state(Report& report) {
    const KnSysStatistics before = settled_statistics();
    for (unsigned round = 0; round < 60; ++round) {
        mutexInit(&mutex);
        Helper helpers[4];
        for (unsigned i = 0; i < 4; ++i) {
            REQUIRE(helpers[i].start(count_up, i, lower_priority, i % cpu_count()) > 0);
        }
        burn(20 * (round % 16));
        for (Helper& helper : helpers) {
            helper.stop();
        }
    }
    CHECK(eventually([&] {
        KnSysStatistics now{};
        return sysStatistics(&now) == K_OK && now.threads <= before.threads;
    }));
}

void scribbled(Report& report) {
    trace.clear();
    mutexInit(&mutex);
    REQUIRE_EQ(mutexGet(&mutex), K_OK);
    Helper helper;
    REQUIRE(helper.start(get_and_note, 5, higher_priority) > 0);
    for (const unsigned nonsense : {0U, 1U, 2U, 0x7fffffffU, 0x80000000U, 0x80000001U, 0xffffffffU}) {
        mutex.mtWord.value = nonsense;
        mutexTry(&mutex);
    }
    mutex.mtWord.value = 0x80000000;
    CHECK_EQ(mutexRel(&mutex), K_OK);
    CHECK(helper.join());
    CHECK(trace.is({5}));
}

constexpr Case cases[] = {
    {"free_and_held", free_and_held},   {"point_03_mutex_is_fifo", wake_order},
    {"handed_over", handed_over},       {"not_abortable", not_abortable},
    {"deleted_waiter", deleted_waiter}, {"moved_waiter", moved_waiter},
    {"exclusion", exclusion},           {"deleted_in_any_state", deleted_in_any_state},
    {"scribbled", scribbled},
};

} // namespace

const Suite mutex_suite{"mutex", cases};

} // namespace chorale::test
