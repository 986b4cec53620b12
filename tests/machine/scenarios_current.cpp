// The current message: a body that stays with the nucleus, messages put aside, aborts that reach the server.
#include "tests/machine/expect.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr unsigned patience = 30;
constexpr u32 sizes[] = {0, 8, 64, 65, 4096, 65536};
constexpr VirtAddr body_in = room, body_out = room + K_CMSGSIZEMAX;

[[nodiscard]] constexpr int number(long li) { return static_cast<int>(li); }
[[nodiscard]] constexpr u64 mark(u32 size) { return 0x9876'0000 + size; }

[[nodiscard]] Task<long> call(KnUniqueId port, u32 size, u32 flags = 0, int delay = 3) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    co_await destination.set({port, {}});
    if (size >= 8) co_await store(body_out + ((size - 8) & ~7u), mark(size));
    co_await request.set({0, size, body_out.raw(), 0, 0});
    co_await reply.set({flags, 64, body_in.raw(), 0, 0});
    co_return co_await attempt(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(),
                               reply.at(), delay);
}

[[nodiscard]] Task<MessageResult> receive_bodiless(long li, int delay = 2) {
    Local<KnMsgDesc> in;
    co_await in.set({0, 0, 0, 0, 0});
    co_return co_await attempt(message_receive(number(li), delay, MESSAGE_KEEPS, in.at()));
}

[[nodiscard]] Task<long> get_data(VirtAddr body, u32 size) {
    Local<KnMsgDesc> out;
    co_await out.set({0, size, body.raw(), 0, 0});
    co_return co_await attempt(Call::ipcGetData, out.at());
}

[[nodiscard]] Task<long> reply(u32 size = 8) {
    Local<KnMsgDesc> out;
    co_await out.set({0, size, body_in.raw(), 0, 0});
    co_return co_await attempt(Call::ipcReply, out.at());
}

// ---- bodies that are kept --------------------------------------------------------------------------------

[[nodiscard]] Task<void> get_bodies_later(long li) {
    if (co_await get_data(body_in, 8) >= 0) complain("a body of no message");
    for (unsigned failures = 0; failures < patience; ++failures) {
        const MessageResult got = co_await receive_bodiless(li);
        if (got.size == K_EINVAL) co_return;
        if (got.size < 0) continue;
        if (!got.stored()) complain("a kept body in registers");
        const auto size = static_cast<u32>(got.bytes());
        if (size != 0 && co_await get_data(VirtAddr{0x1000}, size) >= 0) complain("a body to nowhere");
        const long first = co_await get_data(body_in, K_CMSGSIZEMAX);
        if (first >= 0 && first != got.bytes()) complain("a kept body has another size");
        if (first >= 8 && co_await load<u64>(body_in + ((size - 8) & ~7u)) != mark(size))
            complain("a kept body has other contents");
        if (first >= 0 && co_await get_data(body_in, 8) >= 0) complain("a body twice");
        if (co_await reply() == K_OK) failures = 0;
    }
}

[[nodiscard]] Task<void> call_with_all(KnUniqueId port) {
    for (const u32 size : sizes) static_cast<void>(co_await call(port, size));
    static_cast<void>(co_await attempt(message_call(port, Words{{0, 0, mark(24)}}, 24)));
}

// ---- saving and restoring --------------------------------------------------------------------------------

struct Shelf {
    std::vector<long> ids;
    unsigned restored{};
};
using ShelfPointer = std::shared_ptr<Shelf>;

[[nodiscard]] Task<void> save_all(long li, ShelfPointer shelf, bool bodiless) {
    if (co_await attempt(Call::ipcSave, K_NONEPORT) >= 0) complain("saved no message");
    if (co_await attempt(Call::ipcSave, K_DEFAULTPORT) != K_EINVAL) complain("saved for a port");
    for (unsigned failures = 0; failures < patience; ++failures) {
        const MessageResult got =
            bodiless ? co_await receive_bodiless(li) : co_await attempt(message_receive(number(li), 1));
        if (got.size == K_EINVAL) co_return;
        if (got.size < 0) continue;
        const long id = co_await attempt(Call::ipcSave, K_NONEPORT);
        if (id > 0) {
            shelf->ids.push_back(id);
            failures = 0;
            if (co_await reply() == K_OK) complain("replied to what is saved");
        }
    }
}

[[nodiscard]] Task<void> restore_all(ShelfPointer shelf) {
    for (unsigned looks = 0; looks < patience; ++looks) {
        co_await rest(100 * microsecond);
        if (shelf->ids.empty()) continue;
        const long id = shelf->ids.back();
        shelf->ids.pop_back();
        if (co_await attempt(Call::ipcRestore, id) != K_OK) {
            complain("what was saved is gone");
            continue;
        }
        ++shelf->restored;
        static_cast<void>(co_await get_data(body_in, 64));
        if (looks % 5 == 4) continue; // the next one takes its place
        static_cast<void>(co_await reply());
    }
    for (const long wrong : {0L, -5L, long{K_CMSGSAVEDMAX} + 1})
        if (co_await attempt(Call::ipcRestore, wrong) != K_EINVAL) complain("restored what there is not");
}

[[nodiscard]] Task<void> call_impatiently(KnUniqueId port) {
    for (int round = 0; round < 4; ++round) {
        static_cast<void>(co_await call(port, 8, 0, 1));
        static_cast<void>(co_await call(port, 5000, K_ABORTABLE, 2));
        static_cast<void>(co_await attempt(message_call(port, {}, 8, MESSAGE_ABORTABLE)));
    }
}

[[nodiscard]] Task<void> disturb(KnCap actor, std::vector<long> threads, unsigned rounds) {
    for (unsigned round = 0; round < rounds; ++round) {
        co_await rest(150 * microsecond);
        for (const long thread : threads)
            if (thread > 0) static_cast<void>(co_await on_thread(Call::threadAbort, actor, thread));
    }
}

[[nodiscard]] Task<void> fill_the_shelf(long li, KnUniqueId port) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await destination.set({port, {}});
    co_await message.set({0, 8, body_out.raw(), 0, 0});
    unsigned saved = 0;
    for (unsigned i = 0; i <= K_CMSGSAVEDMAX; ++i) {
        static_cast<void>(
            co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at()));
        if ((co_await attempt(message_receive(number(li), 1))).size < 0) continue;
        const long id = co_await attempt(Call::ipcSave, K_NONEPORT);
        saved += id > 0 ? 1 : 0;
    }
    if (saved > K_CMSGSAVEDMAX) complain("more is saved than may be");
}

// ---- aborts ----------------------------------------------------------------------------------------------

// A chain of servers; the last one sleeps.
[[nodiscard]] Task<void> serve_in_chain(long li, KnUniqueId next, bool last) {
    for (unsigned failures = 0; failures < patience; ++failures) {
        const MessageResult got = co_await attempt(message_receive(number(li), 1));
        if (got.size == K_EINVAL) co_return;
        if (got.size < 0) continue;
        failures = 0;
        Local<KnTimeVal> time;
        co_await time.set({0, 400 * microsecond});
        if (last) {
            static_cast<void>(co_await attempt(Call::threadDelay, time.at()));
        } else {
            static_cast<void>(co_await attempt(message_call(next, {}, 8, MESSAGE_ABORTABLE)));
        }
        static_cast<void>(co_await reply());
    }
}

[[nodiscard]] Task<void> call_abortably(KnUniqueId port) {
    for (int i = 0; i < 6; ++i) {
        static_cast<void>(co_await attempt(message_call(port, {}, 8, MESSAGE_ABORTABLE)));
        static_cast<void>(co_await call(port, 100, K_ABORTABLE));
    }
}

} // namespace

Task<void> bodies_kept(u64) {
    const auto stage = std::make_shared<Stage>();
    for (const CpuIndex cpu : {0u, 1u}) { // each with memory of its own
        const KnCap servers = co_await stage->actor(true), clients = co_await stage->actor(true);
        KnUniqueId port{};
        const long li = co_await Stage::port(servers, port);
        co_await stage->serve(servers, [li](u64) { return get_bodies_later(li); }, {cpu, 100, cpu + 1});
        co_await stage->play(clients, [port](u64) { return call_with_all(port); }, {.stack = cpu + 1});
    }
    co_await stage->end();
}

Task<void> messages_saved(u64) {
    const auto stage = std::make_shared<Stage>();
    const auto shelf = std::make_shared<Shelf>();
    const KnCap servers = co_await stage->actor(true), clients = co_await stage->actor(true),
                hoarder = co_await stage->actor(true);
    std::vector<long> threads;
    for (const CpuIndex cpu : {0u, 2u}) {
        KnUniqueId port{};
        const long li = co_await Stage::port(servers, port);
        co_await stage->play(servers, [=](u64) { return save_all(li, shelf, cpu == 2); },
                             {cpu, 100, 2 * cpu + 1});
        co_await stage->play(servers, [=](u64) { return restore_all(shelf); }, {cpu + 1, 100, 2 * cpu + 2});
        threads.push_back(co_await stage->play(clients, [port](u64) { return call_impatiently(port); },
                                               {cpu, 100, cpu + 1}));
    }
    co_await stage->play(clients, [=](u64) { return disturb(clients, threads, 12); }, {.cpu = 1, .stack = 5});
    KnUniqueId full{};
    const long li = co_await Stage::port(hoarder, full);
    co_await stage->play(hoarder, [=](u64) { return fill_the_shelf(li, full); }, {.cpu = 3, .stack = 1});
    co_await stage->end();
}

Task<void> aborts_passed_on(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap servers = co_await stage->actor(true), clients = co_await stage->actor(true);
    KnUniqueId names[3]{};
    long ports[3];
    for (unsigned i = 0; i < 3; ++i) ports[i] = co_await Stage::port(servers, names[i]);
    for (u32 i = 0; i < 3; ++i) {
        co_await stage->serve(
            servers,
            [li = ports[i], next = names[(i + 1) % 3], i](u64) { return serve_in_chain(li, next, i == 2); },
            {i / 2, 100, i + 1});
    }
    std::vector<long> threads;
    for (const CpuIndex cpu : {0u, 3u})
        threads.push_back(co_await stage->play(
            clients, [name = names[0]](u64) { return call_abortably(name); }, {cpu, 100, cpu + 1}));
    co_await stage->play(clients, [=](u64) { return disturb(clients, threads, 16); }, {.cpu = 2, .stack = 5});
    co_await stage->end();
}

} // namespace chorale::test
