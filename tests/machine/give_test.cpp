// Bodies that the sender gives up: the receiver gets the frames, the sender zeros; and everything that keeps
// pages where they are, so that they are copied.
#include "tests/machine/body_pair.hpp"

namespace chorale::test {

namespace {

using namespace host;
using namespace bodies;

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

// A body that is kept and given stays whole when there is not room for all of it: it can be put elsewhere.
[[nodiscard]] Task<void> kept_bodies(u64) {
    const PairPointer pair = co_await make_pair();
    co_await fill(pair->client, 8);
    EXPECT_EQ(co_await give_body(pair), K_OK);
    EXPECT_EQ(co_await release(pair->server, region_of(to + 2 * page_size, page_size, 0)), K_OK);
    const auto seen = std::make_shared<std::vector<long>>();
    const auto go = std::make_shared<bool>(false);
    co_await pair->stage->serve(pair->server,
                                [=](u64) -> Task<void> {
                                    Local<KnMsgDesc> none, room;
                                    co_await none.set({0, 0, 0, 0, 0});
                                    static_cast<void>(co_await attempt(message_receive(
                                        static_cast<int>(pair->li), -1, MESSAGE_KEEPS, none.at())));
                                    co_await room.set({0, size, to.raw(), 0, 0});
                                    seen->push_back(co_await attempt(Call::ipcGetData, room.at()));
                                    while (!*go) co_await rest(50 * microsecond);
                                    co_await room.set({0, size, other.raw(), 0, 0});
                                    seen->push_back(co_await attempt(Call::ipcGetData, room.at()));
                                },
                                {0, 90, 1});
    co_await rest(500 * microsecond);
    EXPECT_GT(co_await allocate(pair->server, region_of(other, whole + page_size, K_WRITABLE)), 0);
    pair->at = other;
    *go = true;
    co_await rest(500 * microsecond);
    EXPECT_EQ(*seen, (std::vector<long>{K_EFAULT, static_cast<long>(size)}));
    co_await expect_body(pair, 8);
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

TEST(Give, kept_bodies_stay_whole) { play_clean(kept_bodies, 0); }

TEST(Give, what_is_refused_comes_back) { play_clean(refused_bodies, 0); }

} // namespace chorale::test
