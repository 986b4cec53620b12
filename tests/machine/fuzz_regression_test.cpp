// What the fuzzers have found, each as a small scenario (fuzz/calls.cpp, fuzz/messages.cpp).
#include "tests/machine/world.hpp"

#include <ipc/chIpc.h>

#include <memory>

namespace chorale {

namespace {

using namespace host;

constexpr VirtAddr body = free_data;

[[nodiscard]] KnMsgDesc message_of(u32 size, u64 at, u64 annex = 0) {
    KnMsgDesc made{};
    made.bodySize = size;
    made.bodyAddr = at;
    made.annexAddr = annex;
    return made;
}

// Waits until `done`, though not for ever.
[[nodiscard]] Task<bool> wait_for(const bool& done) {
    constexpr u64 pause = 1'000'000;
    for (unsigned rounds = 0; !done && rounds < 100; ++rounds) static_cast<void>(co_await sleep(pause));
    co_return done;
}

// ---- a reply that fails ----------------------------------------------------------------------------------

struct Failing {
    KnUniqueId port{};
    long li{};
    bool done{};
};

// Still serves the request, whose header says what was sent.
[[nodiscard]] Task<void> fail_to_reply(std::shared_ptr<Failing> test) {
    Local<KnMsgHead> head;
    Local<KnMsgDesc> descriptor;
    co_await descriptor.set(message_of(64, body.raw(), (body + 64).raw()));
    const MessageResult request =
        co_await message_receive(static_cast<int>(test->li), -1, 0, descriptor.at());
    EXPECT_EQ(request.bytes(), 24);
    co_await descriptor.set(message_of(5000, (body + free_data_size).raw())); // nothing is there
    EXPECT_EQ(co_await call(Call::ipcReply, descriptor.at()), K_EFAULT);
    EXPECT_EQ(co_await call(Call::ipcSysInfo, head.at()), K_OK);
    const KnMsgHead found = co_await head.get();
    EXPECT_EQ(found.bodySize, 24);
    EXPECT_EQ(found.flags[0], K_MSG_CALL | K_MSG_ANNEX);
    co_await descriptor.set(message_of(8, body.raw()));
    EXPECT_EQ(co_await call(Call::ipcReply, descriptor.at()), K_OK);
}

[[nodiscard]] Task<void> call_with_annex(std::shared_ptr<Failing> test) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    co_await request.set(message_of(24, body.raw(), (body + 64).raw()));
    co_await reply.set(message_of(64, body.raw()));
    co_await destination.set({test->port, {}});
    EXPECT_EQ(
        co_await call(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(), reply.at(), -1),
        8);
    test->done = true;
}

[[nodiscard]] Task<void> failing_reply() {
    const auto test = std::make_shared<Failing>();
    const KnCap server = co_await create_actor(), client = co_await create_actor();
    test->li = co_await create_port(server, test->port);
    EXPECT_GT(test->li, 0);
    EXPECT_GT(co_await start_thread(server, [test](u64) { return fail_to_reply(test); }), 0);
    EXPECT_GT(co_await start_thread(client, [test](u64) { return call_with_annex(test); }, {.cpu = 1}), 0);
    EXPECT_TRUE(co_await wait_for(test->done));
    EXPECT_EQ(co_await delete_actor(server), K_OK);
    EXPECT_EQ(co_await delete_actor(client), K_OK);
}

// ---- a way to another CPU that is full -------------------------------------------------------------------

struct Flood {
    KnUniqueId port{};
    long li{};
    u64 sent{}, refused{};
    bool done{};
};

// Sends numbers to the port, whose home is another CPU, until there is no room on the way.
[[nodiscard]] Task<void> fill_the_way(Flood& flood) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set(message_of(8, body.raw()));
    co_await destination.set({flood.port, {}});
    for (long result = K_OK; result == K_OK && flood.sent < 2 * K_CPORTQUEUE;) {
        co_await store<u64>(body, flood.sent + 1);
        result = co_await call(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
        if (result == K_OK) ++flood.sent;
        if (result == K_EFULL) ++flood.refused;
    }
}

// A call that is refused has not waited: the next one must not overtake what was sent before it.
[[nodiscard]] Task<void> call_behind(std::shared_ptr<Flood> flood) {
    co_await fill_the_way(*flood);
    const u64 last = flood->sent + 1;
    const MessageResult refused = co_await message_call(flood->port, Words{{last}});
    static_cast<void>(co_await call(Call::threadDelay, 0)); // the server waits now, on this CPU
    for (bool again = refused.size == K_EFULL; again;) {
        const MessageResult reply = co_await message_call(flood->port, Words{{last}});
        again = reply.size == K_EFULL;
        if (again) static_cast<void>(co_await sleep(1'000));
    }
    flood->done = true;
}

[[nodiscard]] Task<void> take_in_order(std::shared_ptr<Flood> flood) {
    const int li = static_cast<int>(flood->li);
    for (u64 next = 1;; ++next) {
        const MessageResult got = co_await message_receive(li);
        if (got.size < 0) co_return;
        EXPECT_EQ(got.words.word[0], next);
        if (next > flood->sent) static_cast<void>(co_await message_reply_receive(li, got.words));
    }
}

[[nodiscard]] Task<void> refused_call() {
    const auto flood = std::make_shared<Flood>();
    const KnCap server = co_await create_actor(), client = co_await create_actor();
    flood->li = co_await create_port(server, flood->port); // at home on this CPU
    EXPECT_GT(flood->li, 0);
    EXPECT_GT(co_await start_thread(client, [flood](u64) { return call_behind(flood); }, {.cpu = 2}), 0);
    EXPECT_GT(co_await start_thread(server, [flood](u64) { return take_in_order(flood); }, {.cpu = 2}), 0);
    EXPECT_TRUE(co_await wait_for(flood->done));
    EXPECT_EQ(co_await delete_actor(server), K_OK);
    EXPECT_EQ(co_await delete_actor(client), K_OK);
}

// Nothing is left to do on a CPU that keeps messages for which there was no room: it halts, and is told.
[[nodiscard]] Task<void> fill_and_sleep(std::shared_ptr<Flood> flood) {
    co_await fill_the_way(*flood);
    EXPECT_EQ(co_await sleep(1'000), K_ETIMEOUT);
    flood->done = true;
}

[[nodiscard]] Task<void> halt_with_backlog() {
    const auto flood = std::make_shared<Flood>();
    const KnCap actor = co_await create_actor();
    flood->li = co_await create_port(actor, flood->port);
    EXPECT_GT(flood->li, 0);
    EXPECT_GT(co_await start_thread(actor, [flood](u64) { return fill_and_sleep(flood); }, {.cpu = 3}), 0);
    EXPECT_TRUE(co_await wait_for(flood->done));
    EXPECT_EQ(flood->refused, 1u);
    EXPECT_EQ(co_await delete_actor(actor), K_OK);
}

} // namespace

TEST(FuzzRegression, reply_that_faults_leaves_the_request_as_it_was) {
    test::run_world([](u64) { return failing_reply(); });
}

TEST(FuzzRegression, refused_call_does_not_let_the_next_overtake) {
    test::run_world([](u64) { return refused_call(); });
}

TEST(FuzzRegression, cpu_halts_with_requests_that_found_no_room) {
    test::run_world([](u64) { return halt_with_backlog(); });
}

} // namespace chorale
