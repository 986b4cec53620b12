// Messages: bodies of all sizes, exchanges in registers, priorities lent.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr unsigned patience = 40; // errors in a row that a server bears
constexpr u32 sizes[] = {0, 8, 64, 65, 4096, 4097, 65536, 65537};
constexpr VirtAddr annex_in = room + 2 * K_CMSGSIZEMAX, annex_out = annex_in + 1024;
constexpr VirtAddr body_in = room, body_out = room + K_CMSGSIZEMAX;

[[nodiscard]] constexpr u64 mark(u32 size) { return 0x1234'5678'0000'0000 + size; }

// The last word of a body, or of its registers.
[[nodiscard]] VirtAddr last_word(VirtAddr body, u32 size) { return body + (size - 8); }

// Sends each body back as it came, with an annex when there was one.
[[nodiscard]] Task<void> echo(long li) {
    Local<KnMsgDesc> in, out;
    Local<KnMsgHead> head;
    for (unsigned failures = 0; failures < patience; ++failures) {
        co_await in.set({0, K_CMSGSIZEMAX, body_in.raw(), annex_in.raw(), 0});
        const MessageResult got = co_await attempt(message_receive(static_cast<int>(li), -1, 0, in.at()));
        if (got.size == K_EINVAL) co_return; // the port has not been made
        if (got.size < 0) continue;
        const auto size = static_cast<unsigned>(got.bytes());
        for (unsigned i = 0; !got.stored() && i < 8; ++i) co_await store(body_in + i * 8, got.words.word[i]);
        if (co_await attempt(Call::ipcSysInfo, head.at()) == K_OK) {
            const KnMsgHead told = co_await head.get();
            if (told.bodySize != static_cast<int>(size)) complain("ipcSysInfo told another size");
        }
        const bool annexed = ((co_await head.get()).flags[0] & K_MSG_ANNEX) != 0;
        co_await out.set({0, size, body_in.raw(), annexed ? annex_in.raw() : 0, 0});
        if (co_await attempt(Call::ipcReply, out.at()) == K_OK) failures = 0;
    }
}

[[nodiscard]] Task<void> send_and_compare(KnUniqueId port, u32 size, bool annexed) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    co_await destination.set({port, {}});
    if (size >= 8) co_await store(last_word(body_out, size & ~7u), mark(size));
    co_await store(annex_out, mark(size + 1));
    co_await request.set({0, size, body_out.raw(), annexed ? annex_out.raw() : 0, 0});
    co_await reply.set({0, K_CMSGSIZEMAX, body_in.raw(), annex_in.raw(), 0});
    const long result =
        co_await attempt(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(), reply.at(), 5);
    if (size > K_CMSGSIZEMAX && result >= 0) complain("a body that is too long was sent");
    if (result < 0) co_return;
    if (result != static_cast<long>(size)) complain("a reply of another size");
    if (size >= 8 && co_await load<u64>(last_word(body_in, size & ~7u)) != mark(size))
        complain("a body came back with other contents");
    if (annexed && co_await load<u64>(annex_in) != mark(size + 1)) complain("an annex came back changed");
}

[[nodiscard]] Task<void> send_all(KnUniqueId port) {
    for (const u32 size : sizes) {
        co_await send_and_compare(port, size, false);
        co_await send_and_compare(port, size, true);
    }
}

// ---- registers -------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> add_one(long li) {
    MessageResult message = co_await attempt(message_receive(static_cast<int>(li)));
    for (unsigned failures = 0; failures < patience; ++failures) {
        if (message.size == K_EINVAL) co_return;
        if (message.size < 0) {
            message = co_await attempt(message_receive(static_cast<int>(li)));
            continue;
        }
        failures = 0;
        Words reply = message.words;
        for (u64& word : reply.word) ++word;
        message = co_await attempt(
            message_reply_receive(static_cast<int>(li), reply, static_cast<u64>(message.bytes())));
    }
}

[[nodiscard]] Task<void> ask_many(KnUniqueId port, u64 rounds) {
    for (u64 round = 0; round < rounds; ++round) {
        const u64 size = round % 9 * 8;
        const MessageResult reply =
            co_await attempt(message_call(port, Words{{round, 1, 2, 3, 4, 5, 6, 7}}, size));
        if (reply.size >= 0 && size >= 8 && reply.words.word[0] != round + 1) complain("a wrong reply");
        if (reply.size >= 0 && reply.bytes() != static_cast<long>(size)) complain("a reply of another size");
    }
    const MessageResult long_one = co_await attempt(message_call(port, {}, 72));
    if (long_one.size >= 0) complain("more words than there are");
}

// A long reply to a caller that has registers only, and one with a descriptor.
[[nodiscard]] Task<void> ask_for_more(KnUniqueId port) {
    Local<KnMsgDesc> reply;
    Local<KnMsgDesc> request;
    Local<KnIpcDest> destination;
    co_await destination.set({port, {}});
    const MessageResult cut = co_await attempt(message_call(port));
    if (cut.size > 64) complain("a body that was cut is longer than the registers");
    co_await reply.set({0, 16, room.raw(), 0, 0});
    const MessageResult stored = co_await attempt(message_call(port, {}, 64, 0, reply.at()));
    if (stored.size >= 0 && !stored.stored()) complain("a long reply in registers");
    co_await reply.set({0, 16, 0, 0, 0}); // no room at all
    static_cast<void>(co_await attempt(message_call(port, {}, 64, 0, reply.at())));
    co_await reply.set({0, 4096, 0x1000, 0, 0}); // no memory there
    static_cast<void>(co_await attempt(message_call(port, {}, 64, 0, reply.at())));
    co_await reply.set({0, 0, 0, 0x1000, 0});
    static_cast<void>(co_await attempt(message_call(port, {}, 64, 0, reply.at())));
}

[[nodiscard]] Task<void> reply_long(long li) {
    Local<KnMsgDesc> out;
    for (unsigned failures = 0; failures < patience; ++failures) {
        const MessageResult got = co_await attempt(message_receive(static_cast<int>(li)));
        if (got.size == K_EINVAL) co_return;
        if (got.size < 0) continue;
        co_await out.set({0, 5000, room.raw(), room.raw(), 0});
        if (co_await attempt(Call::ipcReply, out.at()) != K_OK) continue;
        failures = 0;
        if (co_await attempt(Call::ipcReply, out.at()) == K_OK) complain("replied twice");
    }
}

// Receives again without a reply: the caller is told.
[[nodiscard]] Task<void> drop(long li) {
    for (unsigned failures = 0; failures < patience; ++failures)
        static_cast<void>(co_await attempt(message_receive(static_cast<int>(li), 1)));
}

[[nodiscard]] Task<void> ask_a_dropper(KnUniqueId port) {
    for (int i = 0; i < 4; ++i) {
        const MessageResult reply = co_await attempt(message_call(port));
        if (reply.size >= 0) complain("nobody replied, and there is a reply");
    }
    for (u64 size = 0; size <= 72; size += 24) {
        const MessageResult sent = co_await attempt(message_send(port, {}, size));
        if (size > 64 && sent.size == K_OK) complain("more words than there are");
        if ((co_await attempt(message_send(port, {}, size, 200))).size != K_EINVAL)
            complain("sent from a port that there is not");
    }
}

// ---- priorities ------------------------------------------------------------------------------------------

// Calls on in the name of its client: the client's priority goes through.
[[nodiscard]] Task<void> pass_on(long li, KnUniqueId next) {
    MessageResult message = co_await attempt(message_receive(static_cast<int>(li)));
    for (unsigned failures = 0; failures < patience; ++failures) {
        if (message.size == K_EINVAL) co_return;
        const u64 size = message.size < 0 ? 0 : static_cast<u64>(message.bytes());
        const MessageResult reply = co_await attempt(message_call(next, message.words, size));
        if (reply.size < 0) { // whoever asked is told when the next message is received
            message = co_await attempt(message_receive(static_cast<int>(li)));
            continue;
        }
        failures = 0;
        message = co_await attempt(message_reply_receive(static_cast<int>(li), reply.words, size));
    }
}

[[nodiscard]] Task<void> scheduler(KnCap actor, long thread, u32 priority) {
    Named owner;
    Local<KnFifoThParms> old, wanted;
    co_await owner.set(actor);
    co_await wanted.set({K_SCHED_FIFO, priority});
    const long result = co_await attempt(Call::threadScheduler, owner.at(), thread, old.at(), wanted.at());
    if (priority > K_FIFO_PRIOMIN && result == K_OK) complain("a priority that there is not");
}

[[nodiscard]] Task<void> change_priorities(KnCap actor, std::vector<long> threads) {
    for (const u32 priority : {150u, 20u, 100u, 256u, 60u}) {
        for (const long thread : threads) {
            if (thread > 0) co_await scheduler(actor, thread, priority);
        }
        co_await rest(20 * microsecond);
        for (int i = 0; i < 3; ++i) co_await pause();
    }
}

} // namespace

Task<void> bodies_of_all_sizes(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap servers = co_await stage->actor(true), clients = co_await stage->actor(true);
    KnUniqueId near{}, far{};
    const long here = co_await stage->port(servers, near), there = co_await stage->port(servers, far);
    if (here > 0) co_await stage->serve(servers, [here](u64) { return echo(here); });
    co_await stage->play(clients, [near](u64) { return send_all(near); }, {.priority = 90, .stack = 1});
    co_await stage->end();

    const KnCap server = co_await stage->actor(true), client = co_await stage->actor(true);
    const long away = co_await stage->port(server, far);
    static_cast<void>(there);
    if (away > 0) co_await stage->serve(server, [away](u64) { return echo(away); }, {.cpu = 2});
    co_await stage->play(client, [far](u64) { return send_all(far); }, {.cpu = 1, .stack = 1});
    co_await stage->end();
}

Task<void> register_exchanges(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap servers = co_await stage->actor(true), clients = co_await stage->actor(true);
    KnUniqueId adder{}, longer{}, dropper{};
    const long adds = co_await stage->port(servers, adder);
    const long longs = co_await stage->port(servers, longer);
    const long drops = co_await stage->port(servers, dropper);
    if (adds > 0) {
        co_await stage->serve(servers, [adds](u64) { return add_one(adds); }, {.stack = 1});
        co_await stage->serve(servers, [adds](u64) { return add_one(adds); }, {.cpu = 3, .stack = 2});
    }
    if (longs > 0)
        co_await stage->serve(servers, [longs](u64) { return reply_long(longs); }, {.cpu = 1, .stack = 3});
    if (drops > 0) co_await stage->serve(servers, [drops](u64) { return drop(drops); }, {.stack = 4});
    for (const CpuIndex cpu : {0u, 2u}) {
        const unsigned stack = 5 * (cpu + 1);
        co_await stage->play(clients, [adder](u64) { return ask_many(adder, 12); }, {cpu, 101, stack});
        co_await stage->play(clients, [longer](u64) { return ask_for_more(longer); }, {cpu, 102, stack + 1});
        co_await stage->play(clients, [dropper](u64) { return ask_a_dropper(dropper); },
                             {cpu, 103, stack + 2});
    }
    co_await stage->end();
}

Task<void> priorities_lent(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    KnUniqueId first{}, second{};
    const long one = co_await stage->port(actor, first), two = co_await stage->port(actor, second);
    std::vector<long> threads;
    if (one > 0 && two > 0) {
        threads.push_back(co_await stage->serve(actor, [one, second](u64) { return pass_on(one, second); },
                                                {.priority = 140, .stack = 1}));
        threads.push_back(
            co_await stage->serve(actor, [two](u64) { return add_one(two); }, {.priority = 160, .stack = 2}));
        threads.push_back(co_await stage->serve(actor, [two](u64) { return add_one(two); },
                                                {.cpu = 1, .priority = 160, .stack = 3}));
    }
    for (const CpuIndex cpu : {0u, 1u}) {
        for (const unsigned priority : {90u, 120u}) {
            const unsigned stack = 4 + cpu * 2 + (priority == 90 ? 0 : 1);
            threads.push_back(co_await stage->play(actor, [first](u64) { return ask_many(first, 6); },
                                                   {cpu, priority, stack}));
        }
    }
    co_await stage->play(other, [actor, threads](u64) { return change_priorities(actor, threads); },
                         {.cpu = 2, .stack = 12});
    co_await stage->end();
}

} // namespace chorale::test
