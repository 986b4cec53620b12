// Memory that comes when it is touched, that several actors have, that is locked and described. Programs
// change it by vmCopy, which says so when there is no page; a store would be their end.
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr VirtAddr place{0x300'0000};

[[nodiscard]] Task<long> write(KnCap actor, VirtAddr at, u64 value) {
    Named target;
    Local<u64> word;
    co_await target.set(actor);
    co_await word.set(value);
    co_return co_await attempt(Call::vmCopy, 0, word.at(), target.at(), at, sizeof value, 0);
}

// What is there, if it can be read.
[[nodiscard]] Task<u64> read(KnCap actor, VirtAddr at, u64 otherwise) {
    Named source;
    Local<u64> word;
    co_await source.set(actor);
    co_await word.set(otherwise);
    static_cast<void>(co_await attempt(Call::vmCopy, source.at(), at, 0, word.at(), sizeof otherwise, 0));
    co_return co_await word.get();
}

// What the program itself reaches is there before it does.
[[nodiscard]] Task<void> touch_pages(VirtAddr at) {
    if (co_await allocate(nobody, region_of(at, 700 * page_size, K_WRITABLE)) < 0) co_return;
    if (co_await on_range(Call::vmLock, nobody, at + page_size, 2 * page_size, K_WRITABLE) == K_OK) {
        co_await store(at + page_size, u64{5});
        if (co_await load<u64>(at + page_size) != 5) complain("a new page does not remember");
        if (co_await load<u64>(at + 2 * page_size) != 0) complain("a new page is not zero");
        static_cast<void>(co_await on_range(Call::vmUnLock, nobody, at + page_size, 2 * page_size, 0));
    }
    if (co_await write(nobody, at + 600 * page_size, 6) == K_OK &&
        co_await read(nobody, at + 600 * page_size, 6) != 6)
        complain("a page that a call brought does not remember");
    static_cast<void>(co_await on_region(Call::rgnSetPaging, nobody,
                                         region_of(at + 512 * page_size, 4 * page_size, K_NODEMAND)));
    const long closed =
        co_await on_region(Call::rgnSetProtect, nobody, region_of(at + page_size, 520 * page_size, 0));
    if (co_await write(nobody, at + page_size, 7) == K_OK && closed == K_OK)
        complain("a page that cannot be written was");
    static_cast<void>(
        co_await on_region(Call::rgnSetProtect, nobody, region_of(at, 700 * page_size, K_WRITABLE)));
    for (int tries = 0; tries < 8; ++tries)
        if (co_await release(nobody, region_of(at, 700 * page_size, 0)) != K_ENOMEM) break;
}

// Two copies of a range, and a third that is shared.
[[nodiscard]] Task<void> share_about(KnCap source, VirtAddr from, KnCap target, VirtAddr at) {
    const KnRgnDesc given = region_of(from, 6 * page_size, 0);
    for (u64 round = 1; round < 3; ++round) {
        static_cast<void>(co_await write(source, from + page_size, round));
        const long copied =
            co_await transfer(Call::rgnInitFromActor, target, region_of(at, 0, K_WRITABLE), source, given);
        const long mapped = co_await transfer(Call::rgnMapFromActor, target,
                                              region_of(at + 0x10'0000, 0, K_WRITABLE), source, given);
        const u64 before = co_await read(target, at + page_size, round);
        const bool written = co_await write(source, from + page_size, 100 + round) == K_OK;
        if (copied == K_OK && co_await read(target, at + page_size, before) != before)
            complain("a copy has changed");
        if (mapped == K_OK && written &&
            co_await read(target, at + 0x10'0000 + page_size, 100 + round) != 100 + round)
            complain("what is shared is not seen");
        if (copied == K_OK && co_await write(target, at + page_size, 7) == K_OK &&
            co_await read(source, from + page_size, 0) == 7)
            complain("a copy writes through");
        static_cast<void>(co_await transfer(Call::rgnInitFromActor, target,
                                            region_of(at + 0x20'0000, 0, K_WRITABLE), target,
                                            region_of(at + 0x10'0000, 3 * page_size, 0)));
        for (int tries = 0; tries < 20; ++tries) {
            const long gone = co_await release(target, region_of(at, 0x30'0000, 0));
            if (gone == K_OK || gone == K_EADDR || gone == K_EUNKNOWN) break;
            co_await rest(20 * microsecond);
        }
    }
}

[[nodiscard]] Task<void> describe(KnCap actor, VirtAddr at) {
    Named owner;
    Local<KnRgnDesc> region;
    Local<KnRgnStat> stat;
    Local<KnVmStat> memory;
    Local<PhAddr> physical;
    co_await owner.set(actor);
    KnRgnDesc middle = region_of(at + page_size, page_size, K_INHERITSHARE);
    static_cast<void>(co_await on_region(Call::rgnSetInherit, actor, middle));
    middle.options = 0;
    middle.opaque2 = 9;
    static_cast<void>(co_await on_region(Call::rgnSetOpaque, actor, middle));
    co_await region.set(middle);
    if (co_await attempt(Call::rgnStat, owner.at(), region.at(), stat.at(), sizeof(KnRgnStat)) > 0) {
        const KnRgnStat seen = co_await stat.get();
        if (seen.startAddr > at.raw() + page_size || seen.endAddr < at.raw() + 2 * page_size)
            complain("another region is described");
    }
    if (co_await attempt(Call::vmPhysAddr, owner.at(), at, physical.at()) == K_OK)
        complain("an address of a frame is everybody's to know");
    if (co_await attempt(Call::vmStat, memory.at()) == K_OK) {
        const KnVmStat seen = co_await memory.get();
        if (seen.freeMem > seen.hostMem) complain("more is free than there is");
        Local<KnVmPar> par;
        co_await par.set(seen.par);
        if (co_await attempt(Call::vmSetPar, par.at()) == K_OK) complain("everybody may set the marks");
    }
    for (const KnRgnDesc& bad :
         {region_of(at + 8, page_size, 0), region_of(at, 0, 0), region_of(at, page_size, 0x8000)}) {
        for (const Call call :
             {Call::rgnSetProtect, Call::rgnSetInherit, Call::rgnSetPaging, Call::rgnSetOpaque})
            if (co_await on_region(call, actor, bad) == K_OK) complain("a bad range was changed");
        if (co_await transfer(Call::rgnMapFromActor, actor, region_of(at, 0, 0), actor, bad) == K_OK)
            complain("a bad range was mapped");
    }
}

// While it is locked nobody frees it; who waits to can be aborted.
[[nodiscard]] Task<void> lock_for_a_while(KnCap actor, VirtAddr at) {
    const long locked = co_await on_range(Call::vmLock, actor, at, 2 * page_size, 0);
    co_await rest(300 * microsecond);
    if (locked == K_OK) static_cast<void>(co_await on_range(Call::vmUnLock, actor, at, 2 * page_size, 0));
}

[[nodiscard]] Task<void> free_slowly(KnCap actor, VirtAddr at) {
    static_cast<void>(co_await release(actor, region_of(at, 4 * page_size, 0)));
}

// A duplicate of the actor, begun while others change it; sometimes somebody is deleted in the middle.
[[nodiscard]] Task<void> duplicate(KnCap source, VmFlags how, bool doomed) {
    Local<KnCap> made;
    if (co_await attempt(Call::actorCreate, 0, made.at(), K_USERACTOR, K_ACTIVE) != K_OK) co_return;
    const KnCap copy = co_await made.get();
    Named target, original;
    co_await target.set(copy);
    co_await original.set(source);
    for (int tries = 0; tries < 5; ++tries) {
        const long result = co_await attempt(Call::rgnDup, target.at(), original.at(), how);
        if (result != K_EBUSY) break;
        co_await rest(20 * microsecond);
    }
    static_cast<void>(co_await write(copy, room, 3));
    static_cast<void>(co_await attempt(Call::rgnDup, target.at(), target.at(), how));
    if (!doomed || co_await attempt(Call::actorDelete, target.at()) != K_OK) co_await remove_actor(copy);
}

} // namespace

Task<void> pages_on_demand(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    co_await stage->play(actor, [](u64) { return touch_pages(place); }, {.stack = 1});
    co_await stage->play(actor, [](u64) { return touch_pages(VirtAddr{0x500'0000}); },
                         {.cpu = 1, .stack = 2});
    if (there(other)) {
        static_cast<void>(co_await allocate(other, region_of(place, 4 * page_size, K_WRITABLE)));
        co_await stage->play(actor, [other](u64) { return describe(other, place); }, {.cpu = 2, .stack = 3});
        co_await stage->play(actor, [other](u64) { return lock_for_a_while(other, place); }, {.stack = 4});
        const long waiting = co_await stage->serve(actor, [other](u64) { return free_slowly(other, place); },
                                                   {.cpu = 3, .stack = 5});
        co_await rest(100 * microsecond);
        if (waiting > 0) static_cast<void>(co_await on_thread(Call::threadAbort, actor, waiting));
        co_await stage->play(actor, [other](u64) { return free_slowly(other, place); },
                             {.cpu = 1, .stack = 6});
    }
    co_await stage->end();
}

Task<void> shared_pages(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), source = co_await stage->actor(true);
    const KnCap one = co_await stage->actor(), two = co_await stage->actor();
    if (there(source) && there(one) && there(two)) {
        co_await stage->play(actor, [source, one](u64) { return share_about(source, room, one, place); },
                             {.stack = 1});
        co_await stage->play(actor,
                             [source, two](u64) { return share_about(source, room + 0x10000, two, place); },
                             {.cpu = 1, .stack = 2});
        co_await stage->play(actor, [source](u64) { return duplicate(source, K_INHERITCOPY, false); },
                             {.cpu = 2, .stack = 3});
        co_await stage->play(actor, [source](u64) { return duplicate(source, K_INHERITSHARE, true); },
                             {.cpu = 3, .stack = 4});
        co_await rest(200 * microsecond);
        co_await stage->play(actor, [two](u64) { return remove_actor(two); }, {.cpu = 2, .stack = 5});
    }
    co_await stage->end();
}

} // namespace chorale::test
