// Suite current_messages: what a server does with a message that it has received, beside replying: getting
// its body later, saving and restoring it; and what an abort of its caller does to who serves it.
#include "check.hpp"
#include "child.hpp"
#include "helper.hpp"

#include <chorus.h>

namespace chorale::test {
namespace {

constexpr int pending = 12345;
constexpr unsigned body_sizes[] = {0, 8, 13, 64, 65, 5000, K_CMSGSIZEMAX};

KnIpcDest target, second_target;
int target_li, second_li;
std::atomic<int> result, second_result, server_saw;
std::atomic<bool> received; // by the last of a chain of servers
unsigned char sent[K_CMSGSIZEMAX], got[K_CMSGSIZEMAX];

bool set_up() {
    result = second_result = server_saw = pending;
    target = second_target = {};
    target_li = portCreate(K_MYACTOR, &target.target);
    second_li = portCreate(K_MYACTOR, &second_target.target);
    for (unsigned i = 0; i < sizeof(sent); ++i) {
        sent[i] = static_cast<unsigned char>(i * 7 + i / 256);
    }
    return target_li > 0 && second_li > 0;
}

void tear_down(Report& report) {
    CHECK_EQ(portDelete(K_MYACTOR, target_li), K_OK);
    CHECK_EQ(portDelete(K_MYACTOR, second_li), K_OK);
}

int call(const KnIpcDest& destination, unsigned size, unsigned flags, int delay) {
    unsigned char answer[64];
    const KnMsgDesc request{0, size, address_of(sent), 0, 0};
    KnMsgDesc reply{flags, sizeof(answer), address_of(answer), 0, 0};
    return ipcCall(&request, K_DEFAULTPORT, &destination, &reply, delay);
}

void call_target(std::uintptr_t size) { result = call(target, static_cast<unsigned>(size), 0, -1); }
void call_second(std::uintptr_t size) {
    second_result = call(second_target, static_cast<unsigned>(size), 0, -1);
}
void call_abortable(std::uintptr_t) { result = call(target, 8, K_ABORTABLE, -1); }
void call_for_a_moment(std::uintptr_t) { result = call(target, 8, 0, 5); }

int receive_on(int port, VmAddr body, unsigned size) {
    KnMsgDesc message{0, size, body, 0, 0};
    return ipcReceive(&message, &port, static_cast<int>(patience));
}

int reply_with(unsigned size) {
    const KnMsgDesc message{0, size, address_of(sent), 0, 0};
    return ipcReply(&message);
}

int get_data(VmAddr body, unsigned size) {
    const KnMsgDesc message{0, size, body, 0, 0};
    return ipcGetData(&message);
}

bool same_bodies(unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
        if (got[i] != sent[i]) {
            return false;
        }
    }
    return true;
}

// ---- ipcGetData ----------------------------------------------------------------------------------

void point_09_body_kept_for_one_get(Report& report) {
    const Counted counted{report};
    REQUIRE(set_up());
    CHECK_EQ(get_data(address_of(got), 8), K_EINVAL);
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        for (const unsigned size : body_sizes) {
            Helper caller;
            result = pending;
            REQUIRE(caller.start(call_target, size, higher_priority, cpu) > 0);
            CHECK_EQ(receive_on(target_li, 0, K_CMSGSIZEMAX), size); // the size counts for nothing
            __builtin_memset(got, 0, sizeof(got));
            CHECK_EQ(get_data(8, size), size == 0 ? 0 : K_EFAULT); // it is still kept
            CHECK_EQ(get_data(address_of(got), sizeof(got)), size == 0 ? K_EINVAL : static_cast<int>(size));
            CHECK(same_bodies(size));
            CHECK_EQ(get_data(address_of(got), sizeof(got)), K_EINVAL);
            KnMsgHead head{};
            CHECK_EQ(ipcSysInfo(&head), K_OK);
            CHECK_EQ(head.bodySize, size);
            CHECK_EQ(reply_with(8), K_OK);
            CHECK_EQ(get_data(address_of(got), sizeof(got)), K_EINVAL);
            CHECK(caller.join());
            CHECK_EQ(result, 8);
        }
    }
    tear_down(report);
}

// Waiting before the message comes; and a body that was received is not kept.
void body_kept_while_waiting(Report& report) {
    REQUIRE(set_up());
    Helper first, second;
    REQUIRE(first.start(call_target, 64, lower_priority) > 0); // runs when this thread waits
    CHECK_EQ(receive_on(target_li, 0, 0), 64);
    CHECK_EQ(get_data(address_of(got), 10), 10); // cut
    REQUIRE(second.start(call_second, 24, lower_priority) > 0);
    const KnMsgDesc reply{0, 8, address_of(sent), 0, 0};
    KnMsgDesc message{0, 0, 0, 0, 0};
    int li = second_li;
    CHECK_EQ(ipcReply(&reply), K_OK);
    CHECK_EQ(ipcReceive(&message, &li, -1), 24);
    CHECK_EQ(get_data(address_of(got), sizeof(got)), 24);
    CHECK(same_bodies(24));
    CHECK_EQ(reply_with(8), K_OK);
    CHECK(first.join());
    CHECK(second.join());
    CHECK_EQ(result, 8);
    CHECK_EQ(second_result, 8);
    // A wait that ends otherwise leaves no trace.
    int none = target_li;
    CHECK_EQ(ipcReceive(&message, &none, 1), K_ETIMEOUT);
    Helper third;
    result = pending;
    REQUIRE(third.start(call_target, 16, lower_priority) > 0);
    CHECK_EQ(receive_on(target_li, address_of(got), sizeof(got)), 16);
    CHECK_EQ(get_data(address_of(got), sizeof(got)), K_EINVAL);
    CHECK_EQ(reply_with(8), K_OK);
    CHECK(third.join());
    tear_down(report);
}

// ---- ipcSave, ipcRestore -------------------------------------------------------------------------

void restoring_replaces(Report& report) {
    const Counted counted{report};
    REQUIRE(set_up());
    CHECK_EQ(ipcSave(K_NONEPORT), K_EINVAL);
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Helper first, second;
        result = second_result = pending;
        REQUIRE(first.start(call_target, 8, higher_priority, cpu) > 0);
        CHECK_EQ(receive_on(target_li, address_of(got), sizeof(got)), 8);
        CHECK_EQ(ipcSave(K_DEFAULTPORT), K_EINVAL);
        const int id = ipcSave(K_NONEPORT);
        REQUIRE(id > 0);
        CHECK_EQ(ipcSave(K_NONEPORT), K_EINVAL);
        CHECK_EQ(reply_with(8), K_EINVAL);
        REQUIRE(second.start(call_second, 100, higher_priority, cpu) > 0);
        CHECK_EQ(receive_on(second_li, 0, 0), 100);
        for (const int wrong : {0, -1, id + 1, K_CMSGSAVEDMAX + 1}) {
            CHECK_EQ(ipcRestore(wrong), K_EINVAL);
        }
        CHECK_EQ(get_data(address_of(got), sizeof(got)), 100); // still current
        CHECK_EQ(result, pending);
        CHECK_EQ(ipcRestore(id), K_OK);
        CHECK(second.join());
        CHECK_EQ(second_result, K_EFAIL);
        KnMsgHead head{};
        CHECK_EQ(ipcSysInfo(&head), K_OK);
        CHECK(uiEqual(&head.target, &target.target) != 0);
        CHECK_EQ(ipcRestore(id), K_EINVAL);
        CHECK_EQ(reply_with(16), K_OK);
        CHECK(first.join());
        CHECK_EQ(result, 16);
    }
    tear_down(report);
}

void as_many_as_may_be_saved(Report& report) {
    const Counted counted{report};
    REQUIRE(set_up());
    int ids[K_CMSGSAVEDMAX + 1];
    for (std::uint64_t i = 0; i <= K_CMSGSAVEDMAX; ++i) {
        const KnMsgDesc message{0, sizeof(i), address_of(&i), 0, 0};
        REQUIRE_EQ(ipcSend(&message, K_DEFAULTPORT, &target), K_OK);
        REQUIRE_EQ(receive_on(target_li, 0, 0), 8);
        ids[i] = ipcSave(K_NONEPORT);
        CHECK(i == K_CMSGSAVEDMAX ? ids[i] == K_EFULL : ids[i] > 0);
    }
    std::uint64_t word = 0;
    CHECK_EQ(get_data(address_of(&word), sizeof(word)), 8); // the one too many is still current
    CHECK_EQ(word, K_CMSGSAVEDMAX);
    for (std::uint64_t i = K_CMSGSAVEDMAX; i-- != 0;) {
        CHECK_EQ(ipcRestore(ids[i]), K_OK);
        CHECK_EQ(get_data(address_of(&word), sizeof(word)), 8);
        CHECK_EQ(word, i);
    }
    CHECK_EQ(reply_with(8), K_EINVAL); // it awaits none
    Helper caller;
    REQUIRE(caller.start(call_target, 8, higher_priority) > 0);
    CHECK_EQ(receive_on(target_li, address_of(got), sizeof(got)), 8);
    CHECK_EQ(reply_with(8), K_OK);
    CHECK(caller.join());
    tear_down(report);
}

void restore_and_reply(std::uintptr_t id) {
    server_saw = ipcRestore(static_cast<int>(id));
    if (server_saw == K_OK) {
        server_saw = reply_with(24);
    }
}

void another_thread_replies(Report& report) {
    REQUIRE(set_up());
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        for (const unsigned size : {8U, 100U}) {
            Helper caller, server;
            result = server_saw = pending;
            REQUIRE(caller.start(call_target, size, higher_priority, 0) > 0);
            CHECK_EQ(receive_on(target_li, address_of(got), sizeof(got)), size);
            const int id = ipcSave(K_NONEPORT);
            REQUIRE(id > 0);
            REQUIRE(server.start(restore_and_reply, static_cast<std::uintptr_t>(id), higher_priority, cpu) >
                    0);
            CHECK(server.join());
            CHECK_EQ(server_saw, K_OK);
            CHECK(caller.join());
            CHECK_EQ(result, 24);
        }
    }
    tear_down(report);
}

// The caller's wait ends by itself; the reply goes nowhere.
void callers_of_saved_messages_go(Report& report) {
    const Counted counted{report};
    REQUIRE(set_up());
    for (const ThreadBody body : {call_for_a_moment, call_abortable}) {
        Helper caller;
        result = pending;
        REQUIRE(caller.start(body, 0, higher_priority) > 0);
        CHECK_EQ(receive_on(target_li, address_of(got), sizeof(got)), 8);
        const int id = ipcSave(K_NONEPORT);
        REQUIRE(id > 0);
        if (body == call_abortable) {
            CHECK_EQ(threadAbort(K_MYACTOR, caller.thread()), K_OK);
        }
        CHECK(caller.join());
        CHECK_EQ(result, body == call_abortable ? K_EABORT : K_ETIMEOUT);
        CHECK_EQ(threadAborted(), 0);
        CHECK_EQ(ipcRestore(id), K_OK);
        CHECK_EQ(reply_with(8), K_OK);
    }
    tear_down(report);
}

void save_in_child(std::uintptr_t) {
    KnUniqueId name;
    const int li = portCreate(K_MYACTOR, &name);
    (void)publish_port("test.saver", name);
    (void)receive_on(li, 0, 0);
    (void)ipcSave(K_NONEPORT);
    (void)publish_port("test.saved", name);
    threadDelay(K_NOTIMEOUT);
}

void actor_with_saved_messages_goes(Report& report) {
    for (const unsigned size : {8U, 5000U}) {
        sysUnsetEnv("port.test.saver");
        sysUnsetEnv("port.test.saved");
        Child child;
        REQUIRE(set_up());
        REQUIRE_EQ(child.create("saver"), K_OK);
        REQUIRE(child.start(save_in_child, 0, higher_priority, cpu_count() - 1) > 0);
        KnIpcDest own = target;
        REQUIRE_EQ(find_port("test.saver", target.target, patience), K_OK);
        Helper caller;
        REQUIRE(caller.start(call_target, size, higher_priority) > 0);
        KnUniqueId saved{};
        CHECK_EQ(find_port("test.saved", saved, patience), K_OK);
        CHECK_EQ(result, pending);
        child.destroy();
        CHECK(caller.join());
        CHECK_EQ(result, K_ECRASH);
        target = own;
        tear_down(report);
    }
}

// ---- aborts go on to who serves ------------------------------------------------------------------

// Waits in the middle of its service; or passes the request on.
void serve_slowly(std::uintptr_t) {
    if (receive_on(target_li, address_of(got), 64) >= 0) {
        received = true;
        server_saw = threadDelay(K_NOTIMEOUT);
    }
    (void)reply_with(8);
    second_result = threadAborted();
}
void serve_by_another(std::uintptr_t) {
    if (receive_on(second_li, address_of(got), 64) >= 0) {
        second_result = call(target, 8, K_ABORTABLE, -1);
    }
    (void)reply_with(8);
}
void call_second_abortable(std::uintptr_t) { result = call(second_target, 8, K_ABORTABLE, -1); }

void abort_reaches_the_server(Report& report) {
    REQUIRE(set_up());
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        for (KnCpuId server_cpu = 0; server_cpu < 2 && server_cpu < cpu_count(); ++server_cpu) {
            Helper caller, server;
            result = second_result = server_saw = pending;
            received = false;
            REQUIRE(server.start(serve_slowly, 0, higher_priority, server_cpu) > 0);
            REQUIRE(caller.start(call_abortable, 0, higher_priority, cpu) > 0);
            CHECK(eventually([] { return received.load(); }));
            CHECK_EQ(result, pending);
            CHECK_EQ(server_saw, pending);
            CHECK_EQ(threadAbort(K_MYACTOR, caller.thread()), K_OK);
            CHECK(caller.join());
            CHECK(server.join());
            CHECK_EQ(result, K_EABORT);
            CHECK_EQ(server_saw, K_EABORT);
            CHECK_EQ(second_result, 0);
        }
    }
    tear_down(report);
}

void abort_goes_down_the_chain(Report& report) {
    REQUIRE(set_up());
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        Helper caller, middle, last;
        result = second_result = server_saw = pending;
        received = false;
        REQUIRE(last.start(serve_slowly, 0, higher_priority, 0) > 0);
        REQUIRE(middle.start(serve_by_another, 0, higher_priority, cpu) > 0);
        REQUIRE(caller.start(call_second_abortable, 0, higher_priority, 0) > 0);
        CHECK(eventually([] { return received.load(); }));
        CHECK_EQ(server_saw, pending);
        CHECK_EQ(threadAbort(K_MYACTOR, caller.thread()), K_OK);
        CHECK(caller.join());
        CHECK(middle.join());
        CHECK(last.join());
        CHECK_EQ(result, K_EABORT);
        CHECK_EQ(server_saw, K_EABORT);
    }
    tear_down(report);
}

// The mark stays while the request is served, and no longer; no abort without K_ABORTABLE.
void mark_of_an_aborted_request(Report& report) {
    REQUIRE(set_up());
    for (KnCpuId cpu = 0; cpu < cpu_count(); ++cpu) {
        for (const bool looks : {true, false}) {
            Helper caller;
            result = pending;
            REQUIRE(caller.start(call_abortable, 0, higher_priority, cpu) > 0);
            CHECK_EQ(receive_on(target_li, address_of(got), 64), 8);
            CHECK_EQ(threadAborted(), 0);
            CHECK_EQ(threadAbort(K_MYACTOR, caller.thread()), K_OK);
            // No wait that would use up the mark, which is there when the caller knows.
            for (unsigned i = 0; i < patience && result == pending; ++i) {
                burn(1000);
            }
            CHECK_EQ(result, K_EABORT);
            if (looks) {
                CHECK_EQ(threadAborted(), 1);
            }
            CHECK_EQ(reply_with(8), K_OK);
            CHECK_EQ(threadAborted(), 0);
            CHECK(caller.join());
        }
        Helper patient;
        result = pending;
        REQUIRE(patient.start(call_target, 8, higher_priority, cpu) > 0);
        CHECK_EQ(receive_on(target_li, address_of(got), 64), 8);
        CHECK_EQ(threadAbort(K_MYACTOR, patient.thread()), K_OK);
        CHECK_EQ(threadAborted(), 0);
        CHECK_EQ(reply_with(8), K_OK);
        CHECK(patient.join());
        CHECK_EQ(result, 8);
    }
    tear_down(report);
}

constexpr Case cases[] = {
    {"point_09_body_kept_for_one_get", point_09_body_kept_for_one_get},
    {"body_kept_while_waiting", body_kept_while_waiting},
    {"restoring_replaces", restoring_replaces},
    {"as_many_as_may_be_saved", as_many_as_may_be_saved},
    {"another_thread_replies", another_thread_replies},
    {"callers_of_saved_messages_go", callers_of_saved_messages_go},
    {"actor_with_saved_messages_goes", actor_with_saved_messages_goes},
    {"abort_reaches_the_server", abort_reaches_the_server},
    {"abort_goes_down_the_chain", abort_goes_down_the_chain},
    {"mark_of_an_aborted_request", mark_of_an_aborted_request},
};

} // namespace

const Suite current_messages_suite{"current_messages", cases};

} // namespace chorale::test
