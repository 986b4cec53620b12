// Suite watchdog: the calls of <cx/wdt.h>. The end that all this is about, a restart, is the case
// watchdog.restart, which runs only when it is asked for by its name (tests/system/test_watchdog.py).
#include "check.hpp"
#include "helper.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <cx/wdt.h>

extern "C" int* __errno_location();

namespace chorale::test {
namespace {

constexpr int e_again = 11, e_fault = 14, e_busy = 16, e_inval = 22;
constexpr timespec_t half_a_second{0, 500'000'000};

int error() { return *__errno_location(); }

// Freed at the end of the case.
struct Handle {
    wdt_handle_t value{};
    int allocated = wdt_alloc(&value);
    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (value != 0) wdt_free(value);
    }
};

void intervals(Report& report) {
    Handle handle;
    timespec_t interval{9, 9}, least{}, most{};
    REQUIRE_EQ(handle.allocated, 0);
    CHECK_EQ(wdt_get_interval(handle.value, &interval), 0);
    CHECK(interval.tv_sec == 0 && interval.tv_nsec == 0);
    CHECK_EQ(wdt_get_mininterval(handle.value, &least), 0);
    CHECK_EQ(wdt_get_maxinterval(handle.value, &most), 0);
    CHECK(least.tv_sec == 0 && least.tv_nsec > 0 && most.tv_sec >= 60);
    CHECK_EQ(wdt_set_interval(handle.value, &half_a_second), 0);
    CHECK_EQ(wdt_get_interval(handle.value, &interval), 0);
    CHECK(interval.tv_sec == 0 && interval.tv_nsec == half_a_second.tv_nsec);
    const timespec_t tiny{0, 1}, huge{most.tv_sec + 1, 0}, wrong{0, 1'000'000'000};
    CHECK_EQ(wdt_set_interval(handle.value, &tiny), 0); // raised
    CHECK_EQ(wdt_get_interval(handle.value, &interval), 0);
    CHECK(interval.tv_sec == least.tv_sec && interval.tv_nsec == least.tv_nsec);
    CHECK_EQ(wdt_set_interval(handle.value, &huge), -1);
    CHECK_EQ(error(), e_inval);
    CHECK_EQ(wdt_set_interval(handle.value, &wrong), -1);
    CHECK_EQ(wdt_set_interval(handle.value, &most), 0);
}

// Patted in time it stays quiet, on whatever CPU, for much longer than its interval.
void patted_in_time(Report& report) {
    Handle handle;
    REQUIRE_EQ(handle.allocated, 0);
    CHECK_EQ(wdt_is_armed(handle.value), 0);
    CHECK_EQ(wdt_arm(handle.value), -1); // no interval yet
    CHECK_EQ(error(), e_inval);
    CHECK_EQ(wdt_set_interval(handle.value, &half_a_second), 0);
    for (unsigned i = 0; i < 12; ++i) {
        REQUIRE_EQ(threadBind(K_MYACTOR, K_MYSELF, i % cpu_count(), nullptr, K_NONEXCLUSIVE), K_OK);
        CHECK_EQ(i % 5 == 0 ? wdt_arm(handle.value) : wdt_pat(handle.value), 0);
        CHECK_EQ(wdt_is_armed(handle.value), 1);
        sleep_milliseconds(100);
    }
    REQUIRE_EQ(threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE), K_OK);
    CHECK_EQ(wdt_disarm(handle.value), 0);
    CHECK_EQ(wdt_is_armed(handle.value), 0);
    CHECK_EQ(wdt_pat(handle.value), 0);
    CHECK_EQ(wdt_is_armed(handle.value), 0);
    sleep_milliseconds(1200); // both stages would be over
}

// The first stage is a warning: whoever comes back before the second goes on.
void back_after_the_first_stage(Report& report) {
    Handle handle;
    REQUIRE_EQ(handle.allocated, 0);
    CHECK_EQ(wdt_set_interval(handle.value, &half_a_second), 0);
    for (unsigned i = 0; i < 2; ++i) {
        CHECK_EQ(wdt_arm(handle.value), 0);
        sleep_milliseconds(600);
        CHECK_EQ(wdt_is_armed(handle.value), 1);
    }
    CHECK_EQ(wdt_disarm(handle.value), 0);
}

void taken_over(Report& report) {
    wdt_handle_t first = 0;
    REQUIRE_EQ(wdt_alloc(&first), 0);
    CHECK_EQ(wdt_set_interval(first, &half_a_second), 0);
    CHECK_EQ(wdt_arm(first), 0);
    wdt_handle_t again = first;
    CHECK_EQ(wdt_realloc(&again), 0);
    CHECK(again != 0 && again != first);
    CHECK_EQ(wdt_pat(first), -1); // the old handle is none any more
    CHECK_EQ(error(), e_inval);
    CHECK_EQ(wdt_is_armed(again), 1);
    CHECK_EQ(wdt_shutdown(), -1); // one is armed
    CHECK_EQ(error(), e_busy);
    CHECK_EQ(wdt_free(again), 0);
    CHECK_EQ(wdt_is_armed(again), -1);
    CHECK_EQ(wdt_realloc(&again), -1);
    CHECK_EQ(again, 0);
}

void errors(Report& report) {
    Handle handles[4];
    for (const Handle& each : handles) {
        CHECK_EQ(each.allocated, 0);
    }
    wdt_handle_t none = 7;
    CHECK_EQ(wdt_alloc(&none), -1);
    CHECK_EQ(error(), e_again);
    CHECK_EQ(none, 0);
    CHECK_EQ(wdt_alloc(nullptr), -1);
    CHECK_EQ(error(), e_fault);
    for (const wdt_handle_t bad : {wdt_handle_t{0}, wdt_handle_t{1}, ~wdt_handle_t{0}}) {
        CHECK_EQ(wdt_arm(bad), -1);
        CHECK_EQ(error(), e_inval);
        CHECK_EQ(wdt_free(bad), -1);
    }
    CHECK_EQ(wdt_get_interval(handles[0].value, nullptr), -1);
    CHECK_EQ(error(), e_fault);
    KnWatchdog raw{};
    CHECK_EQ(sysWatchdog(99, &raw), K_EINVAL);
    CHECK_EQ(wdt_startup_commit(), 0);
}

// Only asked for by its own name.
bool wanted(Report& report, const char* name) {
    char value[K_ENVVALUEMAX];
    const bool chosen = same_text(environment_text("test", value, "all"), name);
    if (!chosen) {
        report.skip("ends the machine");
    }
    return chosen;
}

void restart(Report& report) {
    if (!wanted(report, "watchdog.restart")) {
        return;
    }
    Handle handle;
    CHECK_EQ(wdt_set_interval(handle.value, &half_a_second), 0);
    CHECK_EQ(wdt_arm(handle.value), 0);
    sleep_milliseconds(patience);
    CHECK(false); // it should have restarted
}

// With wdt.startup= and nobody who commits.
void startup(Report& report) {
    if (wanted(report, "watchdog.startup")) {
        sleep_milliseconds(patience);
        CHECK(false); // it should have restarted
    }
}

const Case cases[] = {
    {"intervals", intervals},
    {"patted_in_time", patted_in_time},
    {"back_after_the_first_stage", back_after_the_first_stage},
    {"taken_over", taken_over},
    {"errors", errors},
    {"restart", restart},
    {"startup", startup},
};

} // namespace

const Suite watchdog_suite{"watchdog", cases};

} // namespace chorale::test
