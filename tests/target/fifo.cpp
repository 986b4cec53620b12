// Suite fifo: the order among equals, without quanta.
#include "check.hpp"
#include "helper.hpp"
#include "trace.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

Trace order;

void note_order(std::uintptr_t value) { order.note(static_cast<unsigned>(value)); }

std::atomic<bool> let_go;

void note_twice(std::uintptr_t value) {
    note_order(value);
    while (!let_go.load()) {
    }
    note_order(value + 10);
}

void sleep_and_note(std::uintptr_t value) {
    sleep_milliseconds(1);
    note_order(value);
}

void burn_and_note(std::uintptr_t value) {
    burn(5000);
    note_order(value);
}

// Point 4: who was preempted stays before its equals.
void point_04_preempted_stays_first(Report& report) {
    order.clear();
    let_go = false;
    Helper first, second;
    REQUIRE(first.start(note_twice, 1, lower_priority) > 0);
    REQUIRE(second.start(note_order, 2, lower_priority) > 0);
    for (unsigned i = 0; i < 5; ++i) {
        sleep_milliseconds(1);
    }
    CHECK(order.is({1}));
    let_go = true;
    REQUIRE(second.join());
    CHECK(order.is({1, 11, 2}));
}

// Point 4: who wakes up goes behind those that wait already.
void point_04_woken_goes_behind(Report& report) {
    order.clear();
    Helper sleeper, burner, waiter;
    REQUIRE(sleeper.start(sleep_and_note, 1, lower_priority) > 0);
    REQUIRE(burner.start(burn_and_note, 2, lower_priority) > 0);
    REQUIRE(waiter.start(note_order, 3, lower_priority) > 0);
    REQUIRE(sleeper.join());
    CHECK(order.is({2, 3, 1}));
}

constexpr Case cases[] = {
    {"point_04_preempted_stays_first", point_04_preempted_stays_first},
    {"point_04_woken_goes_behind", point_04_woken_goes_behind},
};

} // namespace

const Suite fifo_suite{"fifo", cases};

} // namespace chorale::test
