// Suite environment: sysGetEnv, sysSetEnv, sysUnsetEnv, actorName, sysWrite, time, statistics.
#include "check.hpp"
#include "helper.hpp"

#include <actor/environment.hpp>
#include <chorus.h>

namespace chorale::test {
namespace {

void set_get_unset(Report& report) {
    char value[64] = {};
    unsigned size = sizeof(value);
    CHECK_EQ(sysGetEnv("test.none", value, &size), K_EUNKNOWN);
    REQUIRE_EQ(sysSetEnv("test.a", "first"), K_OK);
    size = sizeof(value);
    CHECK_EQ(sysGetEnv("test.a", value, &size), K_OK);
    CHECK_EQ(size, 6);
    CHECK(same_text(value, "first"));
    CHECK_EQ(sysSetEnv("test.a", "another value"), K_OK);
    size = sizeof(value);
    CHECK_EQ(sysGetEnv("test.a", value, &size), K_OK);
    CHECK(same_text(value, "another value"));
    CHECK_EQ(sysUnsetEnv("test.a"), K_OK);
    CHECK_EQ(sysUnsetEnv("test.a"), K_EUNKNOWN);
    CHECK_EQ(sysGetEnv("test.a", value, &size), K_EUNKNOWN);
}

void too_small(Report& report) {
    REQUIRE_EQ(sysSetEnv("test.b", "12345678"), K_OK);
    char value[16] = {"untouched"};
    unsigned size = 8;
    CHECK_EQ(sysGetEnv("test.b", value, &size), K_ENOMEM);
    CHECK_EQ(size, 9);
    CHECK(same_text(value, "untouched"));
    CHECK_EQ(sysGetEnv("test.b", value, &size), K_OK);
    CHECK(same_text(value, "12345678"));
    CHECK_EQ(sysUnsetEnv("test.b"), K_OK);
}

void limits(Report& report) {
    char name[64], value[512];
    for (char& c : name) {
        c = 'n';
    }
    for (char& c : value) {
        c = 'v';
    }
    name[K_ENVNAMEMAX] = '\0';
    CHECK(sysSetEnv(name, "x") < 0);
    name[K_ENVNAMEMAX - 1] = '\0';
    value[K_ENVVALUEMAX] = '\0';
    CHECK_EQ(sysSetEnv(name, value), K_ENOMEM);
    value[K_ENVVALUEMAX - 1] = '\0';
    CHECK_EQ(sysSetEnv(name, value), K_OK);
    CHECK_EQ(sysUnsetEnv(name), K_OK);
    CHECK_EQ(sysSetEnv("", "x"), K_EINVAL);
    unsigned size = sizeof(value);
    CHECK(sysGetEnv("", value, &size) < 0);
}

// Until there is no more room: an error, and everything that was set is still right.
void full_table(Report& report) {
    char name[K_ENVNAMEMAX];
    unsigned count = 0;
    int error = K_OK;
    for (; count < 5000 && error == K_OK; ++count) {
        format_text(name, sizeof(name), "test.full.%u", count);
        error = sysSetEnv(name, name);
    }
    if (error != K_OK) {
        CHECK(error == K_ENOMEM || error == K_EFULL);
        --count;
    }
    for (unsigned i = 0; i < count; ++i) {
        char value[K_ENVVALUEMAX];
        unsigned size = sizeof(value);
        format_text(name, sizeof(name), "test.full.%u", i);
        CHECK_EQ(sysGetEnv(name, value, &size), K_OK);
        CHECK(same_text(name, value));
        CHECK_EQ(sysUnsetEnv(name), K_OK);
    }
    CHECK_EQ(sysSetEnv("test.after", "x"), K_OK);
    CHECK_EQ(sysUnsetEnv("test.after"), K_OK);
}

// How the library reads numbers.
void numbers(Report& report) {
    REQUIRE_EQ(sysSetEnv("test.number", "123"), K_OK);
    CHECK_EQ(environment_number("test.number", 7), 123);
    CHECK_EQ(sysSetEnv("test.number", "12x"), K_OK);
    CHECK_EQ(environment_number("test.number", 7), 7);
    CHECK_EQ(sysUnsetEnv("test.number"), K_OK);
    CHECK_EQ(environment_number("test.number", 7), 7);
}

void names(Report& report) {
    char old[K_ACTORNAMEMAX], name[K_ACTORNAMEMAX];
    REQUIRE_EQ(actorName(K_MYACTOR, old, "a new name"), K_OK);
    CHECK_EQ(actorName(K_MYACTOR, name, nullptr), K_OK);
    CHECK(same_text(name, "a new name"));
    CHECK_EQ(actorName(K_MYACTOR, nullptr, "0123456789012345678901234567890123456789"), K_OK);
    CHECK_EQ(actorName(K_MYACTOR, name, nullptr), K_OK);
    CHECK(same_text(name, "0123456789012345678901234567890"));
    CHECK_EQ(actorName(K_MYACTOR, name, old), K_OK);
}

void writing(Report& report) {
    CHECK_EQ(sysWrite("", 0), 0);
    char line[700];
    for (char& c : line) {
        c = '.';
    }
    line[699] = '\n';
    unsigned done = 0;
    while (done < sizeof(line)) {
        const int count = sysWrite(line + done, static_cast<unsigned>(sizeof(line)) - done);
        REQUIRE(count > 0 && static_cast<unsigned>(count) <= sizeof(line) - done);
        done += static_cast<unsigned>(count);
    }
}

void time(Report& report) {
    KnTimeVal resolution{};
    REQUIRE_EQ(sysTimeGetRes(&resolution), K_OK);
    CHECK(resolution.tmSec == 0 && resolution.tmNSec > 0 && resolution.tmNSec <= 10000000);
    KnTimeVal last{};
    REQUIRE_EQ(sysTime(&last), K_OK);
    for (unsigned i = 0; i < 10000; ++i) {
        KnTimeVal next{};
        REQUIRE_EQ(sysTime(&next), K_OK);
        REQUIRE(next.tmNSec >= 0 && next.tmNSec < 1000000000);
        REQUIRE(next.tmSec > last.tmSec || (next.tmSec == last.tmSec && next.tmNSec >= last.tmNSec));
        last = next;
    }
}

// Time is the same on every CPU: it does not go back with a migration.
void time_over_cpus(Report& report) {
    std::uint64_t last = now_microseconds();
    for (unsigned round = 0; round < 20; ++round) {
        for (unsigned cpu = 0; cpu < cpu_count(); ++cpu) {
            REQUIRE_EQ(threadBind(K_MYACTOR, K_MYSELF, cpu, nullptr, K_NONEXCLUSIVE), K_OK);
            const std::uint64_t now = now_microseconds();
            CHECK(now >= last);
            last = now;
        }
    }
    CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE), K_OK);
}

void statistics(Report& report) {
    KnSysStatistics first{}, second{};
    REQUIRE_EQ(sysStatistics(&first), K_OK);
    CHECK(first.cpus >= 1 && first.actors >= 1 && first.threads >= 1 && first.ports >= 1);
    CHECK(first.totalPages > 0 && first.freePages > 0 && first.freePages < first.totalPages);
    // The counts are the site's: other actors that start beside this one have ports too.
    CHECK(eventually([&] {
        KnUniqueId port;
        const bool read_first = sysStatistics(&first) == K_OK;
        const int li = portCreate(K_MYACTOR, &port);
        const bool read_second = sysStatistics(&second) == K_OK;
        const bool deleted = li > 0 && portDelete(K_MYACTOR, li) == K_OK;
        KnSysStatistics third{};
        const bool read_third = sysStatistics(&third) == K_OK;
        return read_first && read_second && read_third && deleted && second.ports == first.ports + 1 &&
               third.ports == first.ports;
    }));
}

unsigned long limit_of(const char* name) { return environment_number(name, 0); }

// The published tunables are there, nobody changes them, and the nucleus keeps to them.
void tunables(Report& report) {
    for (const char* name :
         {"chorusSiteId", "kern.exec.maxCpuNumber", "kern.exec.maxActorNumber", "kern.exec.maxThreadNumber",
          "kern.exec.dflSysStackSize", "kern.exec.dflUsrStackSize", "kern.exec.intrStackSize",
          "kern.exec.dblFltStackSize", "kern.ipc.maxActorCredits"}) {
        const unsigned long value = limit_of(name);
        CHECK(value > 0);
        CHECK_EQ(sysSetEnv(name, "7"), K_EINVAL);
        CHECK_EQ(sysUnsetEnv(name), K_EINVAL);
        CHECK_EQ(limit_of(name), value);
    }
    CHECK(limit_of("kern.exec.maxCpuNumber") >= cpu_count());
    KnUniqueId port;
    const int li = portCreate(K_MYACTOR, &port);
    REQUIRE(li > 0);
    CHECK_EQ(uiGetSite(&port), limit_of("chorusSiteId"));
    CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
}

constexpr Case cases[] = {
    {"set_get_unset", set_get_unset},
    {"too_small", too_small},
    {"limits", limits},
    {"full_table", full_table},
    {"numbers", numbers},
    {"names", names},
    {"tunables", tunables},
    {"writing", writing},
    {"time", time},
    {"time_over_cpus", time_over_cpus},
    {"statistics", statistics},
};

} // namespace

const Suite environment_suite{"environment", cases};

} // namespace chorale::test
