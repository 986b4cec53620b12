// Large bodies that go from page to page, and that are given up, while others change the memory on both
// sides.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr unsigned patience = 20;       // errors in a row that a server bears
constexpr VirtAddr body_at{0x300'0000}; // pages that come on demand
constexpr VirtAddr check_at = room;     // there from the beginning
constexpr uword pages = 4, size = pages * page_size;

[[nodiscard]] Task<long> copy_here(VirtAddr from, VirtAddr to) {
    co_return co_await attempt(Call::vmCopy, 0, from, 0, to, size, 0);
}

// Through memory that the program can touch without being told.
[[nodiscard]] Task<bool> fill(VirtAddr at, u64 seed) {
    for (uword i = 0; i < pages; ++i) co_await store(check_at + i * page_size, seed + i);
    co_return co_await copy_here(check_at, at) == K_OK;
}

[[nodiscard]] Task<void> check(VirtAddr at, u64 seed, const char* what) {
    if (co_await copy_here(at, check_at) != K_OK) co_return;
    for (uword i = 0; i < pages; ++i)
        if (co_await load<u64>(check_at + i * page_size) != seed + i) complain(what);
}

[[nodiscard]] Task<void> give_back_what_came(long li, VirtAddr at) {
    Local<KnMsgDesc> descriptor;
    for (unsigned failures = 0; failures < patience; ++failures) {
        co_await descriptor.set({0, size, at.raw(), 0, 0});
        const MessageResult got =
            co_await attempt(message_receive(static_cast<int>(li), -1, 0, descriptor.at()));
        if (got.size == K_EINVAL) co_return; // the port has not been made
        if (got.size < 0) continue;
        co_await descriptor.set({K_MSG_GIVE, size, at.raw(), 0, 0});
        if (co_await attempt(Call::ipcReply, descriptor.at()) == K_OK) failures = 0;
    }
}

[[nodiscard]] Task<void> give_and_compare(KnUniqueId port, VirtAddr at) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    co_await destination.set({port, {}});
    for (u64 round = 1; round <= 4; ++round) {
        if (!co_await fill(at, round * 100)) continue;
        // The last one comes back to where it is no page's beginning.
        const VirtAddr back = round == 4 ? at + 64 : at;
        co_await request.set({round == 1 ? 0u : unsigned{K_MSG_GIVE}, size, at.raw(), 0, 0});
        co_await reply.set({0, size, back.raw(), 0, 0});
        const long result = co_await attempt(Call::ipcCallMessage, request.at(), K_DEFAULTPORT,
                                             destination.at(), reply.at(), 5);
        if (result == static_cast<long>(size)) co_await check(back, round * 100, "a body came back changed");
        const long sent =
            co_await attempt(Call::ipcSendMessage, request.at(), K_DEFAULTPORT, destination.at());
        if (sent == K_EUNKNOWN) co_return;
    }
}

[[nodiscard]] Task<void> disturb(KnCap actor, VirtAddr at) {
    for (int round = 0; round < 3; ++round) {
        static_cast<void>(co_await transfer(Call::rgnInitFromActor, actor,
                                            region_of(at + 0x10'0000, 0, K_WRITABLE), actor,
                                            region_of(at, size, 0)));
        static_cast<void>(co_await on_range(Call::vmLock, actor, at, page_size));
        static_cast<void>(co_await on_range(Call::vmUnLock, actor, at, page_size));
        static_cast<void>(co_await release(actor, region_of(at + (round == 2 ? 0 : 0x10'0000), size, 0)));
    }
    static_cast<void>(co_await release(actor, region_of(at, 0x20'0000, 0)));
}

} // namespace

// The server on that CPU, the client on the first; somebody changes the memory of one of them.
[[nodiscard]] static Task<void> give_with(CpuIndex cpu, bool servers) {
    const auto stage = std::make_shared<Stage>();
    const KnCap server = co_await stage->actor(), client = co_await stage->actor(true);
    KnUniqueId port{};
    const long li = co_await stage->port(server, port);
    if (li > 0 && there(client)) {
        for (const KnCap& actor : {server, client})
            static_cast<void>(co_await allocate(actor, region_of(body_at, size + page_size, K_WRITABLE)));
        co_await stage->serve(server, [li](u64) { return give_back_what_came(li, body_at); }, {cpu, 90, 1});
        co_await stage->play(client, [port](u64) { return give_and_compare(port, body_at); }, {.stack = 1});
        const KnCap victim = servers ? server : client;
        co_await stage->play(client, [victim](u64) { return disturb(victim, body_at); },
                             {.cpu = 2, .stack = 2});
    }
    co_await stage->end();
}

Task<void> bodies_given(u64) {
    co_await give_with(0, true);
    co_await give_with(1, false);
}

} // namespace chorale::test
