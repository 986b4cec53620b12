// Bodies that the sender gives up: the receiver gets the frames, the sender zeros; and everything that keeps
// pages where they are, so that they are copied.
#include "kernel/core/actor.hpp"
#include "kernel/mem/frame.hpp"
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/world.hpp"

namespace chorale::test {

namespace {

using namespace host;

constexpr VirtAddr from{0x300'0000}, to{0x400'0000}, other{0x600'0000};
constexpr uword pages = 5, tail = 104, whole = pages * page_size, size = whole + tail;

[[nodiscard]] u64 mark(u64 seed, uword page) { return seed << 32 | (page + 1); }

[[nodiscard]] Task<void> fill(KnCap actor, u64 seed) {
    for (uword i = 0; i <= pages; ++i) co_await poke(actor, from + i * page_size, mark(seed, i));
}

[[nodiscard]] Space& space_of(KnCap actor) { return find_actor(actor).value()->space; }

[[nodiscard]] u64 frame_at(KnCap actor, VirtAddr at) {
    const Result<PhysAddr> frame = space_of(actor).frame_of(at);
    return frame.ok() ? frame.value().raw() : 0;
}

// Server and client, with memory for the body that comes on demand.
struct Pair {
    StagePointer stage = std::make_shared<Stage>();
    KnCap server{}, client{};
    KnUniqueId port{};
    long li{};
    VirtAddr at{to};
    unsigned received{};
    long result{};
};
using PairPointer = std::shared_ptr<Pair>;

[[nodiscard]] Task<PairPointer> make_pair() {
    const auto pair = std::make_shared<Pair>();
    pair->server = co_await pair->stage->actor();
    pair->client = co_await pair->stage->actor();
    pair->li = co_await pair->stage->port(pair->server, pair->port);
    EXPECT_GT(co_await allocate(pair->client, region_of(from, whole + page_size, K_WRITABLE)), 0);
    EXPECT_GT(co_await allocate(pair->server, region_of(to, whole + 2 * page_size, K_WRITABLE)), 0);
    co_return pair;
}

[[nodiscard]] Task<void> receive(PairPointer pair, unsigned count) {
    Local<KnMsgDesc> in;
    while (count-- != 0) {
        co_await in.set({0, size, pair->at.raw(), 0, 0});
        const MessageResult got =
            co_await attempt(message_receive(static_cast<int>(pair->li), -1, 0, in.at()));
        pair->result = got.bytes();
        ++pair->received;
    }
}

[[nodiscard]] Task<long> give(KnUniqueId port, VirtAddr body, uword bytes) {
    Local<KnMsgDesc> message;
    Local<KnIpcDest> destination;
    co_await message.set({K_MSG_GIVE, static_cast<unsigned>(bytes), body.raw(), 0, 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcSendMessage, message.at(), K_DEFAULTPORT, destination.at());
}

// A call by a thread of the client, and its result.
[[nodiscard]] Task<long> by_client(PairPointer pair, std::function<Task<long>()> work) {
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

[[nodiscard]] Task<long> give_body(PairPointer pair) {
    co_return co_await by_client(pair, [=] { return give(pair->port, from, size); });
}

[[nodiscard]] Task<void> start_receiving(PairPointer pair, CpuIndex cpu, unsigned count = 1) {
    co_await pair->stage->serve(pair->server, [=](u64) { return receive(pair, count); }, {cpu, 90, 1});
}

[[nodiscard]] Task<void> await_receipt(PairPointer pair, unsigned count = 1) {
    for (unsigned waited = 0; waited < 200 && pair->received < count; ++waited)
        co_await rest(50 * microsecond);
    EXPECT_EQ(pair->received, count);
    EXPECT_EQ(pair->result, static_cast<long>(size));
}

[[nodiscard]] Task<void> expect_body(PairPointer pair, u64 seed) {
    for (uword i = 0; i <= pages; ++i)
        EXPECT_EQ(co_await peek(pair->server, pair->at + i * page_size), mark(seed, i)) << i;
}

// ---- what moves ------------------------------------------------------------------------------------------

// To one that waits here, or elsewhere, or comes later; whose pages are there already, or not.
[[nodiscard]] Task<void> frames_change_hands(u64) {
    for (const CpuIndex cpu : {0u, 2u}) {
        for (const bool waits : {true, false}) {
            for (const bool touched : {true, false}) {
                const PairPointer pair = co_await make_pair();
                for (uword i = 0; touched && i <= pages; ++i)
                    co_await poke(pair->server, to + i * page_size, 9);
                co_await fill(pair->client, 4);
                std::array<u64, pages> frames;
                for (uword i = 0; i < pages; ++i) frames[i] = frame_at(pair->client, from + i * page_size);
                const u64 paid = space_of(pair->client).pages();
                if (waits) co_await start_receiving(pair, cpu);
                EXPECT_EQ(co_await give_body(pair), K_OK);
                EXPECT_EQ(space_of(pair->client).pages(), paid - pages);
                if (!waits) co_await start_receiving(pair, cpu);
                co_await await_receipt(pair);
                for (uword i = 0; i < pages; ++i) {
                    EXPECT_EQ(frame_at(pair->server, to + i * page_size), frames[i]) << i;
                    EXPECT_EQ(frame_at(pair->client, from + i * page_size), 0u) << i;
                    EXPECT_EQ(co_await peek(pair->client, from + i * page_size), 0u) << i;
                }
                co_await expect_body(pair, 4);
                EXPECT_EQ(co_await peek(pair->server, to + (whole + tail + 8)),
                          0u); // nothing behind the body
                EXPECT_EQ(co_await peek(pair->client, from + whole), mark(4, pages));
                co_await pair->stage->end();
            }
        }
    }
}

// ---- what does not ---------------------------------------------------------------------------------------

enum class Keeps : u8 { there, untouched, copied, shared, locked };

[[nodiscard]] Task<void> keep(PairPointer pair, Keeps what, VirtAddr at) {
    const KnRgnDesc given = region_of(at, whole + page_size, 0), made = region_of(other, 0, K_WRITABLE);
    if (what == Keeps::copied)
        EXPECT_EQ(co_await transfer(Call::rgnInitFromActor, pair->client, made, pair->client, given), K_OK);
    if (what == Keeps::shared)
        EXPECT_EQ(co_await transfer(Call::rgnMapFromActor, pair->client, made, pair->client, given), K_OK);
    if (what == Keeps::locked) EXPECT_EQ(co_await on_range(Call::vmLock, pair->client, at, page_size), K_OK);
}

[[nodiscard]] Task<void> pages_that_stay(u64) {
    for (const Keeps what : {Keeps::untouched, Keeps::copied, Keeps::shared, Keeps::locked}) {
        const PairPointer pair = co_await make_pair();
        co_await fill(pair->client, 5);
        if (what == Keeps::untouched) {
            EXPECT_EQ(co_await release(pair->client, region_of(from + page_size, page_size, 0)), K_OK);
            EXPECT_GT(co_await allocate(pair->client, region_of(from + page_size, page_size, K_WRITABLE)), 0);
        }
        co_await keep(pair, what, from);
        co_await start_receiving(pair, 0);
        EXPECT_EQ(co_await give_body(pair), K_OK);
        co_await await_receipt(pair);
        for (uword i = 0; i <= pages; ++i) {
            const u64 expected = what == Keeps::untouched && i == 1 ? 0 : mark(5, i);
            EXPECT_EQ(co_await peek(pair->server, to + i * page_size), expected) << i;
            EXPECT_EQ(co_await peek(pair->client, from + i * page_size), expected) << i;
        }
        if (what == Keeps::locked)
            EXPECT_EQ(co_await on_range(Call::vmUnLock, pair->client, from, page_size), K_OK);
        co_await pair->stage->end();
    }
}

// The receiver's memory has no place for frames: they are copied there, and gone for the sender all the same.
[[nodiscard]] Task<void> places_that_do_not_fit(u64) {
    for (const Keeps what : {Keeps::there, Keeps::copied, Keeps::shared, Keeps::locked}) {
        for (const uword shift : {uword{0}, uword{8}}) {
            const PairPointer pair = co_await make_pair();
            pair->at = to + shift;
            co_await fill(pair->client, 6);
            for (uword i = 0; i <= pages + 1; ++i) co_await poke(pair->server, to + i * page_size, 9);
            const auto mirror = region_of(other, 0, K_WRITABLE), all = region_of(to, whole + page_size, 0);
            if (what == Keeps::copied)
                EXPECT_EQ(co_await transfer(Call::rgnInitFromActor, pair->server, mirror, pair->server, all),
                          K_OK);
            if (what == Keeps::shared)
                EXPECT_EQ(co_await transfer(Call::rgnMapFromActor, pair->server, mirror, pair->server, all),
                          K_OK);
            if (what == Keeps::locked)
                EXPECT_EQ(co_await on_range(Call::vmLock, pair->server, to, whole + page_size), K_OK);
            const u64 before = frame_at(pair->server, to);
            co_await start_receiving(pair, 0);
            EXPECT_EQ(co_await give_body(pair), K_OK);
            co_await await_receipt(pair);
            co_await expect_body(pair, 6);
            for (uword i = 0; i < pages; ++i)
                EXPECT_EQ(co_await peek(pair->client, from + i * page_size), 0u) << i;
            if (what == Keeps::copied) EXPECT_EQ(co_await peek(pair->server, other), 9u);
            if (what == Keeps::shared) {
                EXPECT_EQ(co_await peek(pair->server, other + shift), mark(6, 0));
                EXPECT_EQ(frame_at(pair->server, to), before);
            }
            if (what == Keeps::locked) {
                EXPECT_EQ(frame_at(pair->server, to), before);
                EXPECT_EQ(co_await on_range(Call::vmUnLock, pair->server, to, whole + page_size), K_OK);
            }
            co_await pair->stage->end();
        }
    }
}

// ---- held: a request that waits ---------------------------------------------------------------------------

[[nodiscard]] u32 owners_at(KnCap actor, VirtAddr at) { return frame_owners(PhysAddr{frame_at(actor, at)}); }

[[nodiscard]] Task<long> ask(KnUniqueId port, int delay) {
    Local<KnMsgDesc> request, reply;
    Local<KnIpcDest> destination;
    co_await request.set({0, size, from.raw(), 0, 0});
    co_await reply.set({0, 0, 0, 0, 0});
    co_await destination.set({port, {}});
    co_return co_await attempt(Call::ipcCallMessage, request.at(), K_DEFAULTPORT, destination.at(),
                               reply.at(), delay);
}

// The caller's frames, counted, and not for ever; nor do they go with it.
[[nodiscard]] Task<void> requests_that_wait(u64) {
    for (const int delay : {-1, 10'000}) {
        for (const bool freed : {false, true}) {
            const PairPointer pair = co_await make_pair();
            co_await fill(pair->client, 8);
            const long caller = co_await pair->stage->serve(
                pair->client, [=](u64) -> Task<void> { static_cast<void>(co_await ask(pair->port, delay)); },
                {.stack = 1});
            co_await rest(200 * microsecond);
            const bool held = delay < 0;
            for (uword i = 0; i < pages; ++i)
                EXPECT_EQ(owners_at(pair->client, from + i * page_size), held ? 2u : 1u) << i;
            EXPECT_EQ(owners_at(pair->client, from + whole), 1u);
            if (freed) {
                EXPECT_EQ(co_await on_thread(Call::threadDelete, pair->client, caller), K_OK);
                EXPECT_EQ(co_await release(pair->client, region_of(from, whole + page_size, 0)), K_OK);
            }
            co_await start_receiving(pair, freed ? 0 : 2);
            co_await await_receipt(pair);
            co_await expect_body(pair, 8);
            co_await pair->stage->end();
        }
    }
}

// All of them or none: one that is not there yet.
[[nodiscard]] Task<void> requests_with_a_gap(u64) {
    const PairPointer pair = co_await make_pair();
    co_await fill(pair->client, 3);
    const VirtAddr gap = from + 2 * page_size;
    EXPECT_EQ(co_await release(pair->client, region_of(gap, page_size, 0)), K_OK);
    EXPECT_GT(co_await allocate(pair->client, region_of(gap, page_size, K_WRITABLE)), 0);
    co_await pair->stage->serve(pair->client,
                                [=](u64) -> Task<void> { static_cast<void>(co_await ask(pair->port, -1)); },
                                {.stack = 1});
    co_await rest(200 * microsecond);
    EXPECT_EQ(owners_at(pair->client, from), 1u);
    co_await start_receiving(pair, 0);
    co_await await_receipt(pair);
    for (uword i = 0; i <= pages; ++i)
        EXPECT_EQ(co_await peek(pair->server, to + i * page_size), i == 2 ? 0 : mark(3, i)) << i;
    co_await pair->stage->end();
}

// A page that is held is copied by whoever would share it, and stays where it is.
[[nodiscard]] Task<void> held_pages_are_nobody_elses(u64) {
    const PairPointer pair = co_await make_pair();
    co_await fill(pair->client, 9);
    co_await pair->stage->serve(pair->client,
                                [=](u64) -> Task<void> { static_cast<void>(co_await ask(pair->port, -1)); },
                                {.stack = 1});
    co_await rest(200 * microsecond);
    const u64 before = frame_at(pair->client, from);
    EXPECT_EQ(co_await transfer(Call::rgnInitFromActor, pair->client, region_of(other, 0, K_WRITABLE),
                                pair->client, region_of(from, whole + page_size, 0)),
              K_OK);
    EXPECT_NE(frame_at(pair->client, other), before);
    co_await poke(pair->client, other, 1);
    co_await pair->stage->play(
        pair->client, [=](u64) -> Task<void> { EXPECT_EQ(co_await give(pair->port, from, size), K_OK); },
        {.stack = 2});
    co_await rest(200 * microsecond);
    EXPECT_EQ(frame_at(pair->client, from), before);
    co_await start_receiving(pair, 0, 2);
    co_await await_receipt(pair, 2);
    co_await expect_body(pair, 9);
    EXPECT_EQ(owners_at(pair->client, from), 1u);
    co_await pair->stage->end();
}

// ---- what is refused comes back --------------------------------------------------------------------------

[[nodiscard]] Task<void> refused_bodies(u64) {
    const PairPointer pair = co_await make_pair();
    co_await fill(pair->client, 7);
    co_await by_client(pair, [=]() -> Task<long> {
        for (unsigned i = 0; i < K_CPORTQUEUE; ++i) EXPECT_EQ(co_await give(pair->port, from, 8), K_OK);
        co_return K_OK;
    });
    EXPECT_EQ(co_await give_body(pair), K_EFULL);
    for (uword i = 0; i <= pages; ++i)
        EXPECT_EQ(co_await peek(pair->client, from + i * page_size), mark(7, i)) << i;
    KnUniqueId nobodys = pair->port;
    ++nobodys.uiTail;
    EXPECT_EQ(co_await by_client(pair, [=] { return give(nobodys, from, size); }), K_EUNKNOWN);
    for (uword i = 0; i <= pages; ++i)
        EXPECT_EQ(co_await peek(pair->client, from + i * page_size), mark(7, i)) << i;
    // What the sender cannot read is told before anything is given.
    EXPECT_EQ(co_await by_client(pair, [=] { return give(pair->port, from, whole + page_size + 8); }),
              K_EFAULT);
    EXPECT_EQ(co_await peek(pair->client, from), mark(7, 0));
    co_await pair->stage->end();
}

} // namespace

TEST(Give, frames_change_hands) { play_clean(frames_change_hands, 0); }

TEST(Give, pages_that_others_count_on_stay) { play_clean(pages_that_stay, 0); }

TEST(Give, places_that_do_not_fit_get_copies) { play_clean(places_that_do_not_fit, 0); }

TEST(Hold, requests_that_wait_own_the_frames_too) { play_clean(requests_that_wait, 0); }

TEST(Hold, requests_with_a_gap_are_copied) { play_clean(requests_with_a_gap, 0); }

TEST(Hold, held_pages_are_nobody_elses) { play_clean(held_pages_are_nobody_elses, 0); }

TEST(Give, what_is_refused_comes_back) { play_clean(refused_bodies, 0); }

} // namespace chorale::test
