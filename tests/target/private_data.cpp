// Suite private_data: data of threads and of actors; and what else programs leave in the system: the log,
// error texts, intervals.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <actor/environment.hpp>

namespace chorale::test {
namespace {

constexpr int invalid = 22, no_key = 11, not_permitted = 1;

PdKey key;
std::atomic<unsigned> destroyed;
std::atomic<unsigned> phase;
std::atomic<std::uintptr_t> seen[16];

void count_destruction(void*) { destroyed.fetch_add(1); }

void* as_value(std::uintptr_t number) { return reinterpret_cast<void*>(number); }

// Every thread sees its own value only.
void use_own(std::uintptr_t index) {
    seen[index] = ptdGet(key) == nullptr ? 0 : 999;
    ptdSet(key, as_value(index + 100));
    *ptdErrnoAddr() = static_cast<int>(index);
    while (phase == 0) {
        sleep_milliseconds(1);
    }
    const bool own_errno = *ptdErrnoAddr() == static_cast<int>(index);
    seen[index] = seen[index] + (own_errno ? reinterpret_cast<std::uintptr_t>(ptdGet(key)) : 998);
    ptdThreadDelete();
    seen[index] = seen[index] + (ptdGet(key) == nullptr ? 0 : 1000);
}

void own_values(Report& report) {
    constexpr unsigned threads = 8;
    destroyed = 0;
    phase = 0;
    REQUIRE_EQ(ptdKeyCreate(&key, count_destruction), 0);
    CHECK(ptdGet(key) == nullptr);
    Helper helpers[threads];
    for (unsigned i = 0; i < threads; ++i) {
        REQUIRE(helpers[i].start(use_own, i, lower_priority, i % cpu_count()) > 0);
    }
    sleep_milliseconds(5);
    CHECK_EQ(ptdSet(key, as_value(7)), 0);
    phase = 1;
    for (unsigned i = 0; i < threads; ++i) {
        CHECK(helpers[i].join());
        CHECK_EQ(seen[i], i + 100);
    }
    CHECK_EQ(destroyed, threads);
    CHECK_EQ(reinterpret_cast<std::uintptr_t>(ptdGet(key)), 7);
    CHECK_EQ(ptdThreadId(), threadSelf());
    CHECK_EQ(ptdKeyDelete(key), 0);
    CHECK_EQ(ptdKeyDelete(key), invalid);
    CHECK(ptdGet(key) == nullptr);
    CHECK_EQ(ptdSet(key, as_value(1)), invalid);
    // The same place, another key: without a value, and the old name stays dead.
    PdKey next = 0;
    CHECK_EQ(ptdKeyCreate(&next, nullptr), 0);
    CHECK(next != key);
    CHECK(ptdGet(next) == nullptr);
    CHECK_EQ(ptdKeyDelete(next), 0);
    ptdThreadDelete();
    CHECK_EQ(destroyed, threads); // without a key there is no destructor either
}

void leave_value(std::uintptr_t) { ptdSet(key, as_value(5)); }
void look_for_value(std::uintptr_t) { seen[0] = reinterpret_cast<std::uintptr_t>(ptdGet(key)); }

// A thread that ends without ptdThreadDelete leaves nothing to the next one with its local id.
void nothing_inherited(Report& report) {
    REQUIRE_EQ(ptdKeyCreate(&key, nullptr), 0);
    KnThreadLid first = 0, second = 0;
    {
        Helper helper;
        first = helper.start(leave_value, 0);
        REQUIRE(helper.join());
    }
    CHECK(eventually([&] { return threadName(K_MYACTOR, first, nullptr, nullptr) == K_EINVAL; }));
    Helper helper;
    seen[0] = 999;
    second = helper.start(look_for_value, 0);
    CHECK(helper.join());
    CHECK_EQ(second, first);
    CHECK_EQ(seen[0], 0);
    CHECK_EQ(ptdKeyDelete(key), 0);
}

void wait_in_delay(std::uintptr_t) { threadDelay(K_NOTIMEOUT); }

void remote_values(Report& report) {
    REQUIRE_EQ(ptdKeyCreate(&key, nullptr), 0);
    Helper helper;
    REQUIRE(helper.start(wait_in_delay, 0, higher_priority, cpu_count() - 1) > 0);
    void* value = as_value(1);
    CHECK_EQ(ptdRemoteGet(K_MYACTOR, helper.thread(), key, &value), 0);
    CHECK(value == nullptr);
    CHECK_EQ(ptdRemoteSet(K_MYACTOR, helper.thread(), key, as_value(33)), 0);
    CHECK_EQ(ptdRemoteGet(K_MYACTOR, helper.thread(), key, &value), 0);
    CHECK_EQ(reinterpret_cast<std::uintptr_t>(value), 33);
    CHECK(ptdGet(key) == nullptr);
    CHECK_EQ(ptdRemoteGet(K_MYACTOR, 250, key, &value), invalid);
    CHECK_EQ(ptdRemoteGet(K_MYACTOR, helper.thread(), key + 64, &value), invalid);
    const KnCap other{};
    CHECK_EQ(ptdRemoteGet(&other, helper.thread(), key, &value), not_permitted);
    CHECK_EQ(ptdRemoteSet(&other, helper.thread(), key, value), not_permitted);
    CHECK_EQ(ptdKeyDelete(key), 0);
}

// A destructor that sets its value again is called again, but not for ever.
void set_again(void* value) {
    destroyed.fetch_add(1);
    ptdSet(key, value);
}
void end_with_value(std::uintptr_t) {
    ptdSet(key, as_value(1));
    ptdThreadDelete();
}

void destructor_rounds(Report& report) {
    destroyed = 0;
    REQUIRE_EQ(ptdKeyCreate(&key, set_again), 0);
    Helper helper;
    REQUIRE(helper.start(end_with_value, 0) > 0);
    CHECK(helper.join());
    CHECK_EQ(destroyed, PD_DESTRUCTOR_ITERATIONS);
    CHECK_EQ(ptdKeyDelete(key), 0);
}

void all_keys(Report& report) {
    PdKey all[PD_KEYS_MAX + 1]{};
    unsigned made = 0;
    while (made <= PD_KEYS_MAX && ptdKeyCreate(&all[made], nullptr) == 0) {
        ++made;
    }
    CHECK_EQ(made, PD_KEYS_MAX);
    CHECK_EQ(ptdKeyCreate(&all[made], nullptr), no_key);
    for (unsigned i = 0; i < made; ++i) {
        CHECK_EQ(ptdKeyDelete(all[i]), 0);
    }
}

// ---- actors ----

void actor_values(Report& report) {
    PdKey site = 0;
    KnCap other{};
    REQUIRE_EQ(actorCreate(K_MYACTOR, &other, K_USERACTOR, K_ACTIVE), K_OK);
    constexpr int permission = 1; // a destructor is a function of a supervisor actor's
    CHECK_EQ(padKeyCreate(&site, [](void*) {}), permission);
    REQUIRE_EQ(padKeyCreate(&site, nullptr), 0);
    CHECK(padGet(K_MYACTOR, site) == nullptr);
    CHECK_EQ(padSet(K_MYACTOR, site, as_value(1)), 0);
    CHECK_EQ(padSet(&other, site, as_value(2)), 0);
    CHECK_EQ(reinterpret_cast<std::uintptr_t>(padGet(K_MYACTOR, site)), 1);
    CHECK_EQ(reinterpret_cast<std::uintptr_t>(padGet(&other, site)), 2);
    CHECK_EQ(padKeyDelete(site), 0);
    CHECK_EQ(padKeyDelete(site), invalid);
    CHECK(padGet(&other, site) == nullptr);
    CHECK_EQ(padSet(&other, site, as_value(2)), invalid);
    PdKey all[PD_SITE_KEYS_MAX + 1]{};
    unsigned made = 0;
    while (made <= PD_SITE_KEYS_MAX && padKeyCreate(&all[made], nullptr) == 0) {
        // One of them has the place of the first, but not its values.
        CHECK(padGet(K_MYACTOR, all[made]) == nullptr && padGet(&other, all[made]) == nullptr);
        ++made;
    }
    CHECK_EQ(actorDelete(&other), K_OK);
    CHECK_EQ(padSet(&other, all[0], as_value(2)), invalid);
    CHECK(made > 0 && made <= PD_SITE_KEYS_MAX);
    CHECK_EQ(padKeyCreate(&all[made], nullptr), no_key);
    for (unsigned i = 0; i < made; ++i) {
        CHECK_EQ(padKeyDelete(all[i]), 0);
    }
}

PdKey child_key;
std::atomic<int> child_result;

void make_site_key(std::uintptr_t) {
    child_result = padKeyCreate(&child_key, nullptr) + 1;
    threadDelay(K_NOTIMEOUT);
}

int result_of_child(Child& child) {
    int result = 0;
    (void)eventually([&] {
        vmCopy(&child.capability(), address_of(&child_result), K_MYACTOR, address_of(&result), sizeof(result),
               0);
        return result != 0;
    });
    return result - 1;
}

// Reserved to SYSTEM actors; a key goes with the actor that made it.
void keys_and_their_owners(Report& report) {
    child_result = 0;
    Child user, server;
    REQUIRE_EQ(user.create("user"), K_OK);
    REQUIRE(user.start(make_site_key, 0) > 0);
    CHECK_EQ(result_of_child(user), not_permitted);
    REQUIRE_EQ(server.create("server", K_SYSTEMACTOR), K_OK);
    REQUIRE(server.start(make_site_key, 0) > 0);
    CHECK_EQ(result_of_child(server), 0);
    PdKey made = 0;
    REQUIRE_EQ(
        vmCopy(&server.capability(), address_of(&child_key), K_MYACTOR, address_of(&made), sizeof(made), 0),
        K_OK);
    CHECK_EQ(padSet(K_MYACTOR, made, as_value(1)), 0);
    CHECK_EQ(server.destroy(), K_OK);
    CHECK(padGet(K_MYACTOR, made) == nullptr);
    CHECK_EQ(padSet(K_MYACTOR, made, as_value(1)), invalid);
}

// Reference, point 15: private data calls return positive errors, ptdGet and padGet the value itself, and a
// thread's destructors run in ptdThreadDelete, not in threadDelete.
void point_15_private_data(Report& report) {
    destroyed = 0;
    REQUIRE_EQ(ptdKeyCreate(&key, count_destruction), 0);
    CHECK(ptdSet(0, nullptr) > 0);
    CHECK(ptdKeyDelete(0) > 0);
    CHECK(ptdKeyCreate(nullptr, nullptr) > 0);
    CHECK(padKeyDelete(0) > 0);
    CHECK(padGet(K_MYACTOR, 0) == nullptr);
    CHECK(ptdGet(0) == nullptr);
    CHECK_EQ(ptdSet(key, as_value(77)), 0);
    CHECK_EQ(reinterpret_cast<std::uintptr_t>(ptdGet(key)), 77);
    Helper helper;
    REQUIRE(helper.start(leave_value, 0) > 0);
    CHECK(helper.join());
    CHECK_EQ(threadDelete(K_MYACTOR, helper.thread()) <= K_OK, true);
    CHECK_EQ(destroyed, 0);
    ptdThreadDelete();
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(ptdKeyDelete(key), 0);
}

// ---- the log, error texts, intervals ----

bool log_ends_in(const char* wanted, unsigned length) {
    static char text[256];
    std::uint64_t position = 0;
    int count = 0, last = 0;
    while ((count = sysLogRead(&position, text, sizeof(text))) > 0) {
        last = count;
    }
    // The end is read again, alone.
    position -= static_cast<unsigned>(last) < length ? static_cast<unsigned>(last) : length;
    count = sysLogRead(&position, text, length);
    return count == static_cast<int>(length) && __builtin_memcmp(text, wanted, length) == 0;
}

void system_log(Report& report) {
    sysLog("start %s %d %c%%\n", "text", -42, 'x');
    CHECK(log_ends_in("start text -42 x%\n", 18));
    char line[2 * SYSLOG_MAX_LINE];
    for (char& character : line) {
        character = 'y';
    }
    line[sizeof(line) - 1] = '\0';
    sysLog("%s", line);
    CHECK_EQ(sysLogWrite(line, sizeof(line)), SYSLOG_MAX_LINE);
    line[SYSLOG_MAX_LINE] = '\0';
    sysLog("z");
    for (unsigned i = 0; i < 200; ++i) { // more than is kept
        sysLog("%s", line);
    }
    std::uint64_t position = 0;
    CHECK_EQ(sysLogRead(&position, line, 8), 8);
    CHECK(position > 8); // the beginning is forgotten
    position = ~std::uint64_t{0};
    CHECK_EQ(sysLogRead(&position, line, 8), 0);
    CHECK_EQ(sysLogWrite(nullptr, 5), K_EFAULT);
    CHECK_EQ(sysLogWrite(nullptr, 0), 0);
}

void error_texts(Report& report) {
    for (int error = K_EFORBIDDEN; error <= 0; ++error) {
        const char* text = strSysError(error);
        CHECK(text != nullptr && text[0] == 'K' && text[1] == '_');
        CHECK(strSysError(-error) == text);
        for (int other = error + 1; other <= 0; ++other) {
            CHECK(!same_text(text, strSysError(other)));
        }
    }
    CHECK(same_text(strSysError(1000), "unknown error"));
}

void intervals(Report& report) {
    int begin = 0, middle = 0, end = 0;
    CHECK_EQ(sysBench(K_BSTART, &begin), K_OK);
    sleep_milliseconds(2);
    CHECK_EQ(sysBench(K_BPOINT, &middle), K_OK);
    CHECK_EQ(sysBench(K_BSTOP, &end), K_OK);
    CHECK(middle - begin >= 2000 && end - middle >= 0);
    CHECK_EQ(sysBench(17, &end), K_EINVAL);
    CHECK_EQ(sysBench(K_BSTART, nullptr), K_EFAULT);
    const KnRebootDesc unknown{99};
    CHECK_EQ(sysReboot(&unknown), K_EINVAL);
}

constexpr Case cases[] = {
    {"own_values", own_values},
    {"nothing_inherited", nothing_inherited},
    {"remote_values", remote_values},
    {"destructor_rounds", destructor_rounds},
    {"all_keys", all_keys},
    {"actor_values", actor_values},
    {"keys_and_their_owners", keys_and_their_owners},
    {"point_15_private_data", point_15_private_data},
    {"system_log", system_log},
    {"error_texts", error_texts},
    {"intervals", intervals},
};

} // namespace

const Suite private_data_suite{"private_data", cases};

} // namespace chorale::test
