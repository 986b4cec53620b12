// Suites event and monitor.
#include "check.hpp"
#include "helper.hpp"
#include "trace.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

Trace trace;
KnEventSet set;
std::atomic<unsigned> ended;

struct Wish {
    unsigned mask;
    int operation;
};
constexpr Wish wishes[] = {
    {1, K_EVENT_OR}, {6, K_EVENT_AND}, {6, K_EVENT_OR}, {8, K_EVENT_OR}, {15, K_EVENT_AND},
};

void wait_for_wish(std::uintptr_t index) {
    const Wish& wish = wishes[index];
    unsigned posted = 0;
    const int result = eventWait(&set, wish.mask, wish.operation, &posted, K_NOTIMEOUT);
    const bool holds =
        wish.operation == K_EVENT_AND ? (posted & wish.mask) == wish.mask : (posted & wish.mask) != 0;
    trace.note(result == K_OK && holds ? static_cast<unsigned>(index) : 99);
    ++ended;
}

// A post wakes all whose condition comes true, and no others; the flags stay.
void wakes_all(Report& report) {
    trace.clear();
    CHECK_EQ(eventInit(&set), K_OK);
    Helper helpers[5];
    for (unsigned i = 0; i < 5; ++i) {
        REQUIRE(helpers[i].start(wait_for_wish, i, higher_priority) > 0);
    }
    CHECK_EQ(eventPost(&set, 16), K_OK);
    CHECK_EQ(trace.length(), 0);
    CHECK_EQ(eventPost(&set, 2), K_OK);
    CHECK(trace.is({2}));
    CHECK_EQ(eventPost(&set, 4), K_OK);
    CHECK(trace.is({2, 1}));
    CHECK_EQ(eventPost(&set, 1 | 8), K_OK);
    CHECK_EQ(trace.length(), 5);
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    unsigned posted = 0;
    CHECK_EQ(eventWait(&set, 31, K_EVENT_AND, &posted, K_NOBLOCK), K_OK);
    CHECK_EQ(posted, 31);
    CHECK_EQ(eventWait(&set, 31, K_EVENT_AND, nullptr, K_NOTIMEOUT), K_OK);
    CHECK_EQ(set.evWaiters, 0);
}

void clear_and_errors(Report& report) {
    KnEventSet local = K_KNEVENTSET_INITIALIZER;
    unsigned posted = 77;
    CHECK_EQ(eventPost(&local, 0x80000003), K_OK);
    CHECK_EQ(eventWait(&local, 0x80000000, K_EVENT_OR, &posted, K_NOBLOCK), K_OK);
    CHECK_EQ(posted, 0x80000003);
    CHECK_EQ(eventClear(&local, 2), K_OK);
    CHECK_EQ(eventWait(&local, 3, K_EVENT_AND, &posted, K_NOBLOCK), K_ETIMEOUT);
    CHECK_EQ(eventWait(&local, 3, K_EVENT_OR, &posted, K_NOBLOCK), K_OK);
    CHECK_EQ(eventWait(&local, 0, K_EVENT_OR, &posted, K_NOBLOCK), K_EINVAL);
    CHECK_EQ(eventWait(&local, 0, K_EVENT_AND, &posted, K_NOBLOCK), K_EINVAL);
    CHECK_EQ(eventWait(&local, 1, 2, &posted, K_NOBLOCK), K_EINVAL);
    const KnTimeVal limit{0, 2000000}, bad{0, 1000000000};
    CHECK_EQ(eventWait(&local, 4, K_EVENT_OR, &posted, &limit), K_ETIMEOUT);
    CHECK_EQ(eventWait(&local, 4, K_EVENT_OR, &posted, &bad), K_EINVAL);
    CHECK_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    CHECK_EQ(eventWait(&local, 4, K_EVENT_OR, &posted, K_NOTIMEOUT), K_EABORT);
    CHECK_EQ(local.evWaiters, 0);
    alignas(8) char bytes[16]{};
    CHECK_EQ(eventNotify(reinterpret_cast<KnEventSet*>(bytes + 4)), K_EINVAL);
    CHECK_EQ(eventNotify(nullptr), K_EFAULT);
    CHECK_EQ(eventAwait(nullptr, 1, K_EVENT_OR, K_NOBLOCK), K_EFAULT);
}

// More waiters than one step of a post looks at, on all CPUs; one of them is deleted.
void many(Report& report) {
    CHECK_EQ(eventInit(&set), K_OK);
    ended = 0;
    Helper helpers[14];
    for (unsigned i = 0; i < 14; ++i) {
        REQUIRE(helpers[i].start(wait_for_wish, i % 2 == 0 ? 0 : 3, higher_priority, i % cpu_count()) > 0);
    }
    sleep_milliseconds(2);
    helpers[2].stop();
    CHECK_EQ(eventPost(&set, 1), K_OK);
    CHECK(eventually([] { return ended == 6; }));
    CHECK_EQ(eventPost(&set, 8), K_OK);
    CHECK(eventually([] { return ended == 13; }));
}

// Posts, clears and waits from all sides: who waits for a flag that is posted last gets through.
std::atomic<bool> stop_posting;

void post_at_random(std::uintptr_t seed) {
    auto state = static_cast<unsigned>(seed) * 2654435761U + 1;
    while (!stop_posting) {
        state = state * 1664525 + 1013904223;
        eventPost(&set, state >> 28);
        eventClear(&set, state >> 24 & 15);
    }
}

void wait_often(std::uintptr_t) {
    for (unsigned i = 0; i < 300; ++i) {
        eventWait(&set, 1U << i % 4, K_EVENT_OR, nullptr, K_NOTIMEOUT);
    }
    ++ended;
}

void storm(Report& report) {
    CHECK_EQ(eventInit(&set), K_OK);
    ended = 0;
    stop_posting = false;
    Helper posters[2], waiters[6];
    for (unsigned i = 0; i < 2; ++i) {
        REQUIRE(posters[i].start(post_at_random, i + 1, lower_priority + 5, i % cpu_count()) > 0);
    }
    for (unsigned i = 0; i < 6; ++i) {
        REQUIRE(waiters[i].start(wait_often, i, lower_priority, i % cpu_count()) > 0);
    }
    sleep_milliseconds(200);
    stop_posting = true;
    CHECK(posters[0].join() && posters[1].join());
    CHECK_EQ(eventPost(&set, 15), K_OK);
    CHECK(eventually([] { return ended == 6; }));
}

constexpr Case cases[] = {
    {"point_03_event_wakes_all_and_stays", wakes_all},
    {"clear_and_errors", clear_and_errors},
    {"many", many},
    {"storm", storm},
};

// ---- monitors ----------------------------------------------------------------------------------

KnMonitor monitor;

void recursion(Report& report) {
    KnMonitor local = K_KNMONITOR_INITIALIZER;
    CHECK_EQ(monitorRel(&local), K_EINVAL);
    CHECK_EQ(monitorGet(&local), K_OK);
    CHECK_EQ(monitorGet(&local), K_OK);
    CHECK_EQ(monitorGet(&local), K_OK);
    CHECK_EQ(monitorNotify(&local), K_OK); // nobody waits: lost
    const KnTimeVal limit{0, 1000000}, bad{-1, 0};
    CHECK_EQ(monitorWait(&local, &limit), K_ETIMEOUT);
    CHECK_EQ(monitorWait(&local, &bad), K_EINVAL);
    CHECK_EQ(monitorWait(&local, K_NOBLOCK), K_ETIMEOUT);
    for (unsigned i = 0; i < 3; ++i) {
        CHECK_EQ(monitorRel(&local), K_OK);
    }
    CHECK_EQ(monitorRel(&local), K_EINVAL);
    CHECK_EQ(monitorWait(&local, &limit), K_EINVAL);
    CHECK_EQ(monitorNotify(&local), K_EINVAL);
    CHECK_EQ(monitorNotifyAll(&local), K_EINVAL);
    CHECK_EQ(monitorInit(&local), K_OK);
    CHECK_EQ(monitorGet(&local), K_OK);
    CHECK_EQ(monitorRel(&local), K_OK);
}

void wait_in_monitor(std::uintptr_t value) {
    monitorGet(&monitor);
    monitorGet(&monitor);
    const int result = monitorWait(&monitor, K_NOTIMEOUT);
    trace.note(static_cast<unsigned>(value) + (result == K_OK ? 0 : 50));
    const bool mine =
        monitorRel(&monitor) == K_OK && monitorRel(&monitor) == K_OK && monitorRel(&monitor) == K_EINVAL;
    if (!mine) {
        trace.note(99);
    }
}

void notify(Report& report) {
    trace.clear();
    monitorInit(&monitor);
    Helper helpers[5];
    for (unsigned i = 0; i < 5; ++i) {
        REQUIRE(helpers[i].start(wait_in_monitor, i, higher_priority, 0) > 0);
    }
    REQUIRE_EQ(monitorGet(&monitor), K_OK);
    CHECK_EQ(monitorNotify(&monitor), K_OK);
    CHECK_EQ(trace.length(), 0); // it is awake and waits for the monitor
    CHECK_EQ(monitorRel(&monitor), K_OK);
    CHECK(trace.is({0}));
    CHECK_EQ(threadAbort(K_MYACTOR, helpers[1].thread()), K_OK);
    CHECK(trace.is({0, 51}));
    helpers[2].stop();
    REQUIRE_EQ(monitorGet(&monitor), K_OK);
    CHECK_EQ(monitorNotifyAll(&monitor), K_OK);
    CHECK_EQ(monitorNotifyAll(&monitor), K_OK);
    CHECK_EQ(monitorRel(&monitor), K_OK);
    CHECK(trace.is({0, 51, 3, 4}));
}

// A queue of one place between threads on all CPUs.
constexpr unsigned things = 1500;
unsigned place, put_sum, got_sum;

void put_things(std::uintptr_t) {
    for (unsigned i = 1; i <= things; ++i) {
        monitorGet(&monitor);
        while (place != 0) {
            monitorWait(&monitor, K_NOTIMEOUT);
        }
        place = i;
        put_sum += i;
        monitorNotifyAll(&monitor);
        monitorRel(&monitor);
    }
}

void get_things(std::uintptr_t) {
    for (unsigned i = 0; i < things; ++i) {
        monitorGet(&monitor);
        while (place == 0) {
            monitorWait(&monitor, K_NOTIMEOUT);
        }
        got_sum += place;
        place = 0;
        monitorNotifyAll(&monitor);
        monitorRel(&monitor);
    }
}

void bounded_buffer(Report& report) {
    monitorInit(&monitor);
    place = put_sum = got_sum = 0;
    Helper helpers[4];
    for (unsigned i = 0; i < 4; ++i) {
        REQUIRE(helpers[i].start(i % 2 == 0 ? put_things : get_things, i, lower_priority, i % cpu_count()) >
                0);
    }
    for (Helper& helper : helpers) {
        CHECK(helper.join(30000));
    }
    CHECK_EQ(put_sum, things * (things + 1));
    CHECK_EQ(got_sum, put_sum);
}

constexpr Case monitor_cases[] = {
    {"recursion", recursion},
    {"notify", notify},
    {"bounded_buffer", bounded_buffer},
};

} // namespace

const Suite event_suite{"event", cases};
const Suite monitor_suite{"monitor", monitor_cases};

} // namespace chorale::test
