// Memory that somebody puts into another's region and takes back (vmMap, K_DISCARD), whose contents go, or
// that is out of reach for a while (K_NOACCESS), with others at work on the same pages.
#include "tests/machine/memory_calls.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr VirtAddr place{0x300'0000}, plain{0x400'0000};
constexpr uword pages = 6, size_of_place = pages * page_size;

[[nodiscard]] Task<long> lend(KnCap from, VirtAddr at, KnCap to, VirtAddr there, uword size,
                              VmFlags flags = 0) {
    Named source, target;
    co_await source.set(from);
    co_await target.set(to);
    co_return co_await attempt(Call::vmMap, source.at(), at, target.at(), there, size, flags);
}

[[nodiscard]] Task<void> look_at(KnCap actor, VirtAddr at) {
    Named owner;
    Local<KnRgnDesc> region;
    Local<KnRgnStat> stat;
    co_await owner.set(actor);
    co_await region.set(region_of(at, page_size, 0));
    static_cast<void>(co_await attempt(Call::rgnStat, owner.at(), region.at(), stat.at(), sizeof(KnRgnStat)));
}

[[nodiscard]] Task<void> lend_wrongly(KnCap source, KnCap borrower) {
    const struct {
        VirtAddr from, to;
        uword size;
        VmFlags flags;
    } wrong[] = {
        {nowhere, place, page_size, 0},       {place, nowhere, page_size, 0}, {place, plain, page_size, 0},
        {place + 8, place, page_size, 0},     {place, place, 0, 0},           {place, place, page_size, 1},
        {place, place, size_of_place * 2, 0}, {plain, place, page_size, 0}};
    for (const auto& [from, to, size, flags] : wrong) {
        const long result = co_await lend(source, from, borrower, to, size, flags);
        if (result == K_OK) complain("what cannot be lent is");
    }
    static_cast<void>(co_await lend(source, place, borrower, place + 8, page_size));
    static_cast<void>(
        co_await allocate(borrower, region_of(nowhere, page_size, K_WRITABLE | K_VMMAP | K_NODEMAND)));
    // Memory that is lent is not lent on; nobody's is not lent either.
    static_cast<void>(co_await lend(borrower, place, borrower, place, page_size));
    static_cast<void>(co_await lend({{1, 2}, 3}, place, borrower, place, page_size));
    static_cast<void>(co_await lend(source, place, {{1, 2}, 3}, place, page_size));
}

// Their own memory may be copied, and no longer be lent then; what they have been lent is left alone.
[[nodiscard]] Task<void> copy_about(KnCap source, KnCap borrower, KnCap target) {
    static_cast<void>(co_await on_region(Call::rgnSetProtect, nobody, region_of(place, page_size, 0)));
    static_cast<void>(co_await on_region(Call::rgnSetInherit, nobody, region_of(place, page_size, 0)));
    Named from, to;
    co_await from.set(borrower);
    co_await to.set(target);
    static_cast<void>(co_await attempt(Call::rgnDup, to.at(), from.at(), K_INHERITCOPY));
    static_cast<void>(co_await transfer(Call::rgnInitFromActor, target, region_of(plain, 0, K_WRITABLE),
                                        source, region_of(place, 2 * page_size, 0)));
    static_cast<void>(co_await lend(source, place, borrower, place, 2 * page_size));
}

[[nodiscard]] Task<void> lend_about(KnCap source, KnCap borrower) {
    for (int round = 0; round < 3; ++round) {
        static_cast<void>(co_await lend(source, place, borrower, place, size_of_place));
        static_cast<void>(co_await lend(source, place + page_size, borrower, place, page_size)); // is taken
        static_cast<void>(co_await on_region(Call::rgnSetProtect, borrower,
                                             region_of(place, 2 * page_size, round == 0 ? 0 : K_WRITABLE)));
        co_await look_at(borrower, place);
        static_cast<void>(co_await release(borrower, region_of(place + page_size, 3 * page_size, K_DISCARD)));
        static_cast<void>(co_await lend(source, place, borrower, place + page_size, page_size));
        co_await lend_wrongly(source, borrower);
        static_cast<void>(co_await transfer(Call::rgnMapFromActor, source, region_of(plain, 0, K_WRITABLE),
                                            borrower, region_of(place, page_size, 0)));
        static_cast<void>(co_await release(borrower, region_of(place, size_of_place, K_DISCARD)));
    }
}

// The lender's memory goes, and comes again, meanwhile.
[[nodiscard]] Task<void> change_source(KnCap source) {
    for (int round = 0; round < 4; ++round) {
        static_cast<void>(co_await on_region(Call::rgnSetProtect, source,
                                             region_of(place + page_size, page_size, K_NOACCESS)));
        static_cast<void>(co_await release(source, region_of(place + 4 * page_size, page_size, 0)));
        co_await rest(20 * microsecond);
        static_cast<void>(co_await on_region(Call::rgnSetProtect, source,
                                             region_of(place + page_size, page_size, K_WRITABLE)));
        static_cast<void>(
            co_await allocate(source, region_of(place + 4 * page_size, page_size, K_WRITABLE | K_NODEMAND)));
    }
}

[[nodiscard]] Task<void> discard(KnCap actor, VirtAddr at) {
    for (int round = 0; round < 4; ++round) {
        const VirtAddr from = at + static_cast<uword>(round % 3) * page_size;
        static_cast<void>(co_await release(actor, region_of(from, 3 * page_size, K_DISCARD)));
        co_await rest(5 * microsecond);
    }
    for (const auto& [begin, size] : {std::pair{at + 8, page_size}, {nowhere, page_size}, {at, uword{0}}})
        static_cast<void>(co_await release(actor, region_of(begin, size, K_DISCARD)));
}

// By calls, which say so when there is no page.
[[nodiscard]] Task<void> write_about(KnCap actor, VirtAddr at) {
    Named target;
    Local<u64> word;
    co_await target.set(actor);
    co_await word.set(7);
    for (int i = 0; i < 12; ++i) {
        const VirtAddr to = at + static_cast<uword>(i) % pages * page_size;
        static_cast<void>(co_await attempt(Call::vmCopy, 0, word.at(), target.at(), to, sizeof(u64), 0));
        static_cast<void>(co_await attempt(Call::vmCopy, target.at(), to, 0, word.at(), sizeof(u64), 0));
    }
}

[[nodiscard]] Task<void> hide_and_show(KnCap actor, VirtAddr at) {
    for (int round = 0; round < 3; ++round) {
        for (const VmFlags rights :
             {VmFlags{K_NOACCESS}, VmFlags{K_WRITABLE}, VmFlags{K_NOACCESS | K_WRITABLE}}) {
            static_cast<void>(
                co_await on_region(Call::rgnSetProtect, actor, region_of(at, 2 * page_size, rights)));
            co_await look_at(actor, at);
            co_await rest(10 * microsecond);
        }
    }
    static_cast<void>(co_await allocate(actor, region_of(at + 32 * page_size, page_size, K_NOACCESS)));
    static_cast<void>(co_await release(actor, region_of(at + 32 * page_size, page_size, 0)));
}

} // namespace

Task<void> pages_lent(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap system = co_await stage->actor(false, K_SYSTEMACTOR), source = co_await stage->actor(),
                borrower = co_await stage->actor(), target = co_await stage->actor(),
                late = co_await stage->actor();
    if (there(system) && there(source) && there(borrower)) {
        static_cast<void>(
            co_await allocate(source, region_of(place, size_of_place, K_WRITABLE | K_NODEMAND)));
        static_cast<void>(co_await allocate(source, region_of(plain, size_of_place, K_WRITABLE)));
        static_cast<void>(co_await allocate(borrower, region_of(place, size_of_place, K_WRITABLE | K_VMMAP)));
        static_cast<void>(co_await allocate(borrower, region_of(plain, size_of_place, K_WRITABLE)));
        co_await stage->play(system, [=](u64) { return lend_about(source, borrower); }, {.stack = 1});
        co_await stage->play(system, [=](u64) { return change_source(source); }, {.cpu = 1, .stack = 2});
        co_await stage->play(system, [=](u64) { return write_about(borrower, place); },
                             {.cpu = 2, .stack = 3});
        co_await stage->play(borrower, [=](u64) { return lend_wrongly(source, borrower); }, {.stack = 1});
        co_await stage->play(system, [=](u64) { return discard(borrower, plain); }, {.cpu = 2, .stack = 4});
        co_await stage->play(system, [=](u64) { return write_about(borrower, plain); },
                             {.cpu = 3, .stack = 5});
        co_await stage->play(system, [=](u64) { return hide_and_show(source, plain); },
                             {.cpu = 1, .stack = 6});
        co_await stage->play(borrower, [=](u64) { return copy_about(source, borrower, target); },
                             {.cpu = 1, .stack = 2});
        co_await rest(200 * microsecond);
        co_await stage->play(system, [=](u64) { return copy_about(source, borrower, late); },
                             {.cpu = 2, .stack = 8});
        co_await stage->play(system, [=](u64) { return lend_about(source, borrower); }, {.stack = 9});
        co_await rest(30 * microsecond);
        co_await stage->play(system, [=](u64) { return remove_actor(source); }, {.cpu = 3, .stack = 7});
    }
    co_await stage->end();
}

} // namespace chorale::test
