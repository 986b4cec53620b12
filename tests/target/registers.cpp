// Suites registers and vectors: what a nucleus call and a thread switch do to a thread's registers.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"
#include "machine_tests.hpp"

#include <chorus.h>
#include <chorus/message_registers.h>

namespace chorale::test {
namespace {

KnTimeVal one_millisecond{0, K_NPERM};
KnUniqueId port_name;
KnIpcDest nowhere{};
KnMsgDesc empty_message{};

void check_call(Report& report, const RawCall& call, const char* name) {
    Registers before{}, after{};
    describe_call(before, call, 0x1122334455660000);
    after = before;
    call_with_registers(&after);
    if (const char* broken = broken_register(before, after); broken != nullptr) {
        report.fail(name, static_cast<int>(call.number), broken, 0, 1);
    }
}

void calls_keep_registers(Report& report) {
    const std::uint64_t self = static_cast<std::uint64_t>(K_MYSELF);
    const struct {
        const char* name;
        RawCall call;
    } calls[] = {
        {"nullCall", {call_number::nullCall}},
        {"threadSelf", {call_number::threadSelf}},
        {"cpuSelf", {call_number::cpuSelf}},
        {"sysTime fault", {call_number::sysTime, {1}}},
        {"portUi", {call_number::portUi, {address_of(&port_name), 0}}},
        {"portUi error", {call_number::portUi, {address_of(&port_name), 99}}},
        {"yield", {call_number::threadDelay, {0}}},
        {"threadDelay", {call_number::threadDelay, {address_of(&one_millisecond)}}},
        {"threadBind", {call_number::threadBind, {0, self, K_SAMECPU, 0, 0}}},
        {"ipcCallMessage",
         {call_number::ipcCallMessage,
          {address_of(&empty_message), 0, address_of(&nowhere), address_of(&empty_message), 0}}},
        {"ipcReply", {call_number::ipcReply, {address_of(&empty_message)}}},
        {"no such call", {call_of(0)}},
        {"no such call", {call_of(1)}},
        {"no such call", {call_of(126)}},
        {"no such call", {call_of(255)}},
        {"nobody's call", {60}},
        {"nobody's call", {100}},
        {"no such call", {0x7fffffff00000000}},
    };
    for (const auto& [name, call] : calls) {
        check_call(report, call, name);
    }
}

// The register message calls with a port that does not exist: an error.
void message_calls_leak_nothing(Report& report) {
    constexpr unsigned numbers[] = {MESSAGE_CALL, MESSAGE_REPLY_RECEIVE, MESSAGE_SEND};
    for (const unsigned number : numbers) {
        for (const unsigned size : {0U, 8U, 64U}) {
            Registers before{}, after{};
            describe_message_call(before, number, size, 0x1000);
            after = before;
            call_with_registers(&after);
            CHECK(result_of(after) < 0);
            if (const char* broken = broken_by_message_call(before, after); broken != nullptr) {
                report.fail("message call", static_cast<int>(number), broken, 0, 1);
            }
        }
    }
}

// Preempted at any point by a thread that changes every register.
std::atomic<bool> stop_disturbing;

void disturb(std::uintptr_t) {
    while (!stop_disturbing.load()) {
        Registers registers{};
        describe_call(registers, {call_number::nullCall}, 0x5555000000000000);
        call_with_registers(&registers);
        const KnTimeVal pause{0, 300000};
        threadDelay(&pause);
    }
}

void preemption_keeps_registers(Report& report) {
    stop_disturbing = false;
    Helper disturber;
    REQUIRE(disturber.start(disturb, 0, higher_priority) > 0);
    const std::uint64_t end = now_microseconds() + 300000;
    std::uint64_t value = 1, shadow = 1;
    while (now_microseconds() < end) {
        for (unsigned i = 0; i < 1000; ++i) {
            value = value * 6364136223846793005U + 1442695040888963407U;
            shadow = shadow * 6364136223846793005U + 1442695040888963407U;
        }
        REQUIRE(value == shadow);
    }
    stop_disturbing = true;
    CHECK(disturber.join());
}

// A new thread finds nothing of anybody's in its vector registers.
std::atomic<int> new_thread_is_clean;

void look_at_vectors(std::uintptr_t) { new_thread_is_clean = vectors_are_initial() ? 1 : 2; }

void new_thread_has_clean_vectors(Report& report) {
    fill_vectors(77);
    new_thread_is_clean = 0;
    Helper helper;
    REQUIRE(helper.start(look_at_vectors, 0) > 0);
    CHECK(helper.join());
    CHECK_EQ(new_thread_is_clean, 1);
    CHECK(vectors_hold(77));
}

std::atomic<unsigned> vector_failures;
std::atomic<bool> vectors_stop;

void keep_vectors(std::uintptr_t pattern) {
    fill_vectors(pattern);
    while (!vectors_stop.load()) {
        threadDelay(pattern % 2 == 0 ? K_NOBLOCK : &one_millisecond);
        if (!vectors_hold(pattern)) {
            vector_failures.fetch_add(1);
        }
    }
}

void switches_keep_vectors(Report& report) {
    vector_failures = 0;
    vectors_stop = false;
    Helper helpers[6];
    for (unsigned i = 0; i < 6; ++i) {
        REQUIRE(helpers[i].start(keep_vectors, 1000 + i, inherit_priority, i % cpu_count()) > 0);
    }
    fill_vectors(3);
    for (unsigned i = 0; i < 200; ++i) {
        threadDelay(i % 10 == 0 ? &one_millisecond : K_NOBLOCK);
        REQUIRE(vectors_hold(3));
    }
    vectors_stop = true;
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    CHECK_EQ(vector_failures, 0);
}

// From CPU to CPU, among threads that use them too.
void migration_keeps_vectors(Report& report) {
    vector_failures = 0;
    vectors_stop = false;
    Helper helpers[4];
    for (unsigned i = 0; i < 4; ++i) {
        REQUIRE(helpers[i].start(keep_vectors, 2000 + i, inherit_priority, i % cpu_count()) > 0);
    }
    fill_vectors(9);
    for (unsigned i = 0; i < 100; ++i) {
        CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, i % cpu_count(), nullptr, K_NONEXCLUSIVE), K_OK);
        CHECK_EQ(
            threadBind(K_MYACTOR, helpers[i % 4].thread(), (i + 1) % cpu_count(), nullptr, K_NONEXCLUSIVE),
            K_OK);
        REQUIRE(vectors_hold(9));
    }
    CHECK_EQ(threadBind(K_MYACTOR, K_MYSELF, 0, nullptr, K_NONEXCLUSIVE), K_OK);
    CHECK(vectors_hold(9));
    vectors_stop = true;
    for (Helper& helper : helpers) {
        CHECK(helper.join());
    }
    CHECK_EQ(vector_failures, 0);
}

// Between client and server: both use vectors, the call takes the fast path.
KnUniqueId echo_port;
int echo_portli;

void vector_server(std::uintptr_t) {
    fill_vectors(500);
    std::uint64_t body[8];
    KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
    int port = echo_portli;
    int size = ipcReceive(&message, &port, -1);
    while (size >= 0) {
        if (!vectors_hold(500)) {
            vector_failures.fetch_add(1);
        }
        size = ipcReplyReceive(&message, &message, &port, -1);
    }
}

void calls_keep_vectors(Report& report) {
    vector_failures = 0;
    echo_portli = portCreate(K_MYACTOR, &echo_port);
    REQUIRE(echo_portli > 0);
    {
        Helper server;
        REQUIRE(server.start(vector_server, 0, higher_priority) > 0);
        fill_vectors(600);
        std::uint64_t body[8] = {};
        const KnIpcDest destination{echo_port, {}};
        KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
        for (unsigned i = 0; i < 200; ++i) {
            REQUIRE_EQ(ipcCall(&message, K_DEFAULTPORT, &destination, &message, -1), 64);
            REQUIRE(vectors_hold(600));
        }
    }
    CHECK_EQ(vector_failures, 0);
    CHECK_EQ(portDelete(K_MYACTOR, echo_portli), K_OK);
}

constexpr Case register_cases[] = {
    {"calls_keep_registers", calls_keep_registers},
    {"message_calls_leak_nothing", message_calls_leak_nothing},
    {"preemption_keeps_registers", preemption_keeps_registers},
};
constexpr Case vector_cases[] = {
    {"new_thread_has_clean_vectors", new_thread_has_clean_vectors},
    {"switches_keep_vectors", switches_keep_vectors},
    {"migration_keeps_vectors", migration_keeps_vectors},
    {"calls_keep_vectors", calls_keep_vectors},
};

} // namespace

const Suite registers_suite{"registers", register_cases};
const Suite vector_suite{"vectors", vector_cases};

} // namespace chorale::test
