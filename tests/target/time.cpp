// Suite time: the system time and its counter on all CPUs, the date, its adjustment.
#include "check.hpp"
#include "helper.hpp"

#include <actor/environment.hpp>
#include <chorus.h>
#include <dki/hrt/f_hrt.h>

#include <string_view>

namespace chorale::test {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t nanoseconds(const KnTimeVal& time) { return time.tmSec * second + time.tmNSec; }

std::int64_t system_time() {
    KnTimeVal now{};
    return sysTime(&now) == K_OK ? nanoseconds(now) : -1;
}

std::int64_t universal_time() {
    KnTimeVal now{};
    return univTime(&now) == K_OK ? nanoseconds(now) : -1;
}

// ---- the system time -----------------------------------------------------------------------------

// What all CPUs tell each other: nobody may read less than somebody has read before.
struct Told {
    std::atomic<std::int64_t> time, counter;
    std::atomic<unsigned> backward, waiting;
} told;

void tell(std::atomic<std::int64_t>& latest, std::int64_t before, std::int64_t now) {
    if (now < before) {
        told.backward.fetch_add(1);
    }
    while (now > before && !latest.compare_exchange_weak(before, now)) {
    }
}

void read_in_turn(std::uintptr_t rounds) {
    told.waiting.fetch_sub(1);
    while (told.waiting != 0) {
    }
    for (std::uintptr_t i = 0; i < rounds; ++i) {
        const std::int64_t time = told.time;
        tell(told.time, time, system_time());
    }
}

void never_backward_on_any_cpu(Report& report) {
    told.time = told.backward = 0;
    const unsigned cpus = cpu_count() < 8 ? cpu_count() : 8;
    told.waiting = cpus;
    Helper helpers[8];
    for (unsigned cpu = 1; cpu < cpus; ++cpu) {
        REQUIRE(helpers[cpu].start(read_in_turn, 20'000, main_priority, cpu) > 0);
    }
    read_in_turn(20'000); // on CPU 0
    for (unsigned cpu = 1; cpu < cpus; ++cpu) {
        CHECK(helpers[cpu].join(20'000));
    }
    CHECK_EQ(told.backward, 0);
    CHECK(told.time > 0);
}

// A thread that is moved takes its time along: the counters of any two CPUs agree.
void same_on_every_cpu(Report& report) {
    const unsigned cpus = cpu_count();
    std::int64_t last = system_time();
    uint64_f last_count = 0;
    hrTimerValue(&last_count);
    for (unsigned i = 0; i < 200; ++i) {
        REQUIRE_EQ(threadBind(K_MYACTOR, K_MYSELF, i * 7 % cpus, nullptr, K_NONEXCLUSIVE), K_OK);
        uint64_f count = 0;
        hrTimerValue(&count);
        const std::int64_t now = system_time();
        CHECK(now >= last);
        CHECK(count >= last_count);
        last = now;
        last_count = count;
    }
    CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE), K_OK);
}

void resolution(Report& report) {
    KnTimeVal smallest{}, of_date{};
    CHECK_EQ(sysTimeGetRes(&smallest), K_OK);
    CHECK_EQ(univTimeGetRes(&of_date), K_OK);
    CHECK_EQ(nanoseconds(smallest), nanoseconds(of_date));
    CHECK(smallest.tmSec == 0 && smallest.tmNSec >= 1 && smallest.tmNSec <= K_NPERM);
    // Two times are equal, or differ by as much (less one: both were rounded down to nanoseconds).
    std::int64_t last = system_time();
    for (unsigned i = 0; i < 2000; ++i) {
        const std::int64_t now = system_time();
        CHECK(now == last || now - last >= smallest.tmNSec - 1);
        last = now;
    }
}

// The counter and the system time are the same clock.
void counter_and_time_agree(Report& report) {
    uint64_f frequency = 0, again = 0, period = 0, from = 0, to = 0;
    hrTimerFrequency(&frequency);
    hrTimerFrequency(&again);
    hrTimerPeriod(&period);
    REQUIRE(frequency >= 1'000'000); // the resolution is a microsecond or better
    CHECK_EQ(again, frequency);
    CHECK(period / frequency > 86'400); // it does not roll over within a day
    const std::int64_t before = system_time();
    hrTimerValue(&from);
    const std::int64_t begin = system_time();
    sleep_milliseconds(30);
    const std::int64_t end = system_time();
    hrTimerValue(&to);
    const std::int64_t after = system_time();
    const auto counted = static_cast<std::int64_t>((to - from) / (frequency / 1'000'000)) * 1000;
    const std::int64_t tolerance = (after - before) / 100; // the division above loses a little
    CHECK(counted >= end - begin - tolerance);
    CHECK(counted <= after - before + tolerance);
}

// ---- the date ------------------------------------------------------------------------------------

// SiFive's board has no battery clock: nobody knows what day it is there.
void comes_from_the_battery_clock(Report& report) {
    constexpr long year_2024 = 1'704'067'200, year_2100 = 4'102'444'800;
    KnTimeVal date{};
    CHECK_EQ(univTime(&date), K_OK);
    char buffer[K_ENVVALUEMAX];
    if (std::string_view{environment_text("model", buffer, "")}.starts_with("SiFive")) {
        CHECK_EQ(date.tmNSec, K_INVALID_NSEC);
        return;
    }
    CHECK(date.tmNSec >= 0 && date.tmNSec < second);
    CHECK(date.tmSec > year_2024);
    CHECK(date.tmSec < year_2100);
}

void set_and_read(Report& report) {
    const KnTimeVal wanted{40'000'000, 500};
    KnTimeVal before{}, old{}, now{};
    const std::int64_t begun = system_time();
    CHECK_EQ(univTime(&before), K_OK);
    CHECK_EQ(univTimeSet(&old, &wanted), K_OK);
    CHECK_EQ(univTime(&now), K_OK);
    const std::int64_t passed = system_time() - begun;
    CHECK(nanoseconds(old) >= nanoseconds(before) && nanoseconds(old) <= nanoseconds(before) + passed);
    CHECK(nanoseconds(now) >= nanoseconds(wanted) && nanoseconds(now) <= nanoseconds(wanted) + passed);
    // Only read.
    CHECK_EQ(univTimeSet(&old, nullptr), K_OK);
    CHECK(nanoseconds(old) >= nanoseconds(now));
    CHECK_EQ(univTimeSet(nullptr, nullptr), K_OK);
    // And back.
    const std::int64_t back = nanoseconds(before) + (system_time() - begun);
    const KnTimeVal restored{back / second, back % second};
    CHECK_EQ(univTimeSet(nullptr, &restored), K_OK);
    CHECK(universal_time() >= back);
    for (const KnTimeVal& bad :
         {KnTimeVal{-1, 0}, KnTimeVal{0, -1}, KnTimeVal{0, second}, KnTimeVal{INT64_MAX, 0}}) {
        CHECK_EQ(univTimeSet(nullptr, &bad), K_EINVAL);
    }
    CHECK(universal_time() >= back);
}

// How far the date is ahead of the system time: of many looks the one that took the shortest time, since an
// emulated CPU may stand still between two readings.
std::int64_t date_ahead() {
    std::int64_t ahead = 0, shortest = second;
    for (unsigned i = 0; i < 100; ++i) {
        const std::int64_t before = system_time(), date = universal_time(), after = system_time();
        if (after - before >= shortest) continue;
        shortest = after - before;
        ahead = date - before - shortest / 2;
    }
    return ahead;
}

// 50 microseconds need 100 milliseconds; the date never goes back meanwhile.
void adjust_slowly(Report& report) {
    for (const long difference : {50'000L, -50'000L}) {
        KnTimeVal left{};
        const KnTimeVal wanted{0, difference};
        const std::int64_t before = date_ahead();
        REQUIRE_EQ(univTimeAdjust(nullptr, &wanted), K_OK);
        CHECK_EQ(univTimeAdjust(&left, nullptr), K_OK);
        CHECK(left.tmSec == 0 && (difference < 0) == (left.tmNSec < 0));
        std::int64_t last = universal_time();
        for (unsigned i = 0; i < 60; ++i) {
            sleep_milliseconds(2);
            const std::int64_t now = universal_time();
            CHECK(now > last);
            last = now;
        }
        CHECK_EQ(univTimeAdjust(&left, nullptr), K_OK);
        CHECK_EQ(nanoseconds(left), 0);
        const std::int64_t error = date_ahead() - before - difference;
        CHECK(error > -20'000 && error < 20'000);
    }
}

void adjust_errors(Report& report) {
    KnTimeVal left{};
    const KnTimeVal large{-1000, 0}, none{0, 0};
    CHECK_EQ(univTimeAdjust(nullptr, &large), K_OK);
    CHECK_EQ(univTimeAdjust(&left, &none), K_OK); // takes its place
    CHECK(left.tmSec <= -999 && left.tmNSec <= 0);
    CHECK_EQ(univTimeAdjust(&left, nullptr), K_OK);
    CHECK_EQ(nanoseconds(left), 0);
    for (const KnTimeVal& bad :
         {KnTimeVal{0, second}, KnTimeVal{0, -second}, KnTimeVal{INT64_MAX, 0}, KnTimeVal{INT64_MIN, 0}}) {
        CHECK_EQ(univTimeAdjust(nullptr, &bad), K_EINVAL);
    }
}

const Case cases[] = {
    {"never_backward_on_any_cpu", never_backward_on_any_cpu},
    {"same_on_every_cpu", same_on_every_cpu},
    {"resolution", resolution},
    {"counter_and_time_agree", counter_and_time_agree},
    {"comes_from_the_battery_clock", comes_from_the_battery_clock},
    {"set_and_read", set_and_read},
    {"adjust_slowly", adjust_slowly},
    {"adjust_errors", adjust_errors},
};

} // namespace

const Suite time_suite{"time", cases};

} // namespace chorale::test
