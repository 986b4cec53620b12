// The operations that send and receive.
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/message.hpp"
#include "tests/sim/workload.hpp"
#include "tests/sim/world.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace chorale::sim {

using namespace host;

namespace {

constexpr std::initializer_list<long> call_errors{K_EUNKNOWN, K_ENOPORT, K_ECRASH,   K_EFAIL,
                                                  K_EFULL,    K_EABORT,  K_ETIMEOUT, K_ENOMEM};
constexpr std::initializer_list<long> receive_errors{K_EINVAL, K_ENOPORT, K_ETIMEOUT, K_EABORT};

[[nodiscard]] Tag next_tag(unsigned thread) { return Tag::of(thread, ++world().counters[thread]); }

void check_body(unsigned thread, const Body& body, std::size_t size, Tag& tag) {
    if (!whole(body, size, tag))
        failed(fmt::format("thread {}: a body of {} bytes is not what was sent", thread, size));
    const unsigned sender = tag.sender();
    if (size >= sizeof tag.value && sender >= world().plan.threads.size())
        failed(fmt::format("thread {}: a message from nobody ({:#x})", thread, tag.value));
}

// Messages that one thread sends to one port arrive in that order, as one receiver sees them.
void check_order(unsigned thread, const KnMsgHead& head, Tag tag) {
    if (head.bodySize < static_cast<int>(sizeof tag.value) || world().moved[tag.sender()] ||
        world().moved[thread] || (head.flags[0] & K_MSG_CALL) != 0)
        return;
    u32& last = world().seen[{thread, tag.sender(), head.target.uiTail}];
    if (tag.counter() <= last)
        failed(fmt::format("thread {}: message {} of thread {} after {}", thread, tag.counter(), tag.sender(),
                           last));
    last = tag.counter();
}

// Whoever serves a call runs with its caller's priority, or a better one, as soon as the news that it has
// changed meanwhile has arrived.
[[nodiscard]] Task<void> check_priority(unsigned thread) {
    constexpr unsigned patience = 100;
    for (unsigned turn = 0;; ++turn) {
        const Thread& self = *chorale::this_cpu().current;
        if (self.serving == nullptr || self.serving->client == nullptr) co_return;
        const u16 caller = self.serving->priority;
        if (self.priority <= caller) co_return;
        if (turn == patience)
            failed(fmt::format("thread {}: priority inversion: {} serves {}", thread, self.priority, caller));
        co_await pause();
    }
}

// Brings what was received from registers or user memory into `body`; its size.
[[nodiscard]] Task<std::size_t> fetch(unsigned thread, const MessageResult& got, Body& body) {
    const std::size_t size = std::min<std::size_t>(static_cast<std::size_t>(got.bytes()), room);
    if (got.stored()) {
        body = co_await load<Body>(buffer_of(thread));
    } else {
        std::memcpy(body.data(), got.words.word, std::min<std::size_t>(size, 64));
    }
    co_return size;
}

[[nodiscard]] Task<void> describe(VirtAddr at, unsigned thread, std::size_t size) {
    KnMsgDesc descriptor{};
    descriptor.bodySize = static_cast<unsigned>(size);
    descriptor.bodyAddr = buffer_of(thread).raw();
    descriptor.flags = K_ABORTABLE;
    co_await store(at, descriptor);
}

// Looks at the message that the thread has just received and, when it is a call, replies.
[[nodiscard]] Task<void> handle(unsigned thread, const MessageResult& got) {
    Body body{};
    Tag tag{};
    Local<KnMsgHead> head_at;
    Local<KnMsgDesc> reply;
    const std::size_t size = co_await fetch(thread, got, body);
    check_body(thread, body, size, tag);
    const long known = co_await call(Call::ipcSysInfo, head_at.at());
    if (known != K_OK) {
        // The caller has gone, and with it, when memory ran out, what was known of the message.
        expect("ipcSysInfo", thread, known, {K_EINVAL});
        co_return;
    }
    const KnMsgHead head = co_await head_at.get();
    for (unsigned i = 0; i < tag.counter() % 4 * 8; ++i) co_await pause(); // something may happen meanwhile
    if (head.bodySize != got.bytes())
        failed(fmt::format("thread {}: received {} bytes, ipcSysInfo says {}", thread, got.bytes(),
                           head.bodySize));
    check_order(thread, head, tag);
    if ((head.flags[0] & K_MSG_CALL) == 0) co_return;
    fill(body, size, tag.reply());
    co_await store(buffer_of(thread), body);
    co_await describe(reply.at(), thread, size);
    expect("ipcReply", thread, co_await call(Call::ipcReply, reply.at()), {K_EINVAL, K_ENOMEM});
}

// The quick way: the reply goes out with the wait for the next message.
[[nodiscard]] Task<bool> serve_words(unsigned thread, int li, unsigned count, VirtAddr descriptor,
                                     MessageResult& got) {
    while (count-- > 0 && got.size >= 0 && !got.stored() && got.bytes() == 64) {
        Body body{};
        Tag tag{};
        Local<KnMsgHead> head_at;
        std::memcpy(body.data(), got.words.word, 64);
        check_body(thread, body, 64, tag);
        if (co_await call(Call::ipcSysInfo, head_at.at()) != K_OK) co_return false;
        const KnMsgHead head = co_await head_at.get();
        if ((head.flags[0] & K_MSG_CALL) == 0) co_return false;
        for (unsigned i = 0; i < tag.counter() % 4 * 8; ++i) co_await pause();
        fill(body, 64, tag.reply());
        Words reply;
        std::memcpy(reply.word, body.data(), 64);
        got = co_await message_reply_receive(li, reply, 64, MESSAGE_ABORTABLE, descriptor);
        if (got.size < 0) {
            expect("ipcReplyReceive", thread, got.size, receive_errors);
            co_return true;
        }
    }
    co_return got.size < 0;
}

} // namespace

Task<void> serve(unsigned thread, Op op) {
    const Slot slot = world().slots[op.a];
    if (slot.li < 0 || slot.actor != world().plan.threads[thread].actor) co_return;
    Local<KnMsgDesc> descriptor;
    for (unsigned left = op.b; left > 0; --left) {
        co_await describe(descriptor.at(), thread, room);
        MessageResult got = co_await message_receive(static_cast<int>(slot.li), op.c == 0 ? -1 : op.c,
                                                     MESSAGE_ABORTABLE, descriptor.at());
        if (got.size < 0) {
            expect("ipcReceive", thread, got.size, receive_errors);
            co_return;
        }
        // A port that is deleted meanwhile has no number any more.
        if (got.port_li != static_cast<u64>(slot.li) && static_cast<int>(got.port_li) != K_NONEPORT)
            failed(fmt::format("thread {}: a message for port {} on port {}", thread, got.port_li, slot.li));
        co_await check_priority(thread);
        if (op.b % 2 != 0 &&
            co_await serve_words(thread, static_cast<int>(slot.li), left, descriptor.at(), got))
            co_return;
        co_await handle(thread, got);
    }
}

Task<void> receive_any(unsigned thread, Op op) {
    Local<KnMsgDesc> descriptor;
    for (unsigned left = op.b; left > 0; --left) {
        co_await describe(descriptor.at(), thread, room);
        const MessageResult got =
            co_await message_receive(K_ANYENABLED, op.c, MESSAGE_ABORTABLE, descriptor.at());
        if (got.size < 0) {
            expect("ipcReceive any", thread, got.size, receive_errors);
            co_return;
        }
        co_await handle(thread, got);
    }
}

Task<void> call_words(unsigned thread, Op op) {
    for (unsigned left = op.b; left > 0; --left) {
        Body body{};
        const Tag tag = next_tag(thread);
        fill(body, 64, tag);
        Words words;
        std::memcpy(words.word, body.data(), 64);
        const u64 flags = left % 2 != 0 ? MESSAGE_ABORTABLE : 0;
        const MessageResult got = co_await message_call(world().slots[op.a].name, words, 64, flags);
        if (got.size < 0) {
            // Without a time limit none can pass, and what may not be aborted is not.
            if (got.size == K_ETIMEOUT || (got.size == K_EABORT && flags == 0))
                failed(fmt::format("thread {}: ipcCall returns {} out of nowhere", thread, got.size));
            expect("ipcCall", thread, got.size, call_errors);
            continue;
        }
        std::memcpy(body.data(), got.words.word, 64);
        Tag answer{};
        if (got.bytes() != 64 || !whole(body, 64, answer) || answer != tag.reply())
            failed(fmt::format("thread {}: the reply to {:#x} is {:#x}, {} bytes", thread, tag.value,
                               answer.value, got.bytes()));
    }
}

Task<void> call_large(unsigned thread, Op op) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    for (unsigned left = op.b; left > 0; --left) {
        Body body{};
        const Tag tag = next_tag(thread);
        fill(body, op.value, tag);
        co_await store(buffer_of(thread), body);
        co_await describe(request.at(), thread, op.value);
        co_await describe(reply.at(), thread, room);
        co_await destination.set({world().slots[op.a].name, {}});
        const long got = co_await call(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(),
                                       reply.at(), op.c == 0 ? -1 : op.c);
        if (got < 0) {
            expect("ipcCall", thread, got, call_errors);
            continue;
        }
        body = co_await load<Body>(buffer_of(thread));
        Tag answer{};
        const auto size = static_cast<std::size_t>(got);
        if (size != std::min<std::size_t>(op.value, room) || !whole(body, size, answer) ||
            (size >= 8 && answer != tag.reply()))
            failed(fmt::format("thread {}: the reply to {:#x} ({} bytes) is {:#x}, {} bytes", thread,
                               tag.value, op.value, answer.value, got));
    }
}

Task<void> send(unsigned thread, Op op) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    for (unsigned left = op.b; left > 0; --left) {
        Body body{};
        fill(body, op.value, next_tag(thread));
        co_await store(buffer_of(thread), body);
        co_await describe(message.at(), thread, op.value);
        co_await destination.set({world().slots[op.a].name, {}});
        expect("ipcSend", thread,
               co_await call(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at()),
               {K_EUNKNOWN, K_EFULL, K_ENOMEM});
    }
}

} // namespace chorale::sim
