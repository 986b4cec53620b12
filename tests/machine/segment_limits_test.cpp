// Segments where something runs out: memory of those who map them, owners that a frame can have, places in
// the tables; and objects that lie in them.
#include "kernel/core/actor.hpp"
#include "kernel/mapper/paging.hpp"
#include "kernel/mem/frame.hpp"
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/test_mapper.hpp"
#include "tests/machine/world.hpp"

#include <algorithm>

namespace chorale::test {

namespace {

using namespace host;

constexpr VirtAddr place{0x300'0000};
constexpr uword size = 4 * page_size;

// Both actors map it.
[[nodiscard]] Task<SegmentSetting> mapped_setting() {
    const SegmentSetting made = co_await segment_setting();
    for (const KnCap& each : {made.actor, made.other})
        EXPECT_GT(
            co_await show(Call::rgnMap, each, region_of(place, size, K_WRITABLE), made.mapper->part(0, size)),
            0);
    co_return made;
}

// Who maps a page pays for it, though somebody else does too.
[[nodiscard]] Task<void> pages_that_cannot_be_paid(u64) {
    const SegmentSetting here = co_await mapped_setting();
    Space& space = find_actor(here.other).value()->space;
    co_await poke(here.actor, place, 5);
    const u64 before = space.pages();
    for (u64 more = 0; more < 2; ++more) { // neither for a table nor for the page; for one of them
        space.set_page_limit(before + more);
        EXPECT_EQ(co_await on_range(Call::vmLock, here.other, place, page_size), K_ENOMEM);
        EXPECT_EQ((co_await describe(here.other, place)).lockCount, 0u);
        EXPECT_EQ(space.pages(), before);
    }
    space.set_page_limit(1'000'000);
    EXPECT_EQ(co_await peek(here.other, place), 5u);
    co_await here.stage->end();
}

// As many owners as a frame can have: nobody else gets the page, and it cannot be pushed out.
[[nodiscard]] Task<void> frames_with_all_owners(u64) {
    const SegmentSetting here = co_await mapped_setting();
    co_await poke(here.actor, place, 5);
    const PhysAddr frame = find_actor(here.actor).value()->space.frame_of(place).value();
    unsigned shares = 0;
    while (share_frame(frame)) ++shares;
    const KnObjDesc page = here.mapper->part(0, page_size);
    EXPECT_EQ(co_await on_range(Call::vmLock, here.other, place, page_size), K_ENOMEM);
    Named reader;
    co_await reader.set(here.other);
    EXPECT_EQ(co_await with_part(Call::sgRead, page, reader.at(), room.raw()), K_ENOMEM);
    EXPECT_EQ(co_await with_part(Call::sgFlush, page, 0), K_ENOMEM);
    EXPECT_EQ(co_await release(here.other, region_of(place, size, 0)), K_OK);
    EXPECT_GT(co_await show(Call::rgnInit, here.other, region_of(place, size, K_WRITABLE),
                            here.mapper->part(0, size)),
              0);
    EXPECT_EQ(co_await on_range(Call::vmLock, here.other, place, page_size), K_ENOMEM);
    EXPECT_EQ(here.mapper->pushes, 0u);
    for (; shares != 0; --shares) release_frame(frame);
    EXPECT_EQ(co_await peek(here.other, place), 5u);
    EXPECT_EQ(co_await with_part(Call::sgFlush, page, 0), K_OK);
    EXPECT_EQ(here.mapper->word(0), 5u);
    co_await here.stage->end();
}

// More segments than there are lists of names, and of one mapper: each is what it is.
[[nodiscard]] Task<long> open_many(KnCap segment) {
    Local<KnCap> name, cache;
    Local<int> id;
    std::vector<KnKey> caches;
    for (int i = 1; i <= 16; ++i) {
        co_await name.set({segment.ui, segment.key + 64 * static_cast<KnKey>(i % 8)});
        EXPECT_EQ(co_await attempt(Call::lcOpen, name.at(), 0, id.at()), K_OK);
        EXPECT_EQ(co_await id.get(), i);
        EXPECT_EQ(co_await attempt(Call::lcCap, i, cache.at()), K_OK);
        caches.push_back((co_await cache.get()).key);
    }
    for (unsigned i = 0; i < 8; ++i) {
        EXPECT_EQ(caches[i], caches[i + 8]); // the same segment
        for (unsigned j = 0; j < i; ++j) EXPECT_NE(caches[i], caches[j]);
    }
    for (const int i : {5, 13, 1, 9, 16, 8}) EXPECT_EQ(co_await attempt(Call::lcClose, i), K_OK);
    co_return static_cast<long>(live_segments());
}

[[nodiscard]] Task<void> segments_of_one_mapper(u64) {
    const SegmentSetting here = co_await mapped_setting();
    EXPECT_EQ(co_await within(here, [=] { return open_many(here.mapper->segment()); }), 8 - 3 + 1);
    co_await here.stage->end();
    co_await rest(200 * microsecond);
    EXPECT_EQ(live_segments(), 0u);
}

// What is flushed need not be mapped, or dirty, or there; there may be much of it.
[[nodiscard]] Task<void> flushes_of_much(u64) {
    const SegmentSetting here = co_await mapped_setting();
    co_await poke(here.actor, place + page_size, 7);
    const unsigned accesses = here.mapper->accesses;
    EXPECT_EQ(co_await with_part(Call::sgFlush, here.mapper->part(0, 100 * page_size), 0), K_OK);
    EXPECT_EQ(here.mapper->word(page_size), 7u);
    EXPECT_EQ(here.mapper->pushes, 1u);
    EXPECT_EQ(here.mapper->accesses, accesses);
    EXPECT_EQ(co_await with_part(Call::sgFlush, here.mapper->part(2 * page_size, 100 * page_size), 0), K_OK);
    EXPECT_EQ(here.mapper->pushes, 1u);
    co_await here.stage->end();
}

// A call on an object whose page has not come waits for the page first.
[[nodiscard]] Task<long> use_objects(std::shared_ptr<Mapper> mapper) {
    Local<KnTimeVal> soon;
    co_await soon.set({0, 1000});
    mapper->page_at(0)[0] = 1; // a semaphore with one unit
    mapper->page_at(page_size)[0] = 6;
    mapper->page_at(2 * page_size)[0] = mapper->page_at(2 * page_size)[1] = 0;
    EXPECT_EQ(co_await attempt(Call::syncTake, place, soon.at(), 0), K_OK);
    EXPECT_EQ(co_await attempt(Call::syncTake, place, soon.at(), 0), K_ETIMEOUT);
    EXPECT_EQ(co_await attempt(Call::eventAwait, place + page_size, 4, K_EVENT_OR, soon.at()), 6);
    EXPECT_EQ(co_await attempt(Call::rtMutexGet, place + 2 * page_size), K_OK);
    EXPECT_EQ(co_await attempt(Call::rtMutexGet, place + 2 * page_size), K_EBUSY);
    EXPECT_EQ(co_await attempt(Call::rtMutexRel, place + 2 * page_size), K_OK);
    mapper->refuses[3 * page_size] = K_ECRASH;
    EXPECT_EQ(co_await attempt(Call::syncGive, place + 3 * page_size, 5), K_EFAULT); // waits for nobody
    EXPECT_EQ(co_await attempt(Call::rtMutexTry, place + 3 * page_size), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::syncTake, place + 3 * page_size, soon.at(), 0), K_EFAULT);
    co_return K_OK;
}

[[nodiscard]] Task<void> objects_in_segments(u64) {
    const SegmentSetting here = co_await mapped_setting();
    EXPECT_EQ(co_await within(here, [=] { return use_objects(here.mapper); }), K_OK);
    EXPECT_EQ(here.mapper->pulls, 4u); // each page once, by a call that may wait
    co_await here.stage->end();
}

// ---- large pages, by two at once -------------------------------------------------------------------------

// Each brings a page of zeros in; one of them is used, and what the other has written stays.
[[nodiscard]] Task<void> large_pages_by_two(u64) {
    constexpr VirtAddr large{0x4000'0000};
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    const auto results = std::make_shared<std::vector<long>>();
    EXPECT_GT(co_await allocate(other, region_of(large, 2 * large_page_size, K_WRITABLE)), 0);
    for (const CpuIndex cpu : {1u, 2u, 3u})
        co_await stage->play(actor,
                             [=](u64) -> Task<void> {
                                 if (cpu == 3) co_await poke(other, large + large_page_size + 8, 9);
                                 results->push_back(co_await on_range(Call::vmLock, other, large,
                                                                      2 * large_page_size, K_WRITABLE));
                                 co_await poke(other, large + cpu * 8, cpu);
                             },
                             {cpu, 100, cpu});
    co_await rest(5 * millisecond);
    EXPECT_EQ(std::ranges::count(*results, K_OK), 3);
    for (const unsigned cpu : {1u, 2u, 3u}) EXPECT_EQ(co_await peek(other, large + cpu * 8), cpu);
    EXPECT_EQ(co_await peek(other, large + large_page_size + 8), 9u);
    EXPECT_LE(find_actor(other).value()->space.pages(), 2 * large_page_size / page_size + 50);
    co_await stage->end();
}

} // namespace

TEST(SegmentLimits, pages_that_cannot_be_paid) { play_clean(pages_that_cannot_be_paid); }
TEST(SegmentLimits, frames_with_all_owners) { play_clean(frames_with_all_owners); }
TEST(SegmentLimits, segments_of_one_mapper) { play_clean(segments_of_one_mapper); }
TEST(SegmentLimits, flushes_of_much) { play_clean(flushes_of_much); }
TEST(SegmentLimits, objects_in_segments) { play_clean(objects_in_segments); }
TEST(SegmentLimits, large_pages_by_two) { play_clean(large_pages_by_two, 1000); }

} // namespace chorale::test
