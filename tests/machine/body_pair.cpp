#include "tests/machine/body_pair.hpp"

namespace chorale::test::bodies {

using namespace host;

Task<void> fill(KnCap actor, u64 seed) {
    for (uword i = 0; i <= pages; ++i) co_await poke(actor, from + i * page_size, mark(seed, i));
}

Space& space_of(KnCap actor) { return find_actor(actor).value()->space; }

u64 frame_at(KnCap actor, VirtAddr at) {
    const Result<PhysAddr> frame = space_of(actor).frame_of(at);
    return frame.ok() ? frame.value().raw() : 0;
}

u32 owners_at(KnCap actor, VirtAddr at) { return frame_owners(PhysAddr{frame_at(actor, at)}); }

Task<PairPointer> make_pair() {
    const auto pair = std::make_shared<Pair>();
    pair->server = co_await pair->stage->actor();
    pair->client = co_await pair->stage->actor();
    pair->li = co_await pair->stage->port(pair->server, pair->port);
    EXPECT_GT(co_await allocate(pair->client, region_of(from, whole + page_size, K_WRITABLE)), 0);
    EXPECT_GT(co_await allocate(pair->server, region_of(to, whole + 2 * page_size, K_WRITABLE)), 0);
    co_return pair;
}

namespace {

Task<void> receive(PairPointer pair, unsigned count) {
    Local<KnMsgDesc> in;
    while (count-- != 0) {
        co_await in.set({0, size, pair->at.raw(), 0, 0});
        const MessageResult got =
            co_await attempt(message_receive(static_cast<int>(pair->li), -1, 0, in.at()));
        pair->result = got.bytes();
        ++pair->received;
    }
}

} // namespace

Task<long> send(KnUniqueId port, VirtAddr body, uword bytes, unsigned flags) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({flags, static_cast<unsigned>(bytes), body.raw(), 0, 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
}

Task<long> give(KnUniqueId port, VirtAddr body, uword bytes) {
    co_return co_await send(port, body, bytes, K_MSG_GIVE);
}

Task<long> ask(KnUniqueId port, int delay) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    co_await request.set({0, size, from.raw(), 0, 0});
    co_await reply.set({0, 0, 0, 0, 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(),
                               reply.at(), delay);
}

Task<long> by_client(PairPointer pair, std::function<Task<long>()> work) {
    struct Done {
        bool yet{};
        long result{};
    };
    const auto done = std::make_shared<Done>();
    co_await pair->stage->play(pair->client,
                               [=](u64) -> Task<void> {
                                   done->result = co_await work();
                                   done->yet = true;
                               },
                               {.stack = 1});
    for (unsigned waited = 0; waited < 200 && !done->yet; ++waited) co_await rest(50 * microsecond);
    EXPECT_TRUE(done->yet);
    co_return done->result;
}

Task<long> give_body(PairPointer pair) {
    co_return co_await by_client(pair, [=] { return give(pair->port, from, size); });
}

Task<void> start_receiving(PairPointer pair, CpuIndex cpu, unsigned count) {
    co_await pair->stage->serve(pair->server, [=](u64) { return receive(pair, count); }, {cpu, 90, 1});
}

Task<void> await_receipt(PairPointer pair, unsigned count) {
    for (unsigned waited = 0; waited < 200 && pair->received < count; ++waited)
        co_await rest(50 * microsecond);
    EXPECT_EQ(pair->received, count);
    EXPECT_EQ(pair->result, static_cast<long>(size));
}

Task<void> expect_body(PairPointer pair, u64 seed) {
    for (uword i = 0; i <= pages; ++i)
        EXPECT_EQ(co_await peek(pair->server, pair->at + i * page_size), mark(seed, i)) << i;
}

} // namespace chorale::test::bodies
