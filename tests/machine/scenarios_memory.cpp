// Memory: regions, copies between actors, floating-point registers, programs that go wrong.
#include "kernel/mem/region.hpp"
#include "tests/machine/scenarios.hpp"
#include "tests/machine/stage.hpp"

namespace chorale::test {

using namespace host;

namespace {

constexpr VirtAddr place{0x200'0000};
constexpr VirtAddr elsewhere{0x300'0000}; // where nobody makes a region
constexpr VmFlags data = K_WRITABLE | K_NODEMAND;

// ---- regions ---------------------------------------------------------------------------------------------

[[nodiscard]] Task<void> refused_regions(KnCap actor) {
    const struct {
        KnRgnDesc region;
        long error;
    } wrong[] = {{region_of(elsewhere + 1, page_size, data), K_EROUND},
                 {region_of(elsewhere, 0, data), K_ESIZE},
                 {region_of(elsewhere, ~uword{0}, data), K_ESIZE},
                 {region_of(VirtAddr{0}, page_size, data), K_EADDR},
                 {region_of(VirtAddr{machine::user_limit()}, page_size, data), K_EADDR},
                 {region_of(data_base, page_size, data), K_EOVERLAP},
                 {region_of(elsewhere, page_size, K_WRITABLE | K_EXECUTABLE), K_EINVAL},
                 {region_of(elsewhere, page_size, 0x8000), K_EINVAL}};
    for (const auto& [region, error] : wrong) {
        const long result = co_await allocate(actor, region);
        if (result >= 0) complain("a bad region was made, instead of error " + std::to_string(error));
        if (result != error && result != K_EFAULT && result != K_ENOMEM)
            complain("a bad region: " + std::to_string(result) + ", not " + std::to_string(error));
    }
    for (const KnRgnDesc& region : {region_of(elsewhere + 1, page_size, 0), region_of(elsewhere, 0, 0),
                                    region_of(elsewhere, page_size, 0), region_of(VirtAddr{0}, page_size, 0),
                                    region_of(elsewhere, page_size, K_WRITABLE)}) {
        if (co_await release(actor, region) == K_OK) complain("a bad region was freed");
    }
}

// Cuts holes, frees across regions, and everything.
// `alone`: nobody else uses the range, so what is there stays.
[[nodiscard]] Task<void> use_regions(KnCap actor, VirtAddr at, bool alone) {
    for (int round = 0; round < 2; ++round) {
        const long low = co_await allocate(actor, region_of(at, 6 * page_size, data));
        const long high = co_await allocate(actor, region_of(at + 8 * page_size, 3 * page_size, 0));
        const long code = co_await allocate(actor, region_of(at + 12 * page_size, page_size, K_EXECUTABLE));
        if (low > 0 && alone) {
            co_await store(at + page_size, u64{7});
            if (co_await load<u64>(at + page_size) != 7) complain("memory does not remember");
        }
        static_cast<void>(co_await release(actor, region_of(at + 2 * page_size, page_size, 0)));
        static_cast<void>(co_await release(actor, region_of(at + 5 * page_size, 5 * page_size, 0)));
        if (low > 0 && alone && co_await load<u64>(at + page_size) != 7) complain("memory was lost");
        static_cast<void>(high + code);
        for (int tries = 0; tries < 4; ++tries) {
            const long result = co_await release(actor, region_of(at, 16 * page_size, 0));
            if (result == K_OK || result == K_EADDR) break;
        }
    }
}

// A call that fails has made nothing, also when it was the result that could not be written.
[[nodiscard]] Task<void> regions_nobody_is_told_of(KnCap actor) {
    for (const VmFlags options : {VmFlags{K_WRITABLE}, VmFlags{data}, VmFlags{K_RESERVED}}) {
        const u64 before = live_regions();
        const KnRgnDesc wanted = region_of({}, 3 * page_size, options | K_ANYWHERE);
        const long made = co_await allocate(actor, wanted);
        if (made < 0 && live_regions() != before) complain("a region that nobody was told of is left");
    }
}

// Large pages: whole ones, and one that is split.
[[nodiscard]] Task<void> use_large_pages(VirtAddr at) {
    const long start = co_await allocate(nobody, region_of(at, 2 * large_page_size, data));
    if (start < 0) co_return;
    co_await store(at + page_size, u64{1});
    co_await store(at + large_page_size + 8 * page_size, u64{2});
    static_cast<void>(co_await release(nobody, region_of(at + large_page_size, page_size, 0)));
    static_cast<void>(co_await release(nobody, region_of(at + page_size * 2, page_size, 0)));
    if (co_await load<u64>(at + page_size) != 1 ||
        co_await load<u64>(at + large_page_size + 8 * page_size) != 2)
        complain("a large page lost its contents");
    const long anywhere = co_await allocate(nobody, region_of({}, 3 * page_size, data | K_ANYWHERE));
    if (anywhere > 0)
        static_cast<void>(
            co_await release(nobody, region_of(VirtAddr{static_cast<uword>(anywhere)}, page_size, 0)));
}

// All of the actor, and with it the ground under its own feet.
[[nodiscard]] Task<void> free_everything(KnCap actor) {
    co_await rest(500 * microsecond);
    static_cast<void>(co_await release(actor, region_of({}, 0, K_FREEALL)));
}

// ---- copies ----------------------------------------------------------------------------------------------

[[nodiscard]] Task<long> copy(KnCap from, VirtAddr source, KnCap to, VirtAddr target, uword size,
                              u64 flags = 0) {
    Named giver, taker;
    co_await giver.set(from);
    co_await taker.set(to);
    co_return co_await attempt(Call::vmCopy, giver.at(), source, taker.at(), target, size, flags);
}

[[nodiscard]] Task<void> copy_about(KnCap from, KnCap to) {
    co_await store(room, u64{11});
    co_await store(room + 5000, u64{12});
    if (co_await copy(nobody, room, from, room + 100, 6000) == K_OK &&
        co_await copy(from, room + 100, nobody, room + 20'000, 6000) == K_OK &&
        co_await load<u64>(room + 25'000) != 12) {
        complain("a copy came back changed");
    }
    if (co_await copy(nobody, room, to, code_base, 64) == K_EADDR) complain("no code can be written");
    if (co_await copy(nobody, room, nobody, code_base, 64) == K_OK) complain("an actor wrote its own code");
    if (co_await copy(nobody, place, to, room, 64) == K_OK) complain("copied from nowhere");
    if (co_await copy(nobody, room, to, place, 64) == K_OK) complain("copied to nowhere");
    if (co_await copy(nobody, room, to, room, ~uword{0}) == K_OK) complain("copied more than there is");
    if (co_await copy(nobody, room, to, room, 8, 1) == K_OK) complain("copied with unknown flags");
    static_cast<void>(co_await copy(nobody, room, to, room, 0));
    for (int i = 0; i < 4; ++i) static_cast<void>(co_await copy(from, room, to, room, 60'000));
}

// ---- floating point --------------------------------------------------------------------------------------

[[nodiscard]] Task<void> compute(u64 seed, bool moves) {
    const long self = co_await attempt(Call::threadSelf);
    for (u64 round = 0; round < 6; ++round) {
        u64* registers = co_await use_fpu();
        if (round == 0) {
            for (unsigned i = 0; i < 8; ++i) registers[i] = seed + i;
        }
        for (unsigned i = 0; i < 8; ++i) {
            if (registers[i] != seed + i) complain("floating-point registers of somebody else");
        }
        static_cast<void>(co_await attempt(Call::threadDelay, 0));
        if (round == 2) co_await rest(10 * microsecond);
        if (moves && round % 2 == 1) static_cast<void>(co_await bind(nobody, self, round % 4));
        co_await pause();
    }
}

// ---- programs that go wrong ------------------------------------------------------------------------------

[[nodiscard]] Task<void> touch(VirtAddr at) {
    co_await rest(50 * microsecond);
    co_await store(at, u64{1});
    complain("a program wrote where it must not");
}

[[nodiscard]] Task<void> serve_and_touch(long li, VirtAddr at) {
    static_cast<void>(co_await attempt(message_receive(static_cast<int>(li))));
    co_await store(at, u64{1});
    complain("a server wrote where it must not");
}

[[nodiscard]] Task<void> call_a_faulty_one(KnUniqueId port) {
    const MessageResult reply = co_await attempt(message_call(port));
    if (reply.size >= 0) complain("a server that is gone replied");
}

[[nodiscard]] Task<void> stay() { static_cast<void>(co_await rest(1000 * millisecond)); }

} // namespace

Task<void> regions(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), shared = co_await stage->actor();
    if (actor.ui.uiHead != 0) co_await regions_nobody_is_told_of(actor);
    co_await stage->play(actor, [](u64) { return refused_regions(nobody); }, {.stack = 1});
    co_await stage->play(actor, [](u64) { return use_regions(nobody, place, true); }, {.cpu = 1, .stack = 2});
    co_await stage->play(actor, [](u64) { return use_large_pages(VirtAddr{0x4000'0000}); },
                         {.cpu = 2, .stack = 3});
    for (const CpuIndex cpu : {0u, 1u, 3u}) {
        co_await stage->play(shared, [](u64) { return use_regions(nobody, place, false); },
                             {cpu, 100, cpu + 1});
        co_await stage->play(actor, [shared](u64) { return use_regions(shared, place, false); },
                             {cpu, 100, cpu + 5});
    }
    co_await stage->end();

    const KnCap bare = co_await stage->actor(), other = co_await stage->actor();
    co_await stage->serve(bare, [](u64) { return stay(); }, {.stack = 1});
    co_await stage->serve(bare, [](u64) { return free_everything(nobody); }, {.cpu = 1, .stack = 2});
    co_await stage->play(other, [bare](u64) { return free_everything(bare); }, {.cpu = 2, .stack = 3});
    co_await stage->end();
}

Task<void> copies(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(true), one = co_await stage->actor(true);
    const KnCap two = co_await stage->actor(true);
    if (there(one) && there(two)) {
        co_await stage->play(actor, [one, two](u64) { return copy_about(one, two); }, {.stack = 1});
        co_await stage->play(actor, [one, two](u64) { return copy_about(two, one); }, {.cpu = 1, .stack = 2});
        co_await rest(30 * microsecond);
        co_await stage->play(actor, [two](u64) { return remove_actor(two); }, {.cpu = 2, .stack = 3});
    }
    co_await stage->end();
}

Task<void> floating_point(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap actor = co_await stage->actor(), other = co_await stage->actor();
    for (unsigned i = 0; i < 6; ++i) {
        const Program program = [i](u64) { return compute(1000 * (i + 1), i % 3 == 2); };
        co_await stage->play(i % 2 == 0 ? actor : other, program, {i / 3, 100 + i % 2, i + 1});
    }
    const long doomed = co_await stage->serve(actor, [](u64) { return compute(9, false); },
                                              {.cpu = 1, .priority = 90, .stack = 9});
    co_await rest(20 * microsecond);
    if (doomed > 0) static_cast<void>(co_await on_thread(Call::threadDelete, actor, doomed));
    co_await stage->end();
}

Task<void> faulting_programs(u64) {
    const auto stage = std::make_shared<Stage>();
    const KnCap callers = co_await stage->actor();
    unsigned stack = 0;
    for (const VirtAddr at : {VirtAddr{0}, code_base, VirtAddr{machine::user_limit()}, place}) {
        const KnCap actor = co_await stage->actor();
        KnUniqueId port{};
        const long li = co_await stage->port(actor, port);
        co_await stage->serve(actor, [](u64) { return stay(); }, {.cpu = 1, .stack = 1});
        co_await stage->serve(actor, [li](u64) { return serve_and_touch(li, place); }, {.stack = 2});
        co_await stage->serve(actor, [at](u64) { return touch(at); }, {.cpu = 2, .stack = 3});
        if (li > 0)
            co_await stage->play(callers, [port](u64) { return call_a_faulty_one(port); },
                                 {stack % 4, 100, ++stack});
    }
    co_await stage->end();
}

} // namespace chorale::test
