// Clients.
#include "arch/host/user.hpp"
#include "tests/free/people.hpp"

#include <gtest/gtest.h>

namespace chorale::test {

using namespace host;

namespace {

// Several to the same port: so that some go the fast way.
[[nodiscard]] Task<void> call_words(Town& town, Random& random) {
    const KnUniqueId port = town.port(random);
    for (u64 left = 1 + random.below(64); left != 0 && !town.closing(); --left) {
        const u64 key = random.next();
        const u64 flags = random.one_in(2) ? u64{MESSAGE_ABORTABLE} : 0;
        const MessageResult reply =
            co_await message_call(port, Words{{key, 2, 3, 4, 5, 6, 7, ~key}}, call_size, flags);
        if (reply.size < 0) {
            EXPECT_TRUE(town.error(reply.size)) << reply.size;
            co_return;
        }
        EXPECT_EQ(reply.bytes(), static_cast<long>(call_size));
        EXPECT_EQ(reply.words.word[0], key + 1);
        EXPECT_EQ(reply.words.word[7], ~key + 1);
        town.count(Event::calls);
    }
}

[[nodiscard]] Task<void> send_some(Town& town, Random& random, Buffer buffer) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await destination.set({town.port(random), {}});
    co_await message.set({0, static_cast<unsigned>(send_size), buffer.at.raw(), 0, 0});
    const u64 longest = random.one_in(8) ? 100 : 8; // more than a queue holds
    for (u64 left = 1 + random.below(longest); left != 0; --left) {
        const long result =
            co_await call(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
        EXPECT_TRUE(town.error(result)) << result;
        if (result != K_OK) co_return;
        town.count(Event::sends);
    }
}

} // namespace

Task<void> ask(Town& town) {
    Random random = town.stranger();
    const Buffer buffer = co_await allocate_buffer(random.one_in(4) ? 16 : 2);
    while (!town.closing()) {
        switch (random.below(8)) {
        case 0:
            if (buffer.size == 0) break;
            co_await call_with_body(town, random, buffer, 65 + random.below(buffer.size - 64),
                                    random.one_in(4) ? -1 : static_cast<int>(random.below(4)));
            break;
        case 1:
            if (buffer.size != 0) co_await send_some(town, random, buffer);
            break;
        case 2:
            static_cast<void>(co_await sleep(random.below(200'000)));
            break;
        default:
            co_await call_words(town, random);
            break;
        }
    }
}

} // namespace chorale::test
