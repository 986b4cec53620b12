// Bodies that are held by their frames until somebody receives them: as they are by then, of a caller that
// waits without end; as they were, of all others.
#include "tests/machine/body_pair.hpp"

namespace chorale::test {

namespace {

using namespace host;
using namespace bodies;

const u64 for_ever = reinterpret_cast<u64>(K_NOTIMEOUT);

// The caller's frames, whether it waits for ever or not; nor do they go with it.
[[nodiscard]] Task<void> requests_that_wait(u64) {
    for (const int delay : {-1, 10'000}) {
        for (const bool freed : {false, true}) {
            const PairPointer pair = co_await make_pair();
            co_await fill(pair->client, 8);
            const long caller = co_await pair->stage->serve(
                pair->client, [=](u64) -> Task<void> { static_cast<void>(co_await ask(pair->port, delay)); },
                {.stack = 1});
            co_await rest(200 * microsecond);
            for (uword i = 0; i < pages; ++i)
                EXPECT_EQ(owners_at(pair->client, from + i * page_size), 2u) << i;
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

// ---- frozen: the sender goes on ---------------------------------------------------------------------------

[[nodiscard]] Task<long> send_body(PairPointer pair) {
    co_return co_await by_client(pair, [=] { return send(pair->port, from, size, 0); });
}

[[nodiscard]] Task<void> expect_owners(PairPointer pair, u32 owners) {
    for (uword i = 0; i < pages; ++i) EXPECT_EQ(owners_at(pair->client, from + i * page_size), owners) << i;
    co_return;
}

// What it writes then is in copies; what it has not written is its own again when the body has been received.
[[nodiscard]] Task<void> writes_are_not_sent(u64) {
    for (const CpuIndex cpu : {0u, 2u}) {
        const PairPointer pair = co_await make_pair();
        co_await fill(pair->client, 2);
        std::array<u64, pages> frames;
        for (uword i = 0; i < pages; ++i) frames[i] = frame_at(pair->client, from + i * page_size);
        EXPECT_EQ(co_await send_body(pair), K_OK);
        co_await expect_owners(pair, 2);
        co_await poke(pair->client, from, mark(8, 0));
        co_await poke(pair->client, from + 3 * page_size, mark(8, 3));
        for (uword i = 0; i < pages; ++i) {
            const bool stays = i != 0 && i != 3;
            EXPECT_EQ(frame_at(pair->client, from + i * page_size) == frames[i], stays) << i;
            EXPECT_EQ(owners_at(pair->client, from + i * page_size), stays ? 2u : 1u) << i;
        }
        co_await start_receiving(pair, cpu);
        co_await await_receipt(pair);
        co_await expect_body(pair, 2);
        co_await expect_owners(pair, 1);
        const u64 paid = space_of(pair->client).pages();
        co_await fill(pair->client, 9);
        for (uword i = 1; i < pages; ++i)
            if (i != 3) EXPECT_EQ(frame_at(pair->client, from + i * page_size), frames[i]) << i;
        EXPECT_EQ(space_of(pair->client).pages(), paid);
        co_await expect_body(pair, 2);
        co_await pair->stage->end();
    }
}

// The same memory for several messages, and no owner is forgotten when the port, or the sender, goes first.
[[nodiscard]] Task<void> one_body_for_many(u64) {
    for (const bool received : {true, false}) {
        const PairPointer pair = co_await make_pair();
        co_await fill(pair->client, 3);
        for (u32 sent = 1; sent <= 3; ++sent) {
            EXPECT_EQ(co_await send_body(pair), K_OK);
            co_await expect_owners(pair, 1 + sent);
        }
        co_await poke(pair->client, from, mark(8, 0));
        EXPECT_EQ(co_await send_body(pair), K_OK); // its first page is not common with the others'
        EXPECT_EQ(owners_at(pair->client, from), 2u);
        EXPECT_EQ(owners_at(pair->client, from + page_size), 5u);
        if (received) {
            co_await start_receiving(pair, 0, 3);
            co_await await_receipt(pair, 3);
            co_await expect_body(pair, 3);
            EXPECT_EQ(owners_at(pair->client, from + page_size), 2u);
        }
        co_await pair->stage->end();
    }
}

[[nodiscard]] Task<long> post(PairPointer pair, VirtAddr semaphore) {
    co_return co_await by_client(
        pair, [=]() -> Task<long> { co_return co_await attempt(Call::syncGive, semaphore, 1); });
}

// A page with an object for which somebody waits keeps its frame, so that the body is copied.
[[nodiscard]] Task<void> waited_for(u64) {
    const PairPointer pair = co_await make_pair();
    co_await fill(pair->client, 6);
    const VirtAddr semaphore = from + page_size + 512;
    const auto taken = std::make_shared<long>(1);
    co_await pair->stage->serve(
        pair->client,
        [=](u64) -> Task<void> { *taken = co_await attempt(Call::syncTake, semaphore, for_ever, 0); },
        {.stack = 2});
    co_await rest(200 * microsecond);
    EXPECT_EQ(co_await send_body(pair), K_OK);
    co_await expect_owners(pair, 1);
    EXPECT_EQ(co_await post(pair, semaphore), 1); // woke somebody
    co_await rest(200 * microsecond);
    EXPECT_EQ(*taken, K_OK);
    // Nobody does any more; and who begins now makes a copy of the page for himself.
    EXPECT_EQ(co_await send_body(pair), K_OK);
    co_await expect_owners(pair, 2);
    *taken = 1;
    co_await pair->stage->serve(
        pair->client,
        [=](u64) -> Task<void> { *taken = co_await attempt(Call::syncTake, semaphore, for_ever, 0); },
        {.stack = 2});
    co_await rest(200 * microsecond);
    EXPECT_EQ(owners_at(pair->client, from + page_size), 1u);
    EXPECT_EQ(owners_at(pair->client, from), 2u);
    EXPECT_EQ(co_await post(pair, semaphore), 1); // woke somebody
    co_await rest(200 * microsecond);
    EXPECT_EQ(*taken, K_OK);
    co_await start_receiving(pair, 0, 2);
    co_await await_receipt(pair, 2);
    co_await expect_body(pair, 6);
    co_await pair->stage->end();
}

// Bodies that begin within a page, or are too small, or lie in memory that is shared, are copied.
[[nodiscard]] Task<void> what_is_copied(u64) {
    const PairPointer pair = co_await make_pair();
    co_await fill(pair->client, 5);
    const auto sends = [&](VirtAddr body, uword bytes) {
        return by_client(pair, [=] { return send(pair->port, body, bytes, 0); });
    };
    EXPECT_EQ(co_await sends(from + 8, whole - page_size), K_OK);
    EXPECT_EQ(co_await sends(from, 3 * page_size), K_OK);
    co_await expect_owners(pair, 1);
    EXPECT_EQ(co_await transfer(Call::rgnMapFromActor, pair->client, region_of(other, 0, K_WRITABLE),
                                pair->client, region_of(from, whole + page_size, 0)),
              K_OK);
    EXPECT_EQ(co_await send_body(pair), K_OK);
    co_await expect_owners(pair, 2);
    co_await poke(pair->client, other, mark(8, 0));
    EXPECT_EQ(co_await peek(pair->client, from), mark(8, 0));
    // Memory that is there at once never needs any later.
    constexpr VirtAddr there{0x700'0000};
    EXPECT_GT(co_await allocate(pair->client, region_of(there, whole, K_WRITABLE | K_NODEMAND)), 0);
    EXPECT_EQ(co_await sends(there, whole), K_OK);
    for (uword i = 0; i < pages; ++i) EXPECT_EQ(owners_at(pair->client, there + i * page_size), 1u) << i;
    co_await pair->stage->end();
}

// What is locked while it is held has its own frames again, before anybody writes to it.
[[nodiscard]] Task<void> locked_while_held(u64) {
    const PairPointer pair = co_await make_pair();
    co_await fill(pair->client, 4);
    EXPECT_EQ(co_await send_body(pair), K_OK);
    co_await expect_owners(pair, 2);
    EXPECT_EQ(co_await on_range(Call::vmLock, pair->client, from, whole), K_OK);
    co_await expect_owners(pair, 1);
    std::array<u64, pages> frames;
    for (uword i = 0; i < pages; ++i) frames[i] = frame_at(pair->client, from + i * page_size);
    co_await fill(pair->client, 5);
    for (uword i = 0; i < pages; ++i) EXPECT_EQ(frame_at(pair->client, from + i * page_size), frames[i]) << i;
    EXPECT_EQ(co_await on_range(Call::vmUnLock, pair->client, from, whole), K_OK);
    co_await start_receiving(pair, 0);
    co_await await_receipt(pair);
    for (uword i = 0; i < pages; ++i)
        EXPECT_EQ(co_await peek(pair->server, pair->at + i * page_size), mark(4, i)) << i;
    co_await pair->stage->end();
}

// A copy that takes a page's place costs no quota.
[[nodiscard]] Task<void> no_quota_left(u64) {
    const PairPointer pair = co_await make_pair();
    co_await fill(pair->client, 3);
    EXPECT_EQ(co_await send_body(pair), K_OK);
    Space& space = space_of(pair->client);
    const u64 limit = space.page_limit();
    space.set_page_limit(space.pages());
    co_await fill(pair->client, 9);
    co_await expect_owners(pair, 1);
    space.set_page_limit(limit);
    co_await start_receiving(pair, 0);
    co_await await_receipt(pair);
    co_await expect_body(pair, 3);
    co_await pair->stage->end();
}

} // namespace

TEST(Hold, requests_that_wait_own_the_frames_too) { play_clean(requests_that_wait, 0); }

TEST(Hold, requests_with_a_gap_are_copied) { play_clean(requests_with_a_gap, 0); }

TEST(Hold, held_pages_are_nobody_elses) { play_clean(held_pages_are_nobody_elses, 0); }

TEST(Hold, what_is_written_afterwards_is_not_sent) { play_clean(writes_are_not_sent, 0); }

TEST(Hold, one_body_may_be_sent_many_times) { play_clean(one_body_for_many, 0); }

TEST(Hold, pages_that_somebody_waits_in_keep_their_frames) { play_clean(waited_for, 0); }

TEST(Hold, what_is_locked_is_the_lockers_own) { play_clean(locked_while_held, 0); }

TEST(Hold, copies_cost_no_quota) { play_clean(no_quota_left, 0); }

TEST(Hold, bodies_that_do_not_fit_are_copied) { play_clean(what_is_copied, 0); }

} // namespace chorale::test
