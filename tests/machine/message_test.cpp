// Messages between actors of the host machine.
#include "tests/machine/world.hpp"

namespace chorale {

namespace {

using namespace host;

// Replies with each word plus one, until it is told to stop.
[[nodiscard]] Task<void> serve(long li) {
    MessageResult message = co_await message_receive(static_cast<int>(li));
    for (;;) {
        if (message.size < 0) co_return;
        Words reply = message.words;
        for (u64& word : reply.word) ++word;
        message = co_await message_reply_receive(static_cast<int>(li), reply);
    }
}

[[nodiscard]] Task<void> call_a_server(CpuIndex cpu) {
    const KnCap server = co_await create_actor();
    KnUniqueId port{};
    const long li = co_await create_port(server, port);
    EXPECT_GT(li, 0);
    EXPECT_GT(co_await start_thread(server, [li](u64) { return serve(li); }, {.cpu = cpu}), 0);
    for (u64 round = 0; round < 10; ++round) {
        const MessageResult reply = co_await message_call(port, Words{{round, 2, 3, 4, 5, 6, 7, 8}});
        EXPECT_EQ(reply.bytes(), 64);
        EXPECT_EQ(reply.words.word[0], round + 1);
        EXPECT_EQ(reply.words.word[7], 9u);
    }
    EXPECT_EQ(co_await delete_actor(server), K_OK);
    const MessageResult late = co_await message_call(port);
    EXPECT_EQ(late.size, K_EUNKNOWN);
}

} // namespace

TEST(Message, same_cpu) {
    test::run_world([](u64) { return call_a_server(0); });
}

TEST(Message, across_cpus) {
    test::run_world([](u64) { return call_a_server(2); });
}

} // namespace chorale
