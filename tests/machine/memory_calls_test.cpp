// What the memory calls answer: each error that <mem/chMem.h> documents, what regions tell of themselves, and
// calls that find a lock, an abort or the end of an actor in their way.
#include "arch/host/objects.hpp"
#include "kernel/mem/space.hpp"
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/world.hpp"

namespace chorale::test {

namespace {

using namespace host;

constexpr VirtAddr place{0x300'0000}, elsewhere{0x600'0000};
constexpr VmFlags both_ways = K_INHERITSHARE | K_INHERITCOPY;

[[nodiscard]] KnRgnDesc window_of(u64 begin, u64 end, uword size, VmFlags options = K_WRITABLE) {
    KnRgnDesc region = region_of(VirtAddr{begin}, size, options | K_RESTRICTIVE);
    region.endAddr = end;
    return region;
}

// ---- arguments -------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> wrong_places(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const u64 at = place.raw(), top = Space::user_end().raw();
    const struct {
        KnRgnDesc region;
        long error;
    } wrong[] = {{window_of(at + 1, at + page_size, page_size), K_EROUND},
                 {window_of(at, at + page_size + 1, page_size), K_EROUND},
                 {window_of(at, at, page_size), K_ESIZE},
                 {window_of(0, at, page_size), K_EADDR},
                 {window_of(at, top + page_size, page_size), K_EADDR},
                 {window_of(at, at + 2 * page_size, 3 * page_size), K_ENOMEM},
                 {window_of(at, at + page_size, 0), K_ESIZE},
                 {window_of(at, at + page_size, page_size, K_WRITABLE | K_EXECUTABLE), K_EINVAL},
                 {region_of(place, page_size, both_ways), K_EINVAL},
                 {region_of(place, page_size, K_SUPERVISOR), K_EINVAL},
                 {region_of({}, ~uword{0}, K_ANYWHERE), K_ESIZE},
                 {region_of({}, top - page_size, K_ANYWHERE), K_ENOMEM}};
    for (const auto& [region, error] : wrong)
        EXPECT_EQ(co_await on_region(Call::rgnAllocate, actor, region), error) << region.options;
    EXPECT_EQ(co_await on_region(Call::rgnAllocate, co_await gone_actor(), region_of(place, 1, 0)),
              K_EUNKNOWN);
    EXPECT_EQ(co_await attempt(Call::rgnAllocate, 0, nowhere), K_EFAULT);
    // What can only be read cannot be told where the region is.
    EXPECT_EQ(co_await attempt(Call::rgnAllocate, nowhere, nowhere), K_EFAULT);

    // A window is filled from end to end, and no further.
    u64 found = 0;
    for (unsigned i = 0; i < 2; ++i) {
        const long start = co_await allocate(actor, window_of(at, at + 2 * page_size, page_size));
        EXPECT_TRUE(start == place.raw() || start == (place + page_size).raw());
        found += static_cast<u64>(start);
    }
    EXPECT_EQ(found, 2 * at + page_size);
    EXPECT_EQ(co_await allocate(actor, window_of(at, at + 2 * page_size, page_size)), K_ENOMEM);
    co_await stage->end();
}

constexpr Call range_calls[] = {Call::rgnSetProtect, Call::rgnSetInherit, Call::rgnSetPaging,
                                Call::rgnSetOpaque, Call::rgnFree};

[[nodiscard]] Task<void> wrong_ranges(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    const KnCap gone = co_await gone_actor();
    const VirtAddr top = Space::user_end();
    EXPECT_GT(co_await allocate(actor, region_of(place, 4 * page_size, K_WRITABLE)), 0);
    const struct {
        VirtAddr at;
        uword size;
        long error;
    } wrong[] = {{place + 8, page_size, K_EROUND},
                 {place, 0, K_ESIZE},
                 {place, top.raw() + page_size, K_ESIZE},
                 {VirtAddr{0}, page_size, K_EADDR},
                 {top + page_size, page_size, K_EADDR},
                 {top - page_size, 2 * page_size, K_EADDR},
                 {nowhere, page_size, K_EADDR}};
    Named owner;
    Local<KnRgnDesc> region;
    Local<KnRgnStat> stat;
    co_await owner.set(actor);
    for (const auto& [at, size, error] : wrong) {
        for (const Call call : range_calls)
            EXPECT_EQ(co_await on_region(call, actor, region_of(at, size, 0)), error);
        EXPECT_EQ(co_await on_range(Call::vmLock, actor, at, size), error);
        EXPECT_EQ(co_await on_range(Call::vmUnLock, actor, at, size), error);
        EXPECT_EQ(co_await transfer(Call::rgnInitFromActor, nobody, region_of(place, 0, 0), actor,
                                    region_of(at, size, 0)),
                  error);
        co_await region.set(region_of(at, size, 0));
        const long seen = co_await attempt(Call::rgnStat, owner.at(), region.at(), stat.at(), sizeof stat);
        EXPECT_EQ(seen, at == nowhere ? 0 : error); // nothing there is an answer too
    }
    for (const Call call : range_calls) {
        EXPECT_EQ(co_await on_region(call, actor, region_of(place, page_size, 0x80000)), K_EINVAL);
        EXPECT_EQ(co_await on_region(call, gone, region_of(place, page_size, 0)), K_EUNKNOWN);
        EXPECT_EQ(co_await attempt(call, 0, nowhere), K_EFAULT);
    }
    EXPECT_EQ(co_await on_region(Call::rgnSetProtect, actor, region_of(place, 1, K_WRITABLE | K_EXECUTABLE)),
              K_EINVAL);
    EXPECT_EQ(co_await on_region(Call::rgnSetInherit, actor, region_of(place, 1, both_ways)), K_EINVAL);
    // Nothing is there to come at once.
    EXPECT_EQ(co_await on_region(Call::rgnSetPaging, actor, region_of(nowhere, page_size, K_NODEMAND)),
              K_EADDR);
    for (const Call call : {Call::vmLock, Call::vmUnLock}) {
        EXPECT_EQ(co_await on_range(call, actor, place, page_size, K_EXECUTABLE), K_EINVAL);
        EXPECT_EQ(co_await on_range(call, gone, place, page_size), K_EUNKNOWN);
    }
    EXPECT_EQ(co_await on_range(Call::vmUnLock, actor, place, page_size), K_EINVAL); // it is not locked
    co_await region.set(region_of(place, page_size, K_WRITABLE));
    EXPECT_EQ(co_await attempt(Call::rgnStat, owner.at(), region.at(), stat.at(), sizeof stat), K_EINVAL);
    EXPECT_EQ(co_await attempt(Call::rgnStat, owner.at(), nowhere, stat.at(), sizeof stat), K_EFAULT);
    co_await owner.set(gone);
    EXPECT_EQ(co_await attempt(Call::rgnStat, owner.at(), region.at(), stat.at(), sizeof stat), K_EUNKNOWN);
    EXPECT_EQ(co_await attempt(Call::vmStat, nowhere), K_EFAULT);
    co_await stage->end();
}

// Code that another actor has is written by its loader; what is lent is not duplicated.
[[nodiscard]] Task<void> code_and_loans(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    Local<KnCap> copy;
    EXPECT_EQ(co_await attempt(Call::actorCreate, 0, copy.at(), K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_GT(co_await allocate(actor, region_of(place, page_size, K_EXECUTABLE)), 0);
    EXPECT_GT(co_await allocate(actor, region_of(nowhere, page_size, K_WRITABLE | K_VMMAP)), 0);
    Named owner;
    Local<u64> word;
    co_await owner.set(actor);
    co_await word.set(0x90);
    EXPECT_EQ(co_await attempt(Call::vmCopy, 0, word.at(), owner.at(), place, sizeof(u64), 0), K_OK);
    EXPECT_EQ(co_await attempt(Call::rgnDup, copy.at(), owner.at(), K_INHERITCOPY), K_OK);
    Local<KnRgnDesc> region;
    Local<KnRgnStat> stat;
    co_await region.set(region_of(nowhere, page_size, 0));
    EXPECT_EQ(co_await attempt(Call::rgnStat, copy.at(), region.at(), stat.at(), sizeof(KnRgnStat)), 0);
    co_await region.set(region_of(place, page_size, 0));
    EXPECT_EQ(co_await attempt(Call::rgnStat, copy.at(), region.at(), stat.at(), sizeof(KnRgnStat)), 1);
    co_await remove_actor(co_await copy.get());
    co_await stage->end();
}

[[nodiscard]] Task<void> wrong_transfers(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap source = co_await stage->actor(), target = co_await stage->actor();
    const KnCap gone = co_await gone_actor();
    const KnRgnDesc given = region_of(place, 4 * page_size, 0), good = region_of(place, 0, K_WRITABLE);
    EXPECT_GT(co_await allocate(source, region_of(place, 4 * page_size, K_WRITABLE)), 0);
    EXPECT_GT(co_await allocate(source, region_of(place + 4 * page_size, page_size, K_RESERVED)), 0);
    const struct {
        KnRgnDesc made;
        KnRgnDesc given;
        long error;
    } wrong[] = {{region_of(place, 0, K_WRITABLE | K_EXECUTABLE), given, K_EINVAL},
                 {region_of(place, 0, K_RESERVED), given, K_EINVAL},
                 {region_of(place, 0, K_SUPERVISOR), given, K_EINVAL},
                 {region_of(place + 8, 0, 0), given, K_EROUND},
                 {region_of(VirtAddr{0}, 0, 0), given, K_EADDR},
                 {window_of(place.raw(), place.raw(), 0), given, K_ESIZE},
                 {region_of(data_base, 0, 0), given, K_EOVERLAP},
                 {good, region_of(place, 5 * page_size, 0), K_EADDR}, // the last one is no memory
                 {good, region_of(place - page_size, 2 * page_size, 0), K_EADDR}};
    Named to, from;
    Local<KnRgnDesc> made;
    co_await made.set(good);
    co_await to.set(target);
    co_await from.set(source);
    for (const Call call : {Call::rgnInitFromActor, Call::rgnMapFromActor}) {
        for (const auto& [what, whence, error] : wrong)
            EXPECT_EQ(co_await transfer(call, target, what, source, whence), error) << what.options;
        EXPECT_EQ(co_await transfer(call, gone, good, source, given), K_EUNKNOWN);
        EXPECT_EQ(co_await transfer(call, target, good, gone, given), K_EUNKNOWN);
        EXPECT_EQ(co_await attempt(call, to.at(), nowhere, from.at(), made.at()), K_EFAULT);
        EXPECT_EQ(co_await attempt(call, to.at(), made.at(), from.at(), nowhere), K_EFAULT);
    }
    EXPECT_EQ(co_await duplicate(target, source, 0x8000), K_EINVAL);
    EXPECT_EQ(co_await duplicate(target, source, both_ways), K_EINVAL);
    EXPECT_EQ(co_await duplicate(target, source, 0), K_EINVAL); // it has regions
    EXPECT_EQ(co_await duplicate(gone, source, 0), K_EUNKNOWN);
    EXPECT_EQ(co_await duplicate(target, gone, 0), K_EUNKNOWN);

    Named a, b;
    co_await a.set(source);
    co_await b.set(gone);
    EXPECT_EQ(co_await attempt(Call::vmCopy, b.at(), place, a.at(), place, 8, 0), K_EUNKNOWN);
    EXPECT_EQ(co_await attempt(Call::vmCopy, a.at(), place, b.at(), place, 8, 0), K_EUNKNOWN);
    EXPECT_EQ(co_await attempt(Call::vmCopy, a.at(), Space::user_end(), 0, place, 8, 0), K_EADDR);
    co_await stage->end();
}

// ---- what regions say of themselves ----------------------------------------------------------------------

// A duplicate has what says that it is inherited, in its own way; with flags, everything.
[[nodiscard]] Task<void> duplicates(KnCap actor, long count) {
    Named owner;
    Local<KnRgnDesc> all;
    co_await all.set(region_of(place, 2 * static_cast<uword>(count) * page_size, K_USERSPACE));
    for (const VmFlags flags : {VmFlags{0}, VmFlags{K_INHERITCOPY}}) {
        Local<KnCap> made;
        EXPECT_EQ(co_await attempt(Call::actorCreate, 0, made.at(), K_USERACTOR, K_ACTIVE), K_OK);
        const KnCap copy = co_await made.get();
        EXPECT_EQ(co_await duplicate(copy, copy, flags), K_EINVAL);
        Local<KnCap> empty_at;
        EXPECT_EQ(co_await attempt(Call::actorCreate, 0, empty_at.at(), K_USERACTOR, K_ACTIVE), K_OK);
        const KnCap empty = co_await empty_at.get();
        EXPECT_EQ(co_await duplicate(copy, empty, flags), K_OK); // of nothing
        co_await remove_actor(empty);
        EXPECT_EQ(co_await duplicate(copy, actor, flags), K_OK);
        co_await owner.set(copy);
        EXPECT_EQ(co_await attempt(Call::rgnStat, owner.at(), all.at(), nowhere, 0),
                  flags == 0 ? 2 * count / 5 : count);
        co_await remove_actor(copy);
    }
}

[[nodiscard]] Task<void> descriptions(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor();
    constexpr VmFlags kinds[] = {K_WRITABLE, K_EXECUTABLE, K_RESERVED, K_INHERITCOPY | K_NOSWAPOUT,
                                 K_INHERITSHARE};
    constexpr unsigned count = 20;
    for (unsigned i = 0; i < count; ++i) {
        KnRgnDesc region = region_of(place + 2 * i * page_size, page_size, kinds[i % 5]);
        region.opaque2 = i;
        EXPECT_GT(co_await allocate(actor, region), 0);
    }
    EXPECT_EQ(co_await on_range(Call::vmLock, actor, place, page_size), K_OK);
    EXPECT_EQ(co_await on_range(Call::vmLock, actor, place, page_size, K_WRITABLE), K_OK);
    EXPECT_EQ((co_await describe(actor, place)).lockCount, 2u);
    // Not written: it is read only. No memory at all: nor read.
    EXPECT_EQ(co_await on_range(Call::vmLock, actor, place + 6 * page_size, page_size, K_WRITABLE), K_EADDR);
    EXPECT_EQ(co_await on_range(Call::vmLock, actor, place + 4 * page_size, page_size), K_EADDR);
    for (unsigned i = 0; i < 2; ++i)
        EXPECT_EQ(co_await on_range(Call::vmUnLock, actor, place, page_size), K_OK);
    EXPECT_EQ(co_await on_range(Call::vmUnLock, actor, place, page_size), K_EINVAL);
    for (unsigned i = 0; i < count; ++i) {
        const KnRgnStat stat = co_await describe(actor, place + 2 * i * page_size);
        EXPECT_EQ(stat.options, kinds[i % 5]);
        EXPECT_EQ(stat.opaque2, i);
        EXPECT_EQ(stat.startAddr, (place + 2 * i * page_size).raw());
        EXPECT_EQ(stat.size, page_size);
        EXPECT_EQ(stat.lockCount, 0u);
    }
    // As many as fit are told, and all are counted, in more than one step.
    Named owner;
    Local<KnRgnDesc> all;
    Local<std::array<KnRgnStat, 2>> stats;
    co_await owner.set(actor);
    co_await all.set(region_of(place, 2 * count * page_size, K_USERSPACE));
    co_await stats.set({});
    EXPECT_EQ(co_await attempt(Call::rgnStat, owner.at(), all.at(), stats.at(), sizeof(KnRgnStat)),
              long{count});
    const auto seen = co_await stats.get();
    EXPECT_EQ(seen[0].startAddr, place.raw());
    EXPECT_EQ(seen[1].startAddr, 0u);
    EXPECT_EQ(co_await attempt(Call::rgnStat, owner.at(), all.at(), nowhere, 0), long{count});
    EXPECT_EQ(co_await attempt(Call::rgnStat, owner.at(), all.at(), nowhere, sizeof(KnRgnStat)), K_EFAULT);
    co_await duplicates(actor, count);
    co_await stage->end();
}

// ---- locks in the way ------------------------------------------------------------------------------------

struct Waiting {
    bool go{}, ready{};
    long result = 1; // not yet
};

// Frees or protects four pages, of which one is locked.
[[nodiscard]] Task<void> change(Call call, KnCap victim, std::shared_ptr<Waiting> waiting) {
    waiting->ready = true;
    while (!waiting->go) co_await pause();
    waiting->result = co_await on_region(call, victim, region_of(place, 4 * page_size, 0));
}

enum class End : u8 { unlocked, aborted, aborted_before, gone };

[[nodiscard]] Task<void> wait_for_lock(Call call, End end) {
    const auto stage = std::make_shared<Stage>();
    const auto waiting = std::make_shared<Waiting>();
    const KnCap actor = co_await stage->actor(), victim = co_await stage->actor();
    EXPECT_GT(co_await allocate(victim, region_of(place, 4 * page_size, K_WRITABLE)), 0);
    EXPECT_EQ(co_await on_range(Call::vmLock, victim, place + page_size, page_size), K_OK);
    const long thread =
        co_await stage->play(actor, [=](u64) { return change(call, victim, waiting); }, {1, 100, 1});
    while (!waiting->ready) co_await rest(10 * microsecond);
    if (end == End::aborted_before) EXPECT_EQ(co_await on_thread(Call::threadAbort, actor, thread), K_OK);
    waiting->go = true;
    co_await rest(millisecond);
    if (end != End::aborted_before) EXPECT_EQ(waiting->result, 1) << "a locked page is no obstacle";
    if (end == End::aborted) EXPECT_EQ(co_await on_thread(Call::threadAbort, actor, thread), K_OK);
    if (end == End::unlocked)
        EXPECT_EQ(co_await on_range(Call::vmUnLock, victim, place + page_size, page_size), K_OK);
    if (end == End::gone) co_await remove_actor(victim);
    co_await rest(millisecond);
    if (end == End::aborted || end == End::aborted_before) {
        EXPECT_EQ(waiting->result, K_EABORT);
        EXPECT_EQ((co_await describe(victim, place + page_size)).lockCount, 1u);
    } else if (end == End::gone) {
        EXPECT_EQ(waiting->result, call == Call::rgnFree ? K_OK : K_EUNKNOWN);
    } else {
        EXPECT_EQ(waiting->result, K_OK);
    }
    co_await stage->end();
}

[[nodiscard]] Task<void> locks_in_the_way(u64) {
    for (const Call call : {Call::rgnFree, Call::rgnSetProtect})
        for (const End end : {End::unlocked, End::aborted, End::aborted_before, End::gone})
            co_await wait_for_lock(call, end);
}

// ---- somebody goes in the middle -------------------------------------------------------------------------

constexpr uword many = 60 * page_size;

[[nodiscard]] Task<void> fill(KnCap victim) {
    EXPECT_GT(co_await allocate(victim, region_of(place, many, K_WRITABLE | K_NODEMAND | K_INHERITCOPY)), 0);
}
// Nobody is at it for long: it is not locked, and can be freed. What a thread that was deleted has begun it
// may still bring to its end.
[[nodiscard]] Task<void> expect_free(KnCap victim, VirtAddr at) {
    co_await rest(100 * microsecond);
    Named owner;
    Local<KnRgnDesc> region;
    Local<KnRgnStat> stat;
    co_await owner.set(victim);
    co_await region.set(region_of(at, many, 0));
    co_await stat.set({});
    EXPECT_GE(co_await attempt(Call::rgnStat, owner.at(), region.at(), stat.at(), sizeof(KnRgnStat)), 0);
    EXPECT_EQ((co_await stat.get()).lockCount, 0u);
    const long result = co_await release(victim, region_of(at, many, 0));
    EXPECT_TRUE(result == K_OK || result == K_EADDR) << result;
}
[[nodiscard]] Task<void> expect_whole(KnCap victim) { return expect_free(victim, place); }

[[nodiscard]] std::vector<LongCall> long_calls() {
    const auto nothing = [](KnCap) -> Task<void> { co_return; };
    const auto call = [](Call number, VmFlags options) {
        return [=](KnCap victim) { return on_region(number, victim, region_of(place, many, options)); };
    };
    const auto move = [](Call number, bool from_victim) {
        return [=](KnCap victim) -> Task<long> {
            const KnRgnDesc here = region_of(elsewhere, 0, K_WRITABLE);
            if (!from_victim) // what the worker has lies in `room`
                co_return co_await transfer(number, victim, here, nobody, region_of(room, room_size, 0));
            const long result = co_await transfer(number, nobody, here, victim, region_of(place, many, 0));
            co_return result;
        };
    };
    const auto expect_none = [](KnCap victim) { return expect_free(victim, elsewhere); };
    const auto copy = [](KnCap victim) -> Task<long> {
        Named source;
        co_await source.set(victim);
        co_return co_await attempt(Call::vmCopy, source.at(), place, 0, room, room_size, 0);
    };
    const auto lock = [](KnCap victim) { return on_range(Call::vmLock, victim, place, many, K_WRITABLE); };
    const auto reserve = [](KnCap victim) -> Task<void> {
        EXPECT_GT(co_await allocate(victim, region_of(place, many, K_WRITABLE)), 0);
    };
    const auto unlock = [](KnCap victim) -> Task<void> {
        // Whoever has come to the end has it locked.
        static_cast<void>(co_await on_range(Call::vmUnLock, victim, place, many));
        co_await expect_free(victim, place);
    };
    const auto clear = [](KnCap victim) -> Task<void> {
        EXPECT_EQ(co_await on_region(Call::rgnFree, victim, region_of({}, 0, K_FREEALL)), K_OK);
    };
    const auto twin = [](KnCap victim) { return duplicate(victim, nobody, K_INHERITCOPY); };
    const auto expect_nothing = [](KnCap victim) { return expect_free(victim, room); };
    return {
        {nothing, call(Call::rgnAllocate, K_WRITABLE | K_NODEMAND), expect_whole},
        {fill, call(Call::rgnFree, 0), expect_whole},
        {fill, call(Call::rgnSetProtect, 0), expect_whole},
        {reserve, call(Call::rgnSetPaging, K_NODEMAND), expect_whole},
        {reserve, lock, unlock},
        {fill, copy, expect_whole},
        {fill, move(Call::rgnInitFromActor, true), expect_whole},
        {fill, move(Call::rgnMapFromActor, true), expect_whole},
        {nothing, move(Call::rgnInitFromActor, false), expect_none},
        {nothing, move(Call::rgnMapFromActor, false), expect_none},
        {clear, twin, expect_nothing},
    };
}

[[nodiscard]] Task<void> cut(const LongCall& call) {
    const auto may_go = [](long result) {
        EXPECT_TRUE(result == K_OK || result == K_EUNKNOWN || result == K_EADDR) << result;
    };
    EXPECT_EQ(co_await cut_short(call, may_go), K_OK);
}

// The root actor is a system actor: it may set the marks.
[[nodiscard]] Task<void> marks(u64) {
    Local<KnVmStat> stat;
    Local<KnVmPar> par;
    EXPECT_EQ(co_await attempt(Call::vmStat, stat.at()), K_OK);
    const KnVmStat before = co_await stat.get();
    KnVmPar wanted = before.par;
    EXPECT_EQ(co_await attempt(Call::vmSetPar, VirtAddr{8}), K_EFAULT);
    for (const auto& [red, orange, green] :
         {std::array<VmSize, 3>{2, 1, 3}, {1, 3, 2}, {1, 2, before.hostMem}}) {
        wanted.redMark = red * page_size;
        wanted.orangeMark = orange * page_size;
        wanted.greenMark = green * page_size;
        co_await par.set(wanted);
        EXPECT_EQ(co_await attempt(Call::vmSetPar, par.at()), K_EINVAL);
    }
    wanted.redMark = page_size;
    wanted.orangeMark = wanted.greenMark = 2 * page_size;
    co_await par.set(wanted);
    EXPECT_EQ(co_await attempt(Call::vmSetPar, par.at()), K_OK);
    EXPECT_EQ(co_await attempt(Call::vmStat, stat.at()), K_OK);
    EXPECT_EQ((co_await stat.get()).par.orangeMark, 2 * page_size);
    co_await par.set(before.par);
    EXPECT_EQ(co_await attempt(Call::vmSetPar, par.at()), K_OK);
}

} // namespace

TEST(MemoryCalls, marks) { play_clean(marks); }
TEST(MemoryCalls, wrong_places) { play_clean(wrong_places); }
TEST(MemoryCalls, wrong_ranges) { play_clean(wrong_ranges); }
TEST(MemoryCalls, code_and_loans) { play_clean(code_and_loans); }
TEST(MemoryCalls, wrong_transfers) { play_clean(wrong_transfers); }
TEST(MemoryCalls, descriptions) { play_clean(descriptions); }

TEST(MemoryCalls, locks_in_the_way) { play_clean(locks_in_the_way); }
TEST(MemoryCalls, cut_short) {
    for (const LongCall& call : long_calls()) play_clean([&](u64) { return cut(call); }, 1000);
}

} // namespace chorale::test
