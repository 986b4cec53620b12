// Segments: what their calls answer, what reaches the mapper, and what does not.
#include "kernel/mapper/paging.hpp"
#include "kernel/mem/frame.hpp"
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/test_mapper.hpp"
#include "tests/machine/world.hpp"

namespace chorale::test {

namespace {

using namespace host;

constexpr VirtAddr place{0x300'0000}, elsewhere{0x600'0000};
constexpr u64 last_page = ~u64{0} - page_size + 1;

[[nodiscard]] Task<long> remove(KnCap actor, VirtAddr at, uword size) {
    return release(actor, region_of(at, size, 0));
}

// ---- arguments -------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> wrong_views(SegmentSetting here) {
    const KnObjDesc good = here.mapper->part(0, 4 * page_size);
    KnObjDesc nobodys = good;
    nobodys.dataObject.ui.uiTail ^= 1;
    const KnRgnDesc region = region_of(place, 4 * page_size, K_WRITABLE);
    const struct {
        KnRgnDesc region;
        KnObjDesc part;
        long error;
    } wrong[] = {{region, here.mapper->part(8, 4 * page_size), K_EROUND},
                 {region, here.mapper->part(0, 0), K_ESIZE},
                 {region, here.mapper->part(2 * page_size, ~u64{0}), K_ESIZE},
                 {region, here.mapper->part(last_page, 8), K_ESIZE},
                 {region, here.mapper->part(0, 3 * page_size), K_ESIZE},
                 {region_of(place, 0, 0), good, K_ESIZE},
                 {region_of(place, page_size, 0x8000), good, K_EINVAL},
                 {region_of(place, page_size, K_RESERVED), good, K_EINVAL},
                 {region_of(place, page_size, K_WRITABLE | K_EXECUTABLE), good, K_EINVAL},
                 {region_of(place + 8, page_size, 0), good, K_EROUND},
                 {region_of(data_base, page_size, 0), good, K_EOVERLAP},
                 {region, nobodys, K_EUNKNOWN}};
    const KnCap gone = co_await gone_actor();
    for (const Call call : {Call::rgnMap, Call::rgnInit}) {
        for (const auto& [what, part, error] : wrong)
            EXPECT_EQ(co_await show(call, here.other, what, part), error) << what.options;
        EXPECT_EQ(co_await show(call, gone, region, good), K_EUNKNOWN);
        Local<KnRgnDesc> region_at;
        co_await region_at.set(region);
        EXPECT_EQ(co_await attempt(call, 0, region_at.at(), nowhere), K_EFAULT);
        EXPECT_EQ(co_await attempt(call, 0, nowhere, nowhere), K_EFAULT);
    }
    EXPECT_EQ(co_await with_part(Call::sgFlush, here.mapper->part(8, page_size), 0), K_EROUND);
    EXPECT_EQ(co_await with_part(Call::sgFlush, here.mapper->part(0, 0), 0), K_ESIZE);
    EXPECT_EQ(co_await with_part(Call::sgFlush, good, 1), K_EINVAL);
    EXPECT_EQ(co_await with_part(Call::sgFlush, good, 0), K_EUNKNOWN); // nobody maps it
    EXPECT_EQ(co_await attempt(Call::sgFlush, nowhere, 0), K_EFAULT);
}

[[nodiscard]] Task<void> wrong_copies(SegmentSetting here) {
    const KnCap gone = co_await gone_actor();
    Named actor, nobodys;
    co_await actor.set(here.other);
    co_await nobodys.set(gone);
    EXPECT_GT(co_await allocate(here.other, region_of(place, page_size, 0)), 0);
    KnObjDesc unknown = here.mapper->part(0, 8);
    unknown.dataObject.ui.uiTail ^= 1;
    const u64 top = machine::user_limit();
    for (const Call call : {Call::sgRead, Call::sgWrite}) {
        const auto copy = [&](u64 offset, u64 size, u64 at, u64 flags = 0) {
            return with_part(call, here.mapper->part(offset, size), actor.at(), at, flags);
        };
        EXPECT_EQ(co_await copy(0, 0, room.raw()), K_ESIZE);
        EXPECT_EQ(co_await copy(last_page + 1, 8, room.raw()), K_ESIZE);
        EXPECT_EQ(co_await copy(last_page - 8, 16, room.raw()), K_ESIZE);
        EXPECT_EQ(co_await copy(0, 16, top - 8), K_EADDR);
        EXPECT_EQ(co_await copy(0, 16, nowhere.raw()), K_EADDR);
        EXPECT_EQ(co_await copy(0, 16, room.raw(), K_MOVE | 1), K_EINVAL);
        EXPECT_EQ(co_await copy(0, 16, room.raw(), K_MOVE), K_OK);
        // What can only be read is a source, but no destination.
        EXPECT_EQ(co_await copy(0, 16, place.raw()), call == Call::sgRead ? K_EADDR : K_OK);
        EXPECT_EQ(co_await with_part(call, here.mapper->part(0, 8), nobodys.at(), room.raw()), K_EUNKNOWN);
        EXPECT_EQ(co_await with_part(call, unknown, actor.at(), room.raw()), K_EUNKNOWN);
        EXPECT_EQ(co_await attempt(call, nowhere, 0, room, 0), K_EFAULT);
        here.mapper->refuses[page_size] = K_ECRASH; // after the first part
        EXPECT_EQ(co_await copy(page_size - 8, 16, room.raw()), K_ECRASH);
        here.mapper->refuses.clear();
        here.mapper->talks_nonsense = true;
        EXPECT_EQ(co_await copy(2 * page_size, 16, room.raw()), K_EFAIL);
        here.mapper->talks_nonsense = false;
    }
}

[[nodiscard]] Task<long> wrong_caches(std::shared_ptr<Mapper> mapper, KnCap gone) {
    Local<KnCap> name, cache;
    Local<int> id;
    Local<VmSize> size;
    Named nobodys;
    co_await nobodys.set(gone);
    co_await name.set(mapper->segment());
    EXPECT_EQ(co_await attempt(Call::lcOpen, name.at(), 1, id.at()), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::lcOpen, nowhere, 0, id.at()), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::lcOpen, name.at(), 0, nowhere), K_EFAULT);
    for (int i = 1; i <= 16; ++i) {
        EXPECT_EQ(co_await attempt(Call::lcOpen, name.at(), 0, id.at()), K_OK);
        EXPECT_EQ(co_await id.get(), i);
    }
    EXPECT_EQ(co_await attempt(Call::lcOpen, name.at(), 0, id.at()), K_EFULL);
    EXPECT_EQ(co_await attempt(Call::lcCap, 16, cache.at()), K_OK);
    EXPECT_EQ(co_await attempt(Call::lcCap, 16, nowhere), K_EFAULT);
    EXPECT_EQ(co_await attempt(Call::lcClose, 7), K_OK);
    EXPECT_EQ(co_await attempt(Call::lcOpen, name.at(), 0, id.at()), K_OK); // the place is free again
    EXPECT_EQ(co_await id.get(), 7);
    EXPECT_EQ(co_await attempt(Call::lcClose, 7), K_OK);
    for (const int wrong : {0, 7, 17, -1}) {
        EXPECT_EQ(co_await attempt(Call::lcClose, wrong), K_EINVAL);
        EXPECT_EQ(co_await attempt(Call::lcCap, wrong, cache.at()), K_EINVAL);
        for (const Call call : {Call::lcRead, Call::lcWrite}) {
            co_await size.set(8);
            EXPECT_EQ(co_await attempt(call, wrong, 0, 0, room, size.at()), K_EINVAL);
        }
    }
    for (const Call call : {Call::lcRead, Call::lcWrite}) {
        EXPECT_EQ(co_await attempt(call, 1, 0, 0, room, nowhere), K_EFAULT);
        EXPECT_EQ(co_await attempt(call, 1, 0, nobodys.at(), room, size.at()), K_EUNKNOWN);
        EXPECT_EQ(co_await attempt(call, 1, last_page + 1, 0, room, size.at()), K_ESIZE);
        // How much came before the page that was refused.
        mapper->refuses[page_size] = K_ECRASH;
        co_await size.set(24);
        EXPECT_EQ(co_await attempt(call, 1, page_size - 16, 0, room, size.at()), K_ECRASH);
        EXPECT_EQ(co_await size.get(), 16u);
        mapper->refuses.clear();
    }
    for (int i = 1; i <= 15; ++i) // the last one is left to the end of the actor
        if (i != 7) EXPECT_EQ(co_await attempt(Call::lcClose, i), K_OK);
    co_return K_OK;
}

[[nodiscard]] Task<void> wrong_arguments_of_segments(u64) {
    const SegmentSetting here = co_await segment_setting();
    co_await wrong_views(here);
    co_await wrong_copies(here);
    const KnCap gone = co_await gone_actor();
    EXPECT_EQ(co_await within(here, [=] { return wrong_caches(here.mapper, gone); }), K_OK);
    co_await here.stage->end();
}

// ---- contents --------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> what_is_written_comes_back(u64) {
    const SegmentSetting here = co_await segment_setting();
    Mapper& mapper = *here.mapper;
    constexpr uword size = 24 * page_size;
    const KnObjDesc all = mapper.part(0, size);
    mapper.grants = K_READACCESS | K_RELEASE;
    EXPECT_GT(co_await show(Call::rgnMap, here.actor, region_of(place, size, K_WRITABLE), all), 0);
    EXPECT_GT(co_await show(Call::rgnInit, here.other, region_of(place, size, K_WRITABLE), all), 0);
    EXPECT_EQ(co_await peek(here.actor, place + 8), Mapper::original(8));
    EXPECT_EQ(mapper.pulls, 1u);
    // The copy is made when it is touched; it is the region's own, and asks nobody for the right to write.
    co_await poke(here.other, place + 3 * page_size, 1);
    EXPECT_EQ(mapper.accesses, 0u);
    for (const unsigned page : {0u, 3u, 18u}) co_await poke(here.actor, place + page * page_size, 100 + page);
    EXPECT_EQ(mapper.accesses, 3u);
    EXPECT_EQ(mapper.word(0), Mapper::original(0));
    mapper.refuses_push[3 * page_size] = K_ECRASH;
    EXPECT_EQ(co_await with_part(Call::sgFlush, all, 0), K_ECRASH);
    mapper.refuses_push.clear();
    EXPECT_EQ(co_await with_part(Call::sgFlush, all, 0), K_OK); // more pages than one step looks at
    for (const unsigned page : {0u, 3u, 18u}) EXPECT_EQ(mapper.word(page * page_size), 100 + page);
    EXPECT_EQ(co_await peek(here.other, place + 3 * page_size), 1u);

    // A copy across pages, in pieces: what is mapped is seen, with what was written there.
    Named actor;
    co_await actor.set(here.other);
    EXPECT_EQ(co_await with_part(Call::sgRead, mapper.part(2 * page_size + 16, 2 * page_size), actor.at(),
                                 room.raw() + 100),
              K_OK);
    EXPECT_EQ(co_await peek(here.other, room + 100), Mapper::original(2 * page_size + 16));
    EXPECT_EQ(co_await peek(here.other, room + 100 + page_size - 16), 103u);
    EXPECT_EQ(co_await peek(here.other, room + 92 + 2 * page_size), Mapper::original(4 * page_size + 8));
    co_await poke(here.other, room + 8 + 3 * page_size, 9);
    EXPECT_EQ(co_await with_part(Call::sgWrite, mapper.part(16 * page_size + 16, 3 * page_size), actor.at(),
                                 room.raw() + 24),
              K_OK);
    EXPECT_EQ(co_await peek(here.actor, place + 19 * page_size), 9u);

    const unsigned pushes = mapper.pushes;
    EXPECT_EQ(co_await remove(here.other, place, size), K_OK);
    EXPECT_EQ(co_await remove(here.actor, place, size), K_OK);
    co_await rest(millisecond);
    EXPECT_GT(mapper.pushes, pushes);
    EXPECT_EQ(mapper.word(19 * page_size), 9u);
    EXPECT_EQ(mapper.releases, 1u); // it had asked to be told
    EXPECT_EQ(live_segments(), 0u);
    EXPECT_EQ(live_segment_pages(), 0u);
    co_await here.stage->end();
}

// Who may not write finds out when the right is asked for; who shares the page goes on reading it.
[[nodiscard]] Task<void> rights_that_are_refused(u64) {
    const SegmentSetting here = co_await segment_setting();
    Mapper& mapper = *here.mapper;
    mapper.grants = mapper.grants_later = K_READACCESS;
    EXPECT_GT(co_await show(Call::rgnMap, here.actor, region_of(place, 4 * page_size, K_WRITABLE),
                            mapper.part(0, 4 * page_size)),
              0);
    EXPECT_EQ(co_await peek(here.actor, place), Mapper::original(0));
    EXPECT_EQ(co_await on_range(Call::vmLock, here.actor, place, page_size, K_WRITABLE), K_EADDR);
    mapper.refuses_access[0] = K_ECRASH;
    EXPECT_EQ(co_await on_range(Call::vmLock, here.actor, place, page_size, K_WRITABLE), K_EADDR);
    EXPECT_EQ(co_await with_part(Call::sgWrite, mapper.part(0, 8), 0, room.raw()), K_EADDR);
    EXPECT_EQ(co_await within(
                  here, [=] { return with_part(Call::sgWrite, here.mapper->part(0, 8), 0, room.raw()); }),
              K_ECRASH);
    mapper.talks_nonsense = true;
    EXPECT_EQ(co_await on_range(Call::vmLock, here.actor, place, page_size, K_WRITABLE), K_EADDR);
    mapper.talks_nonsense = false;
    EXPECT_EQ(co_await peek(here.actor, place), Mapper::original(0));
    mapper.refuses_access.clear();
    mapper.grants_later = K_READACCESS | K_WRITEACCESS | K_RELEASE;
    EXPECT_EQ(co_await on_range(Call::vmLock, here.actor, place, page_size, K_WRITABLE), K_OK);
    EXPECT_EQ(co_await on_range(Call::vmUnLock, here.actor, place, page_size), K_OK);
    EXPECT_EQ(mapper.accesses, 5u);
    // A region that brings its pages at once, of which one is refused, is not made.
    mapper.refuses[2 * page_size] = K_ECRASH;
    EXPECT_EQ(co_await show(Call::rgnMap, here.other, region_of(place, 4 * page_size, K_NODEMAND),
                            mapper.part(0, 4 * page_size)),
              K_EADDR);
    EXPECT_EQ(co_await remove(here.other, place, 4 * page_size), K_EADDR);
    co_await here.stage->end();
}

// ---- waiting for the mapper ------------------------------------------------------------------------------

// More threads than are woken in one step want one page: it is asked for once.
[[nodiscard]] Task<void> one_page_for_many(u64) {
    const SegmentSetting here = co_await segment_setting();
    constexpr unsigned count = 20;
    here.mapper->holds = true;
    EXPECT_GT(co_await show(Call::rgnMap, here.actor, region_of(place, page_size, K_WRITABLE),
                            here.mapper->part(0, page_size)),
              0);
    std::vector<std::shared_ptr<long>> results;
    long last = 0;
    for (unsigned i = 0; i < count; ++i)
        results.push_back(co_await begin_work(
            here.stage, here.actor,
            [=]() -> Task<long> {
                Local<u64> word;
                const long result = co_await attempt(Call::vmCopy, 0, place + 8 * i, 0, word.at(), 8, 0);
                co_return result == K_OK ? static_cast<long>(co_await word.get()) : result;
            },
            i + 1, &last));
    co_await rest(100 * microsecond);
    EXPECT_EQ(co_await on_thread(Call::threadAbort, here.actor, last), K_OK);
    co_await rest(100 * microsecond);
    EXPECT_EQ(*results.back(), K_EADDR); // its wait was aborted, and the others' not
    results.pop_back();
    for (const auto& result : results) EXPECT_EQ(*result, unfinished);
    here.mapper->holds = false;
    co_await rest(millisecond);
    for (unsigned i = 0; i < results.size(); ++i)
        EXPECT_EQ(*results[i], static_cast<long>(Mapper::original(8 * i)));
    EXPECT_EQ(here.mapper->pulls, 1u);
    co_await here.stage->end();
}

// sgRead, lcWrite and sgFlush tell their caller that it was aborted.
[[nodiscard]] Task<void> aborted_waits(u64) {
    const SegmentSetting here = co_await segment_setting();
    EXPECT_GT(co_await show(Call::rgnMap, here.actor, region_of(place, page_size, K_WRITABLE),
                            here.mapper->part(0, page_size)),
              0);
    co_await poke(here.actor, place, 5);
    here.mapper->holds = true;
    long reader = 0, flusher = 0;
    const auto reads = co_await begin_work(
        here.stage, here.actor,
        [=] { return with_part(Call::sgRead, here.mapper->part(page_size, 8), 0, room.raw()); }, 2, &reader);
    const auto flushes = co_await begin_work(
        here.stage, here.actor, [=] { return with_part(Call::sgFlush, here.mapper->part(0, page_size), 0); },
        3, &flusher);
    co_await rest(100 * microsecond);
    for (const long thread : {reader, flusher})
        EXPECT_EQ(co_await on_thread(Call::threadAbort, here.actor, thread), K_OK);
    co_await rest(100 * microsecond);
    EXPECT_EQ(*reads, K_EABORT);
    EXPECT_EQ(*flushes, K_EABORT);
    here.mapper->holds = false;
    co_await rest(millisecond);
    EXPECT_EQ(here.mapper->word(0), 5u); // what was on its way arrives
    co_await here.stage->end();
}

// ---- arguments that lie in segments ----------------------------------------------------------------------

// A call whose arguments have to come from a mapper first begins again; messages are brought to their end.
[[nodiscard]] Task<long> calls_with_such_arguments(std::shared_ptr<Mapper> mapper, KnUniqueId port) {
    const VirtAddr in = place, out = place + page_size, reply = place + 2 * page_size;
    Local<KnRgnDesc> good;
    EXPECT_EQ(co_await attempt(Call::vmStat, out), K_EFAULT); // leaf calls wait for nobody
    co_await good.set(region_of(place, page_size, 0));
    EXPECT_EQ(co_await attempt(Call::rgnStat, 0, good.at(), reply - 8, sizeof(KnRgnStat)), 1);
    EXPECT_EQ(mapper->pulls, 2u);
    EXPECT_EQ((co_await load<KnRgnStat>(reply - 8)).startAddr, place.raw());
    mapper->page_at(6 * page_size)[0] = 0x0a'74'6e'65'6d'67'65'73; // "segment\n"
    EXPECT_EQ(co_await attempt(Call::sysWrite, place + 6 * page_size, 8), 8);
    Local<KnMsgDesc> sent, received;
    Local<KnIpcDest> destination;
    co_await sent.set({0, 256, in.raw() + page_size / 2, 0, 0});
    co_await received.set({0, 256, reply.raw() + page_size - 32, 0, 0}); // in two pages
    co_await destination.set({port, {}});
    const long size = co_await attempt(Call::ipcCallMessage, sent.at(), K_DEFAULTPORT, destination.at(),
                                       received.at(), 1000);
    EXPECT_EQ(size, 256);
    EXPECT_EQ(co_await load<u64>(reply + page_size - 32), Mapper::original(page_size / 2));
    EXPECT_EQ(co_await load<u64>(reply + page_size), Mapper::original(page_size / 2 + 32));
    // Refused: as if nothing were there.
    mapper->refuses[4 * page_size] = -5;
    for (const Call call : {Call::rgnStat, Call::sysWrite})
        EXPECT_EQ(call == Call::rgnStat
                      ? co_await attempt(call, 0, good.at(), place + 4 * page_size, sizeof(KnRgnStat))
                      : co_await attempt(call, place + 4 * page_size, 8),
                  K_EFAULT);
    mapper->refuses.clear();
    co_return K_OK;
}

[[nodiscard]] Task<void> echo(long li) {
    Local<KnMsgDesc> message;
    for (;;) {
        co_await message.set({0, page_size, room.raw(), 0, 0});
        const MessageResult got =
            co_await attempt(message_receive(static_cast<int>(li), -1, 0, message.at()));
        if (got.size < 0) co_return;
        co_await message.set({0, static_cast<u32>(got.bytes()), room.raw(), 0, 0});
        static_cast<void>(co_await attempt(Call::ipcReply, message.at()));
    }
}

[[nodiscard]] Task<void> arguments_in_segments(u64) {
    const SegmentSetting here = co_await segment_setting();
    KnUniqueId port{};
    const long li = co_await Stage::port(here.other, port);
    co_await here.stage->serve(here.other, [li](u64) { return echo(li); }, {.cpu = 2, .stack = 1});
    EXPECT_GT(co_await show(Call::rgnMap, here.actor, region_of(place, 8 * page_size, K_WRITABLE),
                            here.mapper->part(0, 8 * page_size)),
              0);
    EXPECT_EQ(co_await within(here, [=] { return calls_with_such_arguments(here.mapper, port); }), K_OK);
    co_await here.stage->end();
}

// ---- somebody goes ---------------------------------------------------------------------------------------

[[nodiscard]] Task<void> cut(std::function<LongCall(const SegmentSetting&)> make) {
    const SegmentSetting here = co_await segment_setting();
    EXPECT_EQ(co_await cut_short(make(here),
                                 [](long result) {
                                     EXPECT_TRUE(result == K_OK || result == K_EUNKNOWN || result == K_EADDR)
                                         << result;
                                 }),
              K_OK);
    EXPECT_LE(live_segments(), 1u);
    co_await here.stage->end();
}

constexpr uword many = 6 * page_size;

[[nodiscard]] LongCall copy_of_segment(const SegmentSetting& here, Call call) {
    const auto mapper = here.mapper;
    return {[](KnCap victim) -> Task<void> {
                EXPECT_GT(co_await allocate(victim, region_of(elsewhere, many, K_WRITABLE)), 0);
            },
            [=](KnCap victim) -> Task<long> {
                Named target;
                co_await target.set(victim);
                co_return co_await with_part(call, mapper->part(0, many), target.at(), elsewhere.raw());
            },
            [](KnCap victim) -> Task<void> {
                co_await rest(millisecond);
                EXPECT_EQ(co_await remove(victim, elsewhere, many), K_OK);
            }};
}

[[nodiscard]] LongCall flush_of_segment(const SegmentSetting& here) {
    const auto mapper = here.mapper;
    return {[=](KnCap victim) -> Task<void> {
                EXPECT_GT(co_await show(Call::rgnMap, victim, region_of(place, many, K_WRITABLE),
                                        mapper->part(0, many)),
                          0);
                for (VirtAddr at = place; at < place + many; at = at + page_size)
                    co_await poke(victim, at, 1);
            },
            [=](KnCap) { return with_part(Call::sgFlush, mapper->part(0, many), 0); },
            [=](KnCap victim) -> Task<void> {
                co_await rest(millisecond);
                EXPECT_EQ(co_await remove(victim, place, many), K_OK);
                co_await rest(millisecond);
                for (uword at = 0; at < many; at += page_size) EXPECT_EQ(mapper->word(at), 1u);
            }};
}

// Pages that came and that nobody took go with their segment, a few at a time.
[[nodiscard]] Task<void> pages_that_nobody_took(u64) {
    const SegmentSetting here = co_await segment_setting();
    constexpr unsigned count = 300; // some in one bucket
    const u64 before = frame_statistics().free;
    const Result<Segment*> segment = open_segment(here.mapper->segment());
    EXPECT_TRUE(segment.ok());
    segment_store().with([&](SegmentStore& all) {
        for (unsigned i = 0; i < count; ++i) {
            SegmentPage* const page = all.add(*segment.value(), i * page_size);
            page->frame = allocate_frames(0).value();
            page->state = PageState::there;
        }
    });
    EXPECT_EQ(live_segment_pages(), count);
    let_go_of_segment(*segment.value());
    attend_segments();
    EXPECT_EQ(live_segment_pages(), count - 8);
    co_await rest(100 * microsecond);
    EXPECT_EQ(live_segment_pages(), 0u);
    EXPECT_EQ(live_segments(), 0u);
    EXPECT_NEAR(static_cast<double>(frame_statistics().free), static_cast<double>(before), 64);
    co_await here.stage->end();
}

} // namespace

TEST(SegmentCalls, wrong_arguments) { play_clean(wrong_arguments_of_segments); }
TEST(SegmentCalls, what_is_written_comes_back) { play_clean(what_is_written_comes_back); }
TEST(SegmentCalls, rights_that_are_refused) { play_clean(rights_that_are_refused); }
TEST(SegmentCalls, one_page_for_many) { play_clean(one_page_for_many); }
TEST(SegmentCalls, aborted_waits) { play_clean(aborted_waits); }
TEST(SegmentCalls, arguments_in_segments) { play_clean(arguments_in_segments); }
TEST(SegmentCalls, pages_that_nobody_took) { play_clean(pages_that_nobody_took); }
TEST(SegmentCalls, cut_short) {
    for (const Call call : {Call::sgRead, Call::sgWrite})
        play_clean(
            [=](u64) { return cut([=](const SegmentSetting& here) { return copy_of_segment(here, call); }); },
            1000);
    play_clean([](u64) { return cut(flush_of_segment); }, 1000);
}

} // namespace chorale::test
