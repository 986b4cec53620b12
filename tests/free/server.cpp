// Servers: they wait on a port of their actor, or on whichever is enabled.
#include "arch/host/user.hpp"
#include "tests/free/people.hpp"

#include <gtest/gtest.h>

namespace chorale::test {

using namespace host;

namespace {

constexpr int ports = 2; // an actor's servers share so many, and the default port

struct Server {
    Town& town;
    Random random;
    Buffer buffer{};
    VirtAddr descriptor{};
    int li = 0;
};

[[nodiscard]] int some_port(Server& self) {
    return self.random.one_in(16) ? K_DEFAULTPORT : 1 + static_cast<int>(self.random.below(ports));
}

[[nodiscard]] Task<void> make_port(Server& self) {
    KnUniqueId name{};
    const long li = co_await create_port({}, name);
    if (li < 0) {
        EXPECT_TRUE(self.town.error(li)) << li;
        co_return;
    }
    self.town.publish_port(static_cast<unsigned>(self.random.next()), name);
    if (self.random.one_in(2)) {
        const long enabled = co_await call(Call::portEnable, 0, li, self.random.below(4));
        EXPECT_TRUE(self.town.error(enabled)) << enabled;
    }
}

[[nodiscard]] Task<MessageResult> receive(Server& self) {
    const int delay = self.random.one_in(4) ? static_cast<int>(self.random.below(3)) : 20;
    const u64 flags = self.random.one_in(2) ? u64{MESSAGE_ABORTABLE} : 0;
    self.li = self.random.one_in(3) ? K_ANYENABLED : some_port(self);
    co_return co_await message_receive(self.li, delay, flags, self.descriptor);
}

// A body that came in memory goes back with its key counted up.
[[nodiscard]] Task<MessageResult> answer_body(Server& self, const MessageResult& message) {
    const auto size = static_cast<uword>(message.bytes());
    if (size > self.buffer.size) co_return co_await receive(self); // cut: its sender gets K_EFAIL
    const u64 key = co_await load<u64>(self.buffer.at);
    EXPECT_TRUE(co_await holds(self.buffer, size, key));
    co_await fill(self.buffer, size, key + 1);
    {
        Local<KnMsgDesc> reply;
        co_await reply.set({0, static_cast<unsigned>(size), self.buffer.at.raw(), 0, 0});
        const long result = co_await call(Call::ipcReply, reply.at());
        EXPECT_TRUE(self.town.error(result)) << result;
    }
    co_return co_await receive(self);
}

[[nodiscard]] Task<void> dawdle(Server& self) {
    switch (self.random.below(6)) {
    case 0:
        static_cast<void>(co_await sleep(self.random.below(300'000)));
        break;
    case 1:
        if (self.buffer.size != 0) co_await call_with_body(self.town, self.random, self.buffer, 128, 2);
        break;
    case 2: {
        Local<KnMsgHead> head;
        EXPECT_EQ(co_await call(Call::ipcSysInfo, head.at()), K_OK);
        break;
    }
    case 3:
        static_cast<void>(
            co_await call(Call::threadBind, 0, K_MYSELF, self.random.below(4), 0, K_NONEXCLUSIVE));
        break;
    default:
        co_await pause();
        break;
    }
}

[[nodiscard]] Task<MessageResult> answer(Server& self, const MessageResult& message) {
    self.town.count(Event::receipts);
    if (message.stored()) co_return co_await answer_body(self, message);
    if (self.random.one_in(16)) co_await dawdle(self);
    if (message.bytes() != static_cast<long>(call_size) || self.random.one_in(64))
        co_return co_await receive(self); // nobody waits, or it is dropped
    Words reply = message.words;
    for (u64& word : reply.word) ++word;
    const int li = self.li == K_ANYENABLED || self.random.one_in(32) ? some_port(self) : self.li;
    self.li = li;
    co_return co_await message_reply_receive(li, reply, call_size, 0, self.descriptor);
}

// Some do not wait for their end.
[[nodiscard]] bool tired(Server& self) { return self.random.one_in(1024); }

} // namespace

Task<void> serve(Town& town) {
    Server self{town, town.stranger()};
    self.buffer = co_await allocate_buffer(self.random.one_in(4) ? 16 : 2);
    Local<KnMsgDesc> room;
    if (self.buffer.size != 0) {
        co_await room.set({0, static_cast<unsigned>(self.buffer.size), self.buffer.at.raw(), 0, 0});
        self.descriptor = room.at();
    }
    MessageResult message = co_await receive(self);
    while (!town.closing()) {
        if (tired(self)) co_return;
        if (message.size >= 0) {
            message = co_await answer(self, message);
            continue;
        }
        EXPECT_TRUE(town.error(message.size)) << message.size;
        if (message.size == K_EINVAL) co_await make_port(self);
        message = co_await receive(self);
    }
}

} // namespace chorale::test
