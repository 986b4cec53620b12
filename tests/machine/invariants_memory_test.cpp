// Each invariant of memory is broken in a system at rest, seen to be reported, and put right again.
#include "arch/host/cpu.hpp"
#include "arch/host/machine.hpp"
#include "arch/host/memory.hpp"
#include "kernel/mem/asid.hpp"
#include "kernel/mem/frame.hpp"
#include "tests/machine/stage.hpp"
#include "tests/machine/standing.hpp"
#include "tests/machine/world.hpp"

namespace chorale::test {

namespace {

using Geometry = machine::PageTableGeometry;

// The region and the page-table entry at `at`, to be written.
[[nodiscard]] Region& region_at(Actor& actor, VirtAddr at) {
    Region* found = nullptr;
    actor.space.inspect(
        [&](const RegionList& regions, const PageTable&) { found = regions.at_or_after(at); });
    return *found;
}

[[nodiscard]] u64& entry_at(Actor& actor, VirtAddr at, unsigned level = 0) {
    u64* found = nullptr;
    actor.space.inspect([&](const RegionList&, const PageTable& table) {
        table.for_each_entry([&](VirtAddr place, unsigned its_level, u64& entry, u64) {
            if (its_level == level && place <= at && at < place + PageTable::span(level)) found = &entry;
        });
    });
    return *found;
}

} // namespace

TEST(Invariants, regions) {
    with_standing([](Standing& all) {
        Region& region = region_at(*all.actor, host::data_base);
        const VirtRange range = region.range;
        region.demand = false; // all its pages are there, and must be
        broken(region.range, VirtRange{range.begin, range.end - page_size}, 24, "is in no region");
        broken(region.range, VirtRange{range.begin, range.end + page_size}, 24, "no page at");
        broken(region.range, VirtRange{range.end, range.begin}, 24, "a bad range");
        broken(region.range, VirtRange{VirtAddr{}, range.end}, 24, "out of order");
        broken(region.range, VirtRange{range.begin + 8, range.end}, 24, "a bad range");
        broken(region.protection, Protection::read | Protection::user, 24, "its region");
        broken(region.protection, Protection::none, 24, "is shown");
        broken(region.protection, region.protection | Protection::execute, 26, "is writable and executable");
        broken(region.backing, Backing::nothing, 24, "is in a guard");
        broken(region.state, RegionState::changing, 24, "somebody left off", Depth::quiet);
        RegionList stray;
        const auto made = stray.insert(range, Protection::read, Backing::nothing, RegionState::ready);
        ASSERT_TRUE(made.ok());
        expect_reported(0, "region exist and");
        stray.erase(*made.value());
    });
}

TEST(Invariants, page_tables) {
    with_standing([](Standing& all) {
        region_at(*all.actor, host::data_base).demand = false;
        u64& page = entry_at(*all.actor, host::data_base);
        const u64 next = entry_at(*all.actor, host::data_base + page_size);
        broken(page, 0, 24, "no page at");
        broken(page, page & ~Geometry::bit_present, 24, "is hidden");
        broken(page, page & ~Geometry::bit_write, 24, "its region");
        broken(page, page & ~Geometry::bit_user, 24, "is not the user's");
        broken(page, page & ~Geometry::bit_no_execute, 24, "its region");
        broken(page, next, 24, "belongs to");
        broken(page, page ^ u64{1} << 40, 24, "which is not its");
        u64& table = entry_at(*all.actor, host::data_base, 1);
        broken(table, table & ~Geometry::bit_present, 24, "is shown in a hidden table");
        const u64 limit = all.actor->space.page_limit();
        all.actor->space.set_page_limit(1);
        expect_reported(24, "has more pages than it may");
        all.actor->space.set_page_limit(limit);
    });
}

TEST(Invariants, frames) {
    with_standing([](Standing& all) {
        const Result<PhysAddr> lost = allocate_frame();
        ASSERT_TRUE(lost.ok());
        expect_reported(24, "frames are taken and");
        all.message->pages[0] = lost.value();
        all.message->page_count = 1;
        EXPECT_TRUE(check_invariants(Depth::whole).empty()) << "now a message has it";
        broken(all.receiver->fpu_area, machine::direct<void>(lost.value()), 24, "belongs to");
        all.message->page_count = 0;
        free_frame(lost.value());
        broken(all.receiver->fpu_area, machine::direct<void>(lost.value()), 24, "which is not its");
        u64& page = entry_at(*all.actor, host::data_base);
        ASSERT_TRUE(share_frame(Geometry::address(page)));
        expect_reported(24, "owners and has");
        release_frame(Geometry::address(page));
        const u64 next = entry_at(*all.actor, host::data_base + page_size);
        broken(page, next | Geometry::bit_copy, 24, "in different ways");
        const unsigned asid = allocate_asid();
        expect_reported(24, "address space identifiers are taken");
        free_asid(asid);
    });
}

TEST(Invariants, translations) {
    with_standing([](Standing& all) {
        host::Cpu& cpu = host::cpu(1);
        const u64 asid = all.actor->space.asid();
        const uword page = host::data_base.raw();
        const u64 entry = entry_at(*all.actor, host::data_base);
        const auto right = cpu.tlb;
        const auto remember = [&](u64 space, uword at, host::Translation known, const char* text) {
            cpu.tlb[{space, at}] = known;
            expect_reported(24, text);
            cpu.tlb = right;
        };
        const u32 age = host::frame_age(Geometry::address(entry));
        remember(asid, page, {entry, 0, age + 1}, "whose frame was given back");
        remember(asid, 0x7000'0000, {entry, 0, age}, "where no region is");
        remember(4000, page, {entry, 0, age}, "which is gone");
        remember(asid, page, {entry ^ Geometry::bit_no_execute, 0, age}, "rights that it has not");
        const u64 other = entry_at(*all.actor, host::data_base + page_size);
        const u32 other_age = host::frame_age(Geometry::address(other));
        remember(asid, page, {other, 0, other_age}, "in another frame");
    });
}

// Everything idle.
TEST(Invariants, quiet) {
    static_cast<void>(machine());
    EXPECT_TRUE(check_invariants(Depth::quiet).empty());
    Actor* root = nullptr;
    for (unsigned i = 0; i < actor_limit; ++i) {
        if (Actor* const actor = actor_at(i); actor != nullptr && actor->privilege == K_SYSTEMACTOR)
            root = actor;
    }
    ASSERT_NE(root, nullptr);
    Thread* const thread = root->tables.with([](Actor::Tables& tables) { return tables.threads[1]; });
    ASSERT_NE(thread, nullptr);
    broken(root->default_port->touring, true, 19, "its token is under way", Depth::quiet);
    broken(root->default_port->slot(2).waiters, thread, 18, "and does not wait", Depth::quiet);
    broken(thread->state, static_cast<u32>(Doing::running), 9, "runs and is not current", Depth::quiet);
}

} // namespace chorale::test
