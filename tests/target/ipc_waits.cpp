// Suite ipc_waits: the ends of a wait that are not a message: time limits, aborts, deleted ports.
#include "check.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr int pending = 12345; // of a result that is not there yet
// Bodies: in registers, in all registers, in memory.
constexpr std::uintptr_t small = 8, full = 64, large = 100;

std::atomic<int> result;
KnIpcDest target;
int target_li;
int wait_delay;
unsigned wait_flags;

void waiting_receiver(std::uintptr_t port) {
    std::uint64_t word = 0;
    KnMsgDesc message{wait_flags, sizeof(word), address_of(&word), 0, 0};
    int li = static_cast<int>(static_cast<std::intptr_t>(port));
    result = ipcReceive(&message, &li, wait_delay);
}

void waiting_caller(std::uintptr_t size) {
    unsigned char body[128] = {};
    const KnMsgDesc request{0, static_cast<unsigned>(size), address_of(body), 0, 0};
    KnMsgDesc reply{wait_flags, sizeof(body), address_of(body), 0, 0};
    result = ipcCall(&request, K_DEFAULTPORT, &target, &reply, wait_delay);
}

// A port to wait on, and nothing going on yet.
bool set_up(unsigned flags, int delay) {
    result = pending;
    wait_flags = flags;
    wait_delay = delay;
    target = {};
    target_li = portCreate(K_MYACTOR, &target.target);
    return target_li > 0;
}

int receive_here(int delay) {
    std::uint64_t word = 0;
    KnMsgDesc message{0, sizeof(word), address_of(&word), 0, 0};
    int li = target_li;
    return ipcReceive(&message, &li, delay);
}

int reply_here() {
    std::uint64_t word = 9;
    const KnMsgDesc message{0, sizeof(word), address_of(&word), 0, 0};
    return ipcReply(&message);
}

void receive_limits(Report& report) {
    REQUIRE(set_up(0, 0));
    for (const int port : {target_li, K_DEFAULTPORT, K_ANYENABLED}) {
        for (const int delay : {0, 1, 10, 50}) {
            const int saved = target_li;
            target_li = port;
            const std::uint64_t start = now_microseconds();
            CHECK_EQ(receive_here(delay), K_ETIMEOUT);
            const std::uint64_t passed = now_microseconds() - start;
            target_li = saved;
            CHECK(passed >= static_cast<std::uint64_t>(delay) * 1000);
            CHECK(in_time(passed, static_cast<std::uint64_t>(delay) * 1000));
        }
    }
    CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
}

// Nobody receives; or somebody receives and does not reply in time. A late reply goes nowhere.
void call_limits(Report& report) {
    for (const std::uintptr_t size : {small, full, large}) {
        REQUIRE(set_up(0, 10));
        Helper first, second;
        REQUIRE(first.start(waiting_caller, size) > 0);
        CHECK(first.join());
        CHECK_EQ(result, K_ETIMEOUT);
        // The request that timed out may still be in the queue; it is not served as if somebody waited.
        while (receive_here(0) >= 0) {
            (void)reply_here();
        }
        result = pending;
        REQUIRE(second.start(waiting_caller, size, higher_priority) > 0);
        CHECK_EQ(receive_here(1000), size);
        CHECK(second.join());
        CHECK_EQ(result, K_ETIMEOUT);
        CHECK(reply_here() <= 0);
        CHECK_EQ(reply_here(), K_EINVAL);
        CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
    }
}

void reply_in_time(Report& report) {
    REQUIRE(set_up(0, 5000));
    for (const KnCpuId cpu : {KnCpuId{0}, cpu_count() - 1}) {
        result = pending;
        Helper caller;
        REQUIRE(caller.start(waiting_caller, 8, higher_priority, cpu) > 0);
        CHECK_EQ(receive_here(5000), 8);
        sleep_milliseconds(5);
        CHECK_EQ(result, pending);
        CHECK_EQ(reply_here(), K_OK);
        CHECK(caller.join());
        CHECK_EQ(result, 8);
    }
    CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
}

void receive_aborted(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        REQUIRE(set_up(K_ABORTABLE, -1));
        for (const int port : {target_li, K_ANYENABLED}) {
            result = pending;
            Helper helper;
            REQUIRE(helper.start(waiting_receiver, static_cast<std::uintptr_t>(port), higher_priority, cpu) >
                    0);
            sleep_milliseconds(2);
            CHECK_EQ(result, pending);
            CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
            CHECK(helper.join());
            CHECK_EQ(result, K_EABORT);
        }
        CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
    }
}

// Without K_ABORTABLE the abort waits for the message.
void receive_not_abortable(Report& report) {
    REQUIRE(set_up(0, -1));
    Helper helper;
    REQUIRE(helper.start(waiting_receiver, static_cast<std::uintptr_t>(target_li), higher_priority) > 0);
    CHECK_EQ(threadAbort(K_MYACTOR, helper.thread()), K_OK);
    sleep_milliseconds(2);
    CHECK_EQ(result, pending);
    const std::uint64_t word = 1;
    const KnMsgDesc message{0, 8, address_of(&word), 0, 0};
    CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &target), K_OK);
    CHECK(helper.join());
    CHECK_EQ(result, 8);
    CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
}

// Queued, then served: both ends of the wait.
void call_aborted(Report& report) {
    for (const std::uintptr_t size : {small, large}) {
        REQUIRE(set_up(K_ABORTABLE, -1));
        Helper queued, served;
        REQUIRE(queued.start(waiting_caller, size, higher_priority) > 0);
        CHECK_EQ(threadAbort(K_MYACTOR, queued.thread()), K_OK);
        CHECK(queued.join());
        CHECK_EQ(result, K_EABORT);
        while (receive_here(0) >= 0) {
            (void)reply_here();
        }
        result = pending;
        REQUIRE(served.start(waiting_caller, size, higher_priority) > 0);
        CHECK_EQ(receive_here(1000), size);
        CHECK_EQ(threadAbort(K_MYACTOR, served.thread()), K_OK);
        CHECK(served.join());
        CHECK_EQ(result, K_EABORT);
        (void)reply_here();
        CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
    }
}

void call_not_abortable(Report& report) {
    REQUIRE(set_up(0, -1));
    Helper caller;
    REQUIRE(caller.start(waiting_caller, 8, higher_priority) > 0);
    CHECK_EQ(threadAbort(K_MYACTOR, caller.thread()), K_OK);
    CHECK_EQ(result, pending);
    CHECK_EQ(receive_here(1000), 8);
    CHECK_EQ(reply_here(), K_OK);
    CHECK(caller.join());
    CHECK_EQ(result, 8);
    CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
}

void port_deleted_under_receiver(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        REQUIRE(set_up(0, -1));
        Helper helper;
        REQUIRE(helper.start(waiting_receiver, static_cast<std::uintptr_t>(target_li), higher_priority, cpu) >
                0);
        CHECK(eventually([&] { return status_of(helper.thread()) == K_WAITING; }));
        CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
        CHECK(helper.join());
        CHECK_EQ(result, K_ENOPORT);
    }
}

void port_deleted_under_caller(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        for (const std::uintptr_t size : {small, large}) {
            REQUIRE(set_up(0, -1));
            Helper caller;
            REQUIRE(caller.start(waiting_caller, size, higher_priority, cpu) > 0);
            sleep_milliseconds(2);
            CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
            CHECK(caller.join());
            CHECK(result == K_ENOPORT || result == K_EUNKNOWN);
        }
    }
}

constexpr Case cases[] = {
    {"receive_limits", receive_limits},
    {"call_limits", call_limits},
    {"reply_in_time", reply_in_time},
    {"receive_aborted", receive_aborted},
    {"receive_not_abortable", receive_not_abortable},
    {"call_aborted", call_aborted},
    {"call_not_abortable", call_not_abortable},
    {"port_deleted_under_receiver", port_deleted_under_receiver},
    {"port_deleted_under_caller", port_deleted_under_caller},
};

} // namespace

const Suite ipc_waits_suite{"ipc_waits", cases};

} // namespace chorale::test
