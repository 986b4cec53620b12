// What happens between request and reply: every way to reply, and clients and servers that are gone by then.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

[[nodiscard]] constexpr int number(long li) { return static_cast<int>(li); }
constexpr unsigned patience = 40;

[[nodiscard]] Task<long> reply(u32 size, VirtAddr body, VirtAddr annex) {
    Local<KnMsgDesc> out;
    co_await out.set({0, size, body.raw(), annex.raw(), 0});
    co_return co_await attempt(Call::ipcReply, out.at());
}

// ---- one server that replies in every way, right and wrong ------------------------------------------------

struct Reply {
    u32 size;
    VirtAddr body, annex;
};
constexpr VirtAddr nowhere{0x1000};
constexpr Reply replies[] = {
    {8, room, {}},     {64, room, {}}, {64, nowhere, {}}, {0, {}, {}},
    {8, room, room},   {65, room, {}}, {65, nowhere, {}}, {K_CMSGSIZEMAX + 1, room, {}},
    {8, room, nowhere}};

[[nodiscard]] Task<void> reply_in_every_way(long li) {
    Local<KnMsgHead> head;
    if (co_await reply(8, room, {}) == K_OK) complain("replied to nobody");
    if ((co_await attempt(message_reply_receive(number(li)))).size >= 0) complain("replied to nobody");
    if (co_await attempt(Call::ipcSysInfo, head.at()) == K_OK) complain("told of no message");
    for (const Reply& each : replies) {
        const MessageResult got = co_await attempt(message_receive(number(li)));
        if (got.size == K_EINVAL) co_return;
        if (got.size < 0) continue;
        if (co_await attempt(Call::ipcSysInfo, head.at()) == K_OK &&
            ((co_await head.get()).flags[0] & K_MSG_CALL) == 0) {
            complain("a call that awaits no reply");
        }
        const long result = co_await reply(each.size, each.body, each.annex);
        const bool wrong = each.body == nowhere || each.annex == nowhere || each.size > K_CMSGSIZEMAX;
        if (wrong && result == K_OK) complain("a bad reply was sent");
        if (result != K_OK) static_cast<void>(co_await reply(16, room, {}));
    }
    // Too many words, the wrong number, and then as it should be.
    MessageResult got = co_await attempt(message_receive(number(li)));
    if (got.size >= 0) got = co_await attempt(message_reply_receive(number(li), {}, 72));
    if (got.size >= 0) complain("a reply longer than the registers");
    got = co_await attempt(message_reply_receive(999, {}, 8));
    if (got.size >= 0) complain("received on a port that there is not");
    for (unsigned failures = 0; failures < patience; ++failures)
        got =
            co_await attempt(got.size < 0 ? message_receive(number(li)) : message_reply_receive(number(li)));
}

[[nodiscard]] Task<void> call_often(KnUniqueId port, unsigned count) {
    for (unsigned i = 0; i < count; ++i) static_cast<void>(co_await attempt(message_call(port)));
}

// ---- messages that await no reply
// --------------------------------------------------------------------------

[[nodiscard]] Task<void> reply_to_sends(long li) {
    Local<KnMsgHead> head;
    for (int i = 0; i < 3; ++i) {
        const MessageResult got = co_await attempt(message_receive(number(li), 5));
        if (got.size < 0) continue;
        if (co_await reply(8, room, {}) == K_OK) complain("replied to a message that awaits none");
        if ((co_await attempt(message_reply_receive(number(li)))).size >= 0)
            complain("replied to a message that awaits none");
        if (co_await attempt(Call::ipcSysInfo, head.at()) == K_OK && (co_await head.get()).transId != 0)
            complain("a message that awaits no reply has a transaction");
    }
}

[[nodiscard]] Task<void> send_some(KnUniqueId port) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await destination.set({port, {}});
    for (const u32 size : {8u, 0u, 3000u}) {
        co_await message.set({0, size, room.raw(), 0, 0});
        static_cast<void>(
            co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at()));
    }
    if (co_await attempt(Call::ipcSendMessage, message.at(), 200, destination.at()) == K_OK)
        complain("sent from a port that there is not");
    co_await destination.set({{port.uiHead, port.uiTail + 1}, {}});
    if (co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at()) == K_OK)
        complain("sent to a name that was guessed");
    const KnUniqueId guessed{port.uiHead, port.uiTail + 1};
    if ((co_await attempt(message_call(guessed))).size != K_EUNKNOWN) complain("a guessed name is known");
}

// ---- clients that go while they are served
// -----------------------------------------------------------------

[[nodiscard]] Task<void> reply_late(long li, bool by_registers) {
    for (unsigned i = 0; i < patience; ++i) {
        MessageResult got = co_await attempt(message_receive(number(li)));
        if (got.size < 0) continue;
        Local<KnMsgHead> head;
        co_await rest(400 * microsecond);
        static_cast<void>(co_await attempt(Call::ipcSysInfo, head.at()));
        if (by_registers) {
            got = co_await attempt(message_reply_receive(number(li), {}, 8, MESSAGE_ABORTABLE));
        } else {
            static_cast<void>(co_await reply(i % 2 == 0 ? 8 : 100, room, {}));
        }
    }
}

[[nodiscard]] Task<void> call_abortable(KnUniqueId port) {
    for (int i = 0; i < 2; ++i)
        static_cast<void>(co_await attempt(message_call(port, {}, 8, MESSAGE_ABORTABLE)));
}

[[nodiscard]] Task<void> disturb(KnCap actor, std::vector<long> threads) {
    for (const Call call : {Call::threadAbort, Call::threadDelete}) {
        co_await rest(200 * microsecond);
        for (const long thread : threads) {
            if (thread > 0) static_cast<void>(co_await on_thread(call, actor, thread));
        }
    }
}

// ---- a server with two ports
// -------------------------------------------------------------------------------

[[nodiscard]] Task<void> take_turns(long first, long second) {
    MessageResult got = co_await attempt(message_receive(number(first), 10));
    for (int i = 0; i < 8; ++i) {
        if (got.size == K_EINVAL || got.size == K_ETIMEOUT) co_return;
        got = co_await attempt(message_reply_receive(number(i % 2 == 0 ? second : first), {}, 8));
    }
}

} // namespace

Task<void> replies_of_all_kinds(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap servers = co_await stage->actor(true), clients = co_await stage->actor(true);
    for (const CpuIndex cpu : {0u, 1u}) {
        KnUniqueId port{}, sends{};
        const long li = co_await stage->port(servers, port), sent = co_await stage->port(servers, sends);
        co_await stage->serve(servers, [li](u64) { return reply_in_every_way(li); }, {cpu, 100, 4 * cpu + 1});
        co_await stage->play(servers, [sent](u64) { return reply_to_sends(sent); }, {cpu, 100, 4 * cpu + 2});
        co_await rest(100 * microsecond);
        // On the server's CPU, and on another one.
        const Program calls = [port](u64) { return call_often(port, std::size(replies) + 1); };
        co_await stage->play(clients, calls, {0, 110, 4 * cpu + 1});
        co_await stage->play(clients, [sends](u64) { return send_some(sends); }, {2, 110, 4 * cpu + 2});
    }
    co_await stage->end();
}

Task<void> clients_that_go(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap servers = co_await stage->actor(true), clients = co_await stage->actor(true);
    std::vector<long> threads;
    unsigned stack = 0;
    for (const bool by_registers : {false, true}) {
        for (const CpuIndex cpu : {0u, 2u}) {
            KnUniqueId port{};
            const long li = co_await stage->port(servers, port);
            const Program server = [li, by_registers](u64) { return reply_late(li, by_registers); };
            co_await stage->serve(servers, server, {0, 100, ++stack});
            co_await rest(50 * microsecond);
            const Program client = [port](u64) { return call_abortable(port); };
            threads.push_back(co_await stage->serve(clients, client, {cpu, 105, stack}));
            threads.push_back(co_await stage->serve(clients, client, {cpu, 106, stack + 10}));
        }
    }
    const KnCap other = co_await stage->actor();
    co_await rest(300 * microsecond);
    co_await stage->play(other, [clients, threads](u64) { return disturb(clients, threads); },
                         {.cpu = 1, .stack = 1});
    co_await stage->end();
}

Task<void> servers_of_two_ports(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    KnUniqueId first{}, second{};
    const long one = co_await stage->port(actor, first), two = co_await stage->port(actor, second);
    co_await stage->serve(actor, [one, two](u64) { return take_turns(one, two); },
                          {.priority = 120, .stack = 1});
    co_await rest(50 * microsecond);
    co_await stage->serve(actor, [first](u64) { return call_often(first, 4); },
                          {.priority = 110, .stack = 2});
    // Better than the first client: the server serves it, and must then give way to who is better still.
    co_await stage->serve(actor, [second](u64) { return call_often(second, 4); },
                          {.priority = 90, .stack = 3});
    co_await stage->serve(actor, [second](u64) { return call_often(second, 4); },
                          {.cpu = 3, .priority = 80, .stack = 4});
    co_await rest(millisecond); // the last one waits in vain
    co_await stage->end();
}

} // namespace chorale::test
