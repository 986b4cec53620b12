// Suites semaphore and thread_semaphore.
#include "check.hpp"
#include "helper.hpp"
#include "trace.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

Trace trace;
KnSem sem;
std::atomic<int> result_seen;

void wait_and_note(std::uintptr_t value) {
    const int result = semP(&sem, K_NOTIMEOUT);
    trace.note(result == K_OK ? static_cast<unsigned>(value) : 99);
}

void counts(Report& report) {
    KnSem local = K_KNSEM_INITIALIZER(2);
    CHECK_EQ(semP(&local, K_NOBLOCK), K_OK);
    CHECK_EQ(semP(&local, K_NOTIMEOUT), K_OK);
    CHECK_EQ(semP(&local, K_NOBLOCK), K_ETIMEOUT);
    CHECK_EQ(semV(&local), K_OK);
    CHECK_EQ(semV(&local), K_OK);
    CHECK_EQ(semP(&local, K_NOBLOCK), K_OK);
    CHECK_EQ(semP(&local, K_NOBLOCK), K_OK);
    CHECK_EQ(semP(&local, K_NOBLOCK), K_ETIMEOUT);
    CHECK_EQ(semInit(&local, 1), K_OK);
    CHECK_EQ(semP(&local, K_NOBLOCK), K_OK);
    CHECK_EQ(semInit(&local, K_SEMCOUNTMAX), K_OK);
    CHECK_EQ(semV(&local), K_OK); // no more than that
    CHECK_EQ(local.smWord.value, K_SEMCOUNTMAX);
    CHECK_EQ(semInit(&local, K_SEMCOUNTMAX + 1), K_EINVAL);
}

void wake_order(Report& report) {
    trace.clear();
    REQUIRE_EQ(semInit(&sem, 0), K_OK);
    Helper helpers[4];
    for (unsigned i = 0; i < 4; ++i) {
        REQUIRE(helpers[i].start(wait_and_note, i, higher_priority - i * 5) > 0);
    }
    for (unsigned i = 0; i < 4; ++i) {
        CHECK_EQ(trace.length(), i);
        CHECK_EQ(semV(&sem), K_OK);
    }
    CHECK(trace.is({0, 1, 2, 3}));
    CHECK_EQ(semV(&sem), K_OK);
    CHECK_EQ(semP(&sem, K_NOBLOCK), K_OK);
}

void limits(Report& report) {
    REQUIRE_EQ(semInit(&sem, 0), K_OK);
    for (const long milliseconds : {1L, 3L, 20L}) {
        const KnTimeVal limit{0, milliseconds * 1000000};
        const std::uint64_t begin = now_microseconds();
        CHECK_EQ(semP(&sem, &limit), K_ETIMEOUT);
        CHECK(now_microseconds() - begin >= static_cast<std::uint64_t>(milliseconds) * 1000);
    }
    const KnTimeVal zero{0, 0};
    CHECK_EQ(semP(&sem, &zero), K_ETIMEOUT);
    // What was waited for in vain has not counted.
    CHECK_EQ(semV(&sem), K_OK);
    CHECK_EQ(semP(&sem, K_NOBLOCK), K_OK);
    CHECK_EQ(semP(&sem, K_NOBLOCK), K_ETIMEOUT);
    for (const KnTimeVal bad : {KnTimeVal{-1, 0}, KnTimeVal{0, -1}, KnTimeVal{0, 1000000000}}) {
        CHECK_EQ(semP(&sem, &bad), K_EINVAL);
    }
}

void wait_for_result(std::uintptr_t limit) {
    result_seen = semP(&sem, reinterpret_cast<const KnTimeVal*>(limit));
    trace.note(1);
}

void aborts(Report& report) {
    trace.clear();
    REQUIRE_EQ(semInit(&sem, 0), K_OK);
    {
        Helper helper;
        REQUIRE(helper.start(wait_for_result, address_of(K_NOTIMEOUT), higher_priority) > 0);
        CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
        CHECK(helper.join());
        CHECK_EQ(result_seen, K_EABORT);
    }
    CHECK_EQ(semV(&sem), K_OK);
    CHECK_EQ(semP(&sem, K_NOBLOCK), K_OK);
    CHECK_EQ(semP(&sem, K_NOBLOCK), K_ETIMEOUT);
    // The mark waits for the next wait that would wait.
    CHECK_EQ(semV(&sem), K_OK);
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    CHECK_EQ(semP(&sem, K_NOTIMEOUT), K_OK);
    CHECK_EQ(semP(&sem, K_NOBLOCK), K_ETIMEOUT);
    CHECK_EQ(semP(&sem, K_NOTIMEOUT), K_EABORT);
    CHECK_EQ(threadAborted(), 0);
}

void without_abort(Report& report) {
    static const KnTimeVal limited{0, 20000000 + K_NOABORT};
    for (const KnTimeVal* limit : {const_cast<const KnTimeVal*>(K_NOTIMEOUT_NOABORT), &limited}) {
        REQUIRE_EQ(semInit(&sem, 0), K_OK);
        trace.clear();
        Helper helper;
        REQUIRE(helper.start(wait_for_result, address_of(limit), higher_priority) > 0);
        CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
        CHECK_EQ(trace.length(), 0);
        CHECK_EQ(semV(&sem), K_OK);
        CHECK(helper.join());
        CHECK_EQ(result_seen, K_OK);
    }
}

void deleted_waiter(Report& report) {
    trace.clear();
    REQUIRE_EQ(semInit(&sem, 0), K_OK);
    Helper first, second;
    REQUIRE(first.start(wait_and_note, 1, higher_priority) > 0);
    REQUIRE(second.start(wait_and_note, 2, higher_priority) > 0);
    first.stop();
    CHECK_EQ(semV(&sem), K_OK);
    CHECK(trace.is({2}));
    CHECK_EQ(semP(&sem, K_NOBLOCK), K_ETIMEOUT);
}

void bad_places(Report& report) {
    alignas(8) char bytes[16]{};
    CHECK_EQ(syncTake(reinterpret_cast<KnSyncWord*>(bytes + 1), K_NOBLOCK, nullptr), K_EINVAL);
    CHECK_EQ(syncGive(reinterpret_cast<KnSyncWord*>(bytes + 2), 1), K_EINVAL);
    CHECK_EQ(syncTake(nullptr, K_NOBLOCK, nullptr), K_EFAULT);
    CHECK_EQ(syncGive(nullptr, 1), K_EFAULT);
    static const KnSyncWord constant{0}; // in read-only memory
    CHECK_EQ(syncGive(const_cast<KnSyncWord*>(&constant), 1), K_EFAULT);
}

std::atomic<KnSem*> placed;

void wait_placed(std::uintptr_t) { result_seen = semP(placed, K_NOTIMEOUT); }

// The memory goes, and with it the waits; the same memory is another object when it comes again.
void memory_freed(Report& report) {
    const KnSysStatistics before = settled_statistics();
    for (unsigned round = 0; round < 8; ++round) {
        KnRgnDesc region{0, 4096, K_WRITABLE | K_ANYWHERE | K_FILLZERO, 0, nullptr, 0};
        REQUIRE_EQ(rgnAllocate(K_MYACTOR, &region), K_OK);
        placed = reinterpret_cast<KnSem*>(region.startAddr + 256);
        result_seen = 1;
        Helper helpers[3];
        for (unsigned i = 0; i < 3; ++i) {
            REQUIRE(helpers[i].start(wait_placed, 0, higher_priority, (round + i) % cpu_count()) > 0);
        }
        for (const Helper& helper : helpers) {
            CHECK(eventually([&] { return status_of(helper.thread()) == K_WAITING; }));
        }
        region.options = 0;
        CHECK_EQ(rgnFree(K_MYACTOR, &region), K_OK);
        for (Helper& helper : helpers) {
            CHECK(helper.join());
        }
        CHECK_EQ(result_seen, K_EFAULT);
    }
    CHECK_EQ(settled_statistics().freePages <= before.freePages, true);
}

constexpr unsigned rounds = 3000;
KnSem ping, pong;

void answer(std::uintptr_t) {
    for (unsigned i = 0; i < rounds; ++i) {
        semP(&ping, K_NOTIMEOUT);
        semV(&pong);
    }
}

void to_and_fro(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        semInit(&ping, 0);
        semInit(&pong, 0);
        Helper helper;
        REQUIRE(helper.start(answer, 0, main_priority, cpu) > 0);
        for (unsigned i = 0; i < rounds; ++i) {
            semV(&ping);
            semP(&pong, K_NOTIMEOUT);
        }
        CHECK(helper.join());
    }
}

// Time limits and posts meet: each post ends one wait or is counted.
std::atomic<unsigned> taken;

void take_briefly(std::uintptr_t seed) {
    for (unsigned i = 0; i < 400; ++i) {
        const KnTimeVal limit{0, static_cast<long>(1000 + (seed + i) % 7 * 20000)};
        taken += semP(&sem, &limit) == K_OK ? 1U : 0U;
    }
}

void limits_and_posts(Report& report) {
    REQUIRE_EQ(semInit(&sem, 0), K_OK);
    taken = 0;
    Helper helpers[6];
    for (unsigned i = 0; i < 6; ++i) {
        REQUIRE(helpers[i].start(take_briefly, i, lower_priority, i % cpu_count()) > 0);
    }
    unsigned posted = 0;
    const auto finished = [&] {
        bool all = true;
        for (Helper& helper : helpers) {
            all = all && helper.finished();
        }
        return all;
    };
    while (!finished()) {
        CHECK_EQ(semV(&sem), K_OK);
        ++posted;
        burn(5);
        if (posted % 16 == 0) {
            sleep_milliseconds(1);
        }
    }
    unsigned left = 0;
    while (semP(&sem, K_NOBLOCK) == K_OK) {
        ++left;
    }
    CHECK_EQ(taken + left, posted);
}

constexpr Case cases[] = {
    {"counts", counts},
    {"point_03_semaphore_is_fifo", wake_order},
    {"limits", limits},
    {"aborts", aborts},
    {"without_abort", without_abort},
    {"deleted_waiter", deleted_waiter},
    {"bad_places", bad_places},
    {"memory_freed", memory_freed},
    {"to_and_fro", to_and_fro},
    {"limits_and_posts", limits_and_posts},
};

// ---- thread semaphores -------------------------------------------------------------------------

KnThSem own;

void post_twice(Report& report) {
    REQUIRE_EQ(threadSemInit(&own), K_OK);
    CHECK_EQ(threadSemWait(&own, K_NOBLOCK), K_ETIMEOUT);
    CHECK_EQ(threadSemPost(&own), K_OK);
    CHECK_EQ(threadSemPost(&own), K_OK);
    CHECK_EQ(threadSemWait(&own, K_NOTIMEOUT), K_OK);
    CHECK_EQ(threadSemWait(&own, K_NOBLOCK), K_ETIMEOUT);
    const KnTimeVal limit{0, 1000000}, bad{0, -1};
    CHECK_EQ(threadSemWait(&own, &limit), K_ETIMEOUT);
    CHECK_EQ(threadSemWait(&own, &bad), K_EINVAL);
}

void own_and_wait(std::uintptr_t) {
    threadSemInit(&own);
    trace.note(static_cast<unsigned>(threadSemWait(&own, K_NOTIMEOUT) == K_OK));
    // Posted once, while it waited: nothing is left.
    trace.note(static_cast<unsigned>(threadSemWait(&own, K_NOBLOCK) == K_ETIMEOUT));
    trace.note(static_cast<unsigned>(threadSemWait(&own, K_NOTIMEOUT) == K_EABORT));
}

// Only the thread that initialised it waits; a post to a waiting owner does not set POSTED.
void owner_waits(Report& report) {
    trace.clear();
    Helper helper;
    REQUIRE(helper.start(own_and_wait, 0, higher_priority) > 0);
    CHECK_EQ(threadSemWait(&own, K_NOBLOCK), K_EINVAL);
    CHECK_EQ(threadSemWait(&own, K_NOTIMEOUT), K_EINVAL);
    CHECK_EQ(threadSemPost(&own), K_OK);
    CHECK(trace.is({1, 1}));
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    CHECK(helper.join());
    CHECK(trace.is({1, 1, 1}));
}

constexpr Case thread_semaphore_cases[] = {
    {"post_twice", post_twice},
    {"point_02_only_the_owner_waits", owner_waits},
};

} // namespace

const Suite semaphore_suite{"semaphore", cases};
const Suite thread_semaphore_suite{"thread_semaphore", thread_semaphore_cases};

} // namespace chorale::test
