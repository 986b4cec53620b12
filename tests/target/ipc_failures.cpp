// Suite ipc_failures: one side of an exchange dies or does not do its part.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr int pending = 12345;
// Bodies: in registers, in all registers, in memory.
constexpr std::uintptr_t small = 8, full = 64, large = 100;

KnIpcDest target;
int target_li;
std::atomic<int> result;
std::atomic<unsigned> served;

void call_target(std::uintptr_t size) {
    unsigned char body[128] = {};
    const KnMsgDesc request{0, static_cast<unsigned>(size), address_of(body), 0, 0};
    KnMsgDesc reply{0, sizeof(body), address_of(body), 0, 0};
    result = ipcCall(&request, K_DEFAULTPORT, &target, &reply, -1);
}

constexpr char received[] = "test.received";

// Receives one request and keeps it.
void receive_and_hang(std::uintptr_t) {
    unsigned char body[128];
    KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
    int li = target_li;
    if (ipcReceive(&message, &li, -1) >= 0) {
        served.fetch_add(1);
        sysSetEnv(received, "1"); // for who is in another actor
    }
    threadDelay(K_NOTIMEOUT);
}

bool set_up() {
    result = pending;
    served = 0;
    target = {};
    target_li = portCreate(K_MYACTOR, &target.target);
    return target_li > 0;
}

void server_thread_killed(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        for (const std::uintptr_t size : {small, full, large}) {
            REQUIRE(set_up());
            Helper server, client;
            REQUIRE(server.start(receive_and_hang, 0, higher_priority, 0) > 0);
            REQUIRE(client.start(call_target, size, higher_priority, cpu) > 0);
            CHECK(eventually([] { return served == 1; }));
            CHECK_EQ(result, pending);
            CHECK_EQ(threadDelete(K_MYACTOR, server.thread()), K_OK);
            CHECK(client.join());
            CHECK_EQ(result, K_ECRASH);
            CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
        }
    }
}

// The server does what ends its actor.
void publish_and_crash(std::uintptr_t) {
    KnUniqueId name;
    target_li = portCreate(K_MYACTOR, &name);
    (void)publish_port("test.crash", name);
    unsigned char body[128];
    KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
    int li = target_li;
    ipcReceive(&message, &li, -1);
    *reinterpret_cast<volatile int*>(8) = 1;
}

void server_actor_crashes(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        for (const std::uintptr_t size : {small, large}) {
            sysUnsetEnv("port.test.crash");
            Child child;
            REQUIRE_EQ(child.create("crash"), K_OK);
            REQUIRE(child.start(publish_and_crash, 0, higher_priority, cpu) > 0);
            target = {};
            REQUIRE_EQ(find_port("test.crash", target.target, patience), K_OK);
            result = pending;
            call_target(size);
            CHECK_EQ(result, K_ECRASH);
            CHECK(child.gone());
            call_target(size);
            CHECK_EQ(result, K_EUNKNOWN);
        }
    }
}

void publish_and_wait(std::uintptr_t receives) {
    KnUniqueId name;
    target_li = portCreate(K_MYACTOR, &name);
    (void)publish_port("test.crash", name);
    if (receives != 0) {
        receive_and_hang(0);
    }
    threadDelay(K_NOTIMEOUT);
}

// Deleted by somebody else, with the request received or still queued.
void server_actor_deleted(Report& report) {
    for (const std::uintptr_t receives : {std::uintptr_t{1}, std::uintptr_t{0}}) {
        for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
            sysUnsetEnv("port.test.crash");
            sysUnsetEnv(received);
            Child child;
            REQUIRE_EQ(child.create("deleted"), K_OK);
            REQUIRE(child.start(publish_and_wait, receives, higher_priority, cpu) > 0);
            target = {};
            REQUIRE_EQ(find_port("test.crash", target.target, patience), K_OK);
            result = pending;
            Helper client;
            REQUIRE(client.start(call_target, 8, higher_priority, 0) > 0);
            if (receives != 0) {
                CHECK(eventually([] { return environment_number(received, 0) == 1; }));
            } else {
                sleep_milliseconds(3);
            }
            CHECK_EQ(result, pending);
            CHECK_EQ(child.destroy(), K_OK);
            CHECK(client.join());
            CHECK(result == K_ECRASH || (receives == 0 && (result == K_ENOPORT || result == K_EUNKNOWN)));
        }
    }
}

// The client goes; the server replies to nobody and serves the next one.
void client_killed(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        for (const std::uintptr_t size : {small, large}) {
            REQUIRE(set_up());
            Helper victim, next;
            REQUIRE(victim.start(call_target, size, higher_priority, cpu) > 0);
            unsigned char body[128];
            KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
            int li = target_li;
            CHECK_EQ(ipcReceive(&message, &li, 5000), size);
            CHECK_EQ(threadDelete(K_MYACTOR, victim.thread()), K_OK);
            message.bodySize = 8;
            CHECK(ipcReply(&message) <= 0);
            REQUIRE(next.start(call_target, size, higher_priority, cpu) > 0);
            message.bodySize = sizeof(body);
            CHECK_EQ(ipcReceive(&message, &li, 5000), size);
            message.bodySize = 16;
            CHECK_EQ(ipcReply(&message), K_OK);
            CHECK(next.join());
            CHECK_EQ(result, 16);
            CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
        }
    }
}

// A client that dies while its request is queued: nobody waits for the reply any more.
void queued_client_killed(Report& report) {
    const KnSysStatistics before = settled_statistics();
    KnSysStatistics after{};
    for (unsigned i = 0; i < 20; ++i) {
        REQUIRE(set_up());
        Helper victim;
        REQUIRE(victim.start(call_target, i % 2 == 0 ? 8 : 100, higher_priority, i % cpu_count()) > 0);
        sleep_milliseconds(1);
        CHECK_EQ(threadDelete(K_MYACTOR, victim.thread()), K_OK);
        unsigned char body[128];
        KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
        int li = target_li;
        if (ipcReceive(&message, &li, 0) >= 0) {
            message.bodySize = 8;
            CHECK(ipcReply(&message) <= 0);
        }
        CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
    }
    CHECK(eventually([&] { return sysStatistics(&after) == K_OK && after.messages <= before.messages; }));
    CHECK_EQ(after.messages, before.messages);
}

// The server receives again without a reply: the first client learns that.
void request_dropped(Report& report) {
    for (const std::uintptr_t size : {small, large}) {
        REQUIRE(set_up());
        Helper client;
        REQUIRE(client.start(call_target, size, higher_priority, cpu_count() - 1) > 0);
        unsigned char body[128];
        KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
        int li = target_li;
        CHECK_EQ(ipcReceive(&message, &li, 5000), size);
        // A wait without a message keeps it; the next message takes its place.
        CHECK_EQ(ipcReceive(&message, &li, 10), K_ETIMEOUT);
        CHECK_EQ(result, pending);
        message.bodySize = 8;
        CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &target), K_OK);
        CHECK_EQ(ipcReceive(&message, &li, 10), 8);
        CHECK(client.join());
        CHECK_EQ(result, K_EFAIL);
        CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
    }
}

std::atomic<int> early_results[4];

// A thread that has never received anything.
void reply_at_once(std::uintptr_t) {
    std::uint64_t word = 0;
    KnMsgDesc message{0, 8, address_of(&word), 0, 0};
    int port = K_DEFAULTPORT;
    KnMsgDesc incoming = message;
    KnMsgHead head{};
    early_results[0] = ipcReply(&message);
    early_results[1] = ipcReplyReceive(&message, &incoming, &port, -1);
    message.bodySize = 100;
    early_results[2] = ipcReplyReceive(&message, &incoming, &port, -1);
    early_results[3] = ipcSysInfo(&head);
}

void reply_without_request(Report& report) {
    Helper early;
    REQUIRE(early.start(reply_at_once, 0) > 0);
    CHECK(early.join());
    for (const int early_result : early_results) {
        CHECK_EQ(early_result, K_EINVAL);
    }
    // A message that was sent awaits no reply.
    std::uint64_t word = 0;
    KnMsgDesc message{0, 8, address_of(&word), 0, 0};
    KnMsgDesc incoming = message;
    KnMsgHead head{};
    REQUIRE(set_up());
    CHECK_EQ(ipcSend(&message, K_DEFAULTPORT, &target), K_OK);
    int li = target_li;
    CHECK_EQ(ipcReceive(&incoming, &li, 0), 8);
    CHECK_EQ(ipcSysInfo(&head), K_OK);
    CHECK_EQ(head.transId, 0);
    CHECK_EQ(ipcReply(&message), K_EINVAL);
    CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
}

void reply_errors(Report& report) {
    REQUIRE(set_up());
    Helper client;
    REQUIRE(client.start(call_target, 8, higher_priority) > 0);
    unsigned char body[128] = {};
    KnMsgDesc message{0, sizeof(body), address_of(body), 0, 0};
    int li = target_li;
    CHECK_EQ(ipcReceive(&message, &li, 5000), 8);
    message.bodySize = K_CMSGSIZEMAX + 1;
    CHECK_EQ(ipcReply(&message), K_ETOOMUCH);
    message.bodySize = 100;
    message.bodyAddr = 0xffffffff80000000;
    CHECK_EQ(ipcReply(&message), K_EFAULT);
    CHECK_EQ(result, pending);
    message.bodyAddr = address_of(body);
    CHECK_EQ(ipcReply(&message), K_OK);
    CHECK_EQ(ipcReply(&message), K_EINVAL);
    CHECK(client.join());
    CHECK_EQ(result, 100);
    CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
}

std::atomic<int> outcomes[4];

void serve_once(std::uintptr_t li) {
    KnMsgDesc message{};
    int port = static_cast<int>(li);
    outcomes[0] = ipcReceive(&message, &port, -1);
    outcomes[1] = ipcReply(&message);
    outcomes[2] = ipcReply(&message);
    KnMsgHead head{};
    outcomes[3] = ipcSysInfo(&head);
}

// Point 9: a reply ends the current message: there is nothing more to reply to.
void point_09_reply_ends_current_message(Report& report) {
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        KnIpcDest to{};
        const int li = portCreate(K_MYACTOR, &to.target);
        REQUIRE(li > 0);
        Helper server;
        REQUIRE(server.start(serve_once, static_cast<std::uintptr_t>(li), higher_priority, cpu) > 0);
        KnMsgDesc request{}, reply{};
        CHECK_EQ(ipcCall(&request, K_DEFAULTPORT, &to, &reply, 5000), 0);
        CHECK(server.join());
        CHECK_EQ(outcomes[0], 0);
        CHECK_EQ(outcomes[1], K_OK);
        CHECK_EQ(outcomes[2], K_EINVAL);
        CHECK_EQ(outcomes[3], K_EINVAL);
        CHECK_EQ(portDelete(K_MYACTOR, li), K_OK);
    }
}

unsigned char long_body[K_CMSGSIZEMAX];

// To a port that is no more: what is composed is thrown away.
void compose_for_ever(std::uintptr_t calls) {
    const KnMsgDesc message{0, sizeof(long_body), address_of(long_body), 0, 0};
    KnMsgDesc reply{0, 0, 0, 0, 0};
    for (;;) {
        result = calls != 0 ? ipcCall(&message, K_DEFAULTPORT, &target, &reply, -1)
                            : ipcSend(&message, K_DEFAULTPORT, &target);
    }
}

void killed_while_composing(Report& report) {
    REQUIRE(set_up());
    CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
    const KnSysStatistics before = settled_statistics();
    for (unsigned round = 0; round < 40; ++round) {
        Helper sender;
        REQUIRE(sender.start(compose_for_ever, round % 2, lower_priority) > 0);
        const KnTimeVal pause{0, 50'000 + 1'777 * static_cast<long>(round)};
        threadDelay(&pause);
    }
    const KnSysStatistics after = settled_statistics();
    CHECK_EQ(after.messages, before.messages);
    CHECK(after.freePages + 64 >= before.freePages);
}

constexpr Case cases[] = {
    {"killed_while_composing", killed_while_composing},
    {"server_thread_killed", server_thread_killed},
    {"server_actor_crashes", server_actor_crashes},
    {"server_actor_deleted", server_actor_deleted},
    {"client_killed", client_killed},
    {"queued_client_killed", queued_client_killed},
    {"request_dropped", request_dropped},
    {"point_09_reply_ends_current_message", point_09_reply_ends_current_message},
    {"reply_without_request", reply_without_request},
    {"reply_errors", reply_errors},
};

} // namespace

const Suite ipc_failures_suite{"ipc_failures", cases};

} // namespace chorale::test
