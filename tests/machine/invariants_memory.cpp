// Regions, page tables, frames, object caches, TLBs.
#include "arch/host/cpu.hpp"
#include "arch/host/machine.hpp"
#include "arch/host/memory.hpp"
#include "kernel/mem/asid.hpp"
#include "kernel/mem/frame.hpp"
#include "kernel/mem/slab.hpp"
#include "kernel/supervisor/supervisor_space.hpp"
#include "kernel/trace/trace.hpp"
#include "tests/machine/inspection.hpp"

#include <machine/fpu.hpp>
#include <machine/mmu.hpp>

namespace chorale::test {

namespace {

using Geometry = machine::PageTableGeometry;

struct Hexadecimal {
    u64 value;
    friend std::ostream& operator<<(std::ostream& to, Hexadecimal number) {
        return to << std::hex << "0x" << number.value << std::dec;
    }
};
[[nodiscard]] Hexadecimal hex(u64 value) { return {value}; }

// An entry of a TLB.
struct Remembered {
    CpuIndex cpu;
    u64 asid;
    uword page;
    friend std::ostream& operator<<(std::ostream& to, const Remembered& entry) {
        return to << "CPU " << entry.cpu << " remembers " << hex(entry.page) << " of space " << entry.asid;
    }
};

// A region whose pages are as they should be; those that come when they are touched may not be there.
[[nodiscard]] bool settled(const Region& region) {
    return region.state == RegionState::ready && region.backing != Backing::nothing;
}

constexpr Protection accesses = Protection::read | Protection::write | Protection::execute;

} // namespace

// Frames that belong to somebody: each to one.
void Inspection::own(PhysAddr block, unsigned order, const Place& owner) {
    if (!expect(block.page_aligned(), 24, owner, " has a bad frame ", hex(block.raw()))) return;
    expect(frames_allocated(block, order), 24, owner, " uses frame ", hex(block.raw()), ", which is not its");
    for (u64 i = 0; i < u64{1} << order; ++i) {
        const auto [place, first] = frames_.emplace((block.raw() >> page_bits) + i, owner);
        expect(first, 24, "frame ", hex(block.raw()), " belongs to ", place->second, " and to ", owner);
    }
}

// A frame of a region: others may have it too, all of them as a common page or all of them to be shared.
void Inspection::own_or_share(u64 entry, unsigned level, const Place& where) {
    const bool common = allows(Geometry::protection(entry), Protection::copy);
    expect(!common || level == 0, 24, where, " is large and common");
    share(Geometry::address(entry), level, common, where);
}

void Inspection::share(PhysAddr frame, unsigned level, bool common, const Place& where) {
    const auto found = shares_.find(frame.raw());
    if (found == shares_.end()) {
        own(frame, PageTable::order(level), where);
        const u32 owners = level == 0 && frames_allocated(frame, 0) ? frame_owners(frame) : 1;
        if (owners > 1 || common) shares_.emplace(frame.raw(), Share{owners, 1, common, where});
        return;
    }
    ++found->second.seen;
    expect(found->second.common == common, 24, where, " and ", found->second.first,
           " have the same frame in different ways");
}

// The frames of a message are its own, or also in the space of a sender that waits, in whatever way. Zero:
// gone to the receiver.
void Inspection::check_bodies() {
    for (const auto& [message, owner] : messages_) {
        if (is_carrier(*message)) continue; // what it carries is shared with the cache
        for (u32 i = 0; i < message->page_count; ++i) {
            const PhysAddr frame = message->pages[i];
            if (const auto found = shares_.find(frame.raw()); found != shares_.end()) {
                ++found->second.seen;
            } else if (frame != PhysAddr{}) {
                share(frame, 0, false, owner);
            }
        }
    }
}

void Inspection::check_shares() {
    for (const auto& [frame, share] : shares_) {
        expect(share.seen == share.owners, 24, share.first, ": its frame counts ", share.owners,
               " owners and has ", share.seen);
    }
}

// ---- spaces ----------------------------------------------------------------------------------------------

void Inspection::check_regions(const SpaceOf& of, const RegionList& regions) {
    const VirtRange window = of.space.window();
    VirtAddr last{};
    u64 count = 0;
    for (const Region* region = regions.first(); region != nullptr; region = regions.next(*region)) {
        ++count;
        const auto [begin, end] = region->range;
        const Place where{"region at", of.actor, begin.raw()};
        expect(begin < end && begin.page_aligned() && end.page_aligned(), 24, where, ": a bad range");
        expect(begin >= last && begin >= window.begin && end <= window.end, 24, where, ": out of order");
        last = end;
        const bool both = allows(region->protection, Protection::write | Protection::execute);
        expect(!both, 26, where, " is writable and executable");
        expect(!quiet() || region->state == RegionState::ready, 24, where, ": somebody left off");
    }
    expect(regions.count() == count, 24, of, " counts ", regions.count(), " regions and has ", count);
    regions_ += count;
}

void Inspection::check_leaf(const SpaceOf& of, const Region& region, VirtAddr at, unsigned level, u64 entry) {
    const Place where{"page at", of.actor, at.raw()};
    if (region.backing == Backing::nothing) {
        wrong(24, where, " is in a guard");
        return;
    }
    expect(region.range.begin <= at && at + PageTable::span(level) <= region.range.end, 24, where,
           " reaches out of its region");
    const Protection has = Geometry::protection(entry);
    const bool common = allows(has, Protection::copy);
    if (owns(region.backing)) own_or_share(entry, level, where);
    if (region.state != RegionState::ready) return;
    const bool visible = allows(region.protection, Protection::read);
    // One that is being copied is hidden for a moment.
    const bool copying = common && !quiet() && !Geometry::present(entry);
    expect(copying || Geometry::present(entry) == visible, 24, where, visible ? " is hidden" : " is shown");
    const Protection rights = region.protection | Protection::read;
    // A page of a segment is read-only until it is written.
    const bool unwritten = region.view.maps() && !allows(has, Protection::write);
    const bool narrow = common || unwritten;
    const Protection should = narrow ? rights & (Protection::read | Protection::execute) : rights;
    expect((has & accesses) == (should & accesses), 24, where, " allows ", static_cast<unsigned>(has),
           ", its region ", static_cast<unsigned>(should));
    expect(allows(has, Protection::user) == of.user(), 24, where,
           of.user() ? " is not the user's" : " is the user's");
}

// The pages and tables that the space pays for.
u64 Inspection::check_entries(const SpaceOf& of, const RegionList& regions, const PageTable& table) {
    u64 paid = 0;
    table.for_each_entry([&](VirtAddr at, unsigned level, u64 entry, u64 above) {
        const Place where{"page at", of.actor, at.raw()};
        expect(above == 0 || Geometry::present(above) || !Geometry::present(entry), 24, where,
               " is shown in a hidden table");
        if (!Geometry::leaf(entry, level)) {
            own(Geometry::address(entry), 0, {"table at", of.actor, at.raw()});
            ++paid;
            return;
        }
        const Region* const region = regions.at_or_after(at);
        if (!expect(region != nullptr && region->range.contains(at), 24, where, " is in no region")) return;
        check_leaf(of, *region, at, level, entry);
        if (owns(region->backing)) paid += u64{1} << PageTable::order(level);
    });
    return paid;
}

void Inspection::check_holes(const SpaceOf& of, const RegionList& regions, const PageTable& table) {
    for (const Region* region = regions.first(); region != nullptr; region = regions.next(*region)) {
        if (!settled(*region) || region->demand || region->sparse) continue;
        if (region->view.segment != nullptr) continue;
        if (region->backing == Backing::lent) continue; // as its lender likes
        for (VirtAddr at = region->range.begin; at < region->range.end; at = at + page_size) {
            if (expect(table.frame_at(at).has_value(), 24, of, ": no page at ", hex(at.raw()))) continue;
            break;
        }
    }
}

void Inspection::check_space(Space& space, const SpaceOf& of) {
    space.inspect([&](const RegionList& regions, const PageTable& table) {
        check_regions(of, regions);
        // The tables at the top of the supervisor space are there from the beginning.
        const TraceMemory trace = trace_memory();
        const u64 traced =
            trace.owner != nullptr && trace.owner == of.actor ? u64{trace.count} << trace.order : 0;
        const u64 paid = check_entries(of, regions, table) + (of.user() ? 1 : 0) + traced;
        expect(space.pages() == paid, 24, of, " pays for ", space.pages(), " pages and has ", paid);
        check_holes(of, regions, table);
    });
    expect(space.pages() <= space.page_limit(), 24, of, " has more pages than it may");
}

void Inspection::check_space_of(Actor& actor) {
    Space& space = actor.space;
    if (space.root() == 0) {
        expect(space.regions() == 0 && space.pages() == 0, 24, name(actor),
               ": its space is gone, not its pages");
        return;
    }
    own(PhysAddr{space.root() & Geometry::address_mask}, 0, {"root table", &actor});
    check_space(space, {space, &actor});
}

void Inspection::check_spaces() {
    std::set<unsigned> asids;
    for (Actor* const actor : actors_) {
        check_space_of(*actor);
        const unsigned asid = actor->space.asid();
        expect(asid == 0 || asids.insert(asid).second, 24, name(*actor), " shares address space ", asid);
    }
    check_space(supervisor_space(), {supervisor_space(), nullptr});
    check_segments();
    check_message_spaces();
    check_bodies();
    check_shares();
    expect(asids.size() == asids_in_use(), 24, asids_in_use(), " address space identifiers are taken, ",
           asids.size(), " used");
}

// ---- frames and objects ----------------------------------------------------------------------------------

void Inspection::check_frames() {
    for (const Thread* const thread : threads_) {
        if (thread->fpu_area == nullptr) continue;
        own(machine::physical(thread->fpu_area), order_for(machine::fpu_area_size()),
            {"FPU of thread", thread->actor, static_cast<u64>(thread->lid)});
    }
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) {
        for (uword at = 0; at < PerCpu::bytes(known_cpus()); at += page_size)
            own(machine::physical(&cpu_at(cpu)) + at, 0, {"the block of CPU", nullptr, cpu});
        own(machine::physical(cpu_at(cpu).interrupt_thread), 0, {"the interrupt level of CPU", nullptr, cpu});
    }
    for (Actor* const actor : actors_) {
        actor->timers.tables.with([&](ActorTimers::Tables& tables) {
            for (const uword* const page : tables.pages)
                if (page != nullptr) own(machine::physical(page), 0, {"timers", actor});
        });
    }
    const TraceMemory trace = trace_memory();
    for (unsigned i = 0; i < trace.count; ++i)
        own(trace.place[i], trace.order, {"the trace of CPU", trace.owner, i});
    u64 slabs = 0;
    for (unsigned i = 0; SlabCache* const cache = slab_cache_at(i); ++i) slabs += cache->statistics().frames;
    const FrameStatistics frames = frame_statistics();
    expect(frames_.size() + slabs == frames.total - frames.free, 24, frames.total - frames.free,
           " frames are taken and ", frames_.size() + slabs, " have an owner");
}

void Inspection::check_objects() {
    const std::map<std::string_view, u64> counts{
        {"actors", actors_.size()}, {"threads", threads_.size()},      {"messages", messages_.size()},
        {"segments", segments_},    {"segment pages", segment_pages_}, {"region", regions_}};
    for (unsigned i = 0; SlabCache* const cache = slab_cache_at(i); ++i) {
        const SlabStatistics objects = cache->statistics();
        const auto found = counts.find(objects.name);
        if (found != counts.end()) {
            expect(objects.live == found->second, 0, objects.live, " ", objects.name, " exist and ",
                   found->second, " are known");
        }
        // What leaves a group is freed after a tour.
        const std::map<std::string_view, u64> at_rest{{"groups", groups_}, {"memberships", memberships_}};
        const auto resting = at_rest.find(objects.name);
        if (resting != at_rest.end()) {
            const bool right = quiet() ? objects.live == resting->second : objects.live >= resting->second;
            expect(right, 0, objects.live, " ", objects.name, " exist and ", resting->second, " are known");
        }
        // One that is being deleted may be known to nobody but a thread's call.
        if (objects.name == "ports") {
            const bool right = quiet() ? objects.live == attached_.size() : objects.live >= attached_.size();
            expect(right, 0, objects.live, " ports exist and ", attached_.size(), " are known");
        }
    }
}

// ---- TLBs ------------------------------------------------------------------------------------------------

void Inspection::check_tlb(CpuIndex index, const std::map<u64, Space*>& spaces) {
    for (const auto& [key, known] : host::cpu(index).tlb) {
        const auto [asid, page] = key;
        const Remembered where{index, asid, page};
        // Loading a space without an identifier drops those of the last one.
        const bool reachable = asid != 0 || (host::cpu(index).root & (page_size - 1)) == 0;
        if (!reachable) continue;
        const PhysAddr frame = Geometry::address(known.entry);
        expect(host::frame_age(frame) == known.age, 24, where, ", whose frame was given back");
        if (asid == 0) continue;
        const auto found = spaces.find(asid);
        if (!expect(found != spaces.end(), 24, where, ", which is gone")) continue;
        found->second->inspect([&](const RegionList& regions, const PageTable& table) {
            const Region* const region = regions.at_or_after(VirtAddr{page});
            const bool inside = region != nullptr && region->range.contains(VirtAddr{page});
            if (!expect(inside, 24, where, ", where no region is")) return;
            if (!settled(*region)) return;
            const auto now = table.translate(VirtAddr{page});
            if (!expect(now.has_value(), 24, where, ", which is hidden")) return;
            expect(now->protection == Geometry::protection(known.entry), 24, where,
                   " with rights that it has not");
            expect(now->address.page_floor() == frame + (page & (PageTable::span(known.level) - 1)), 24,
                   where, " in another frame");
        });
    }
}

void Inspection::check_tlbs() {
    std::map<u64, Space*> spaces{{host::any_asid, &supervisor_space()}};
    for (Actor* const actor : actors_) spaces.emplace(actor->space.asid(), &actor->space);
    for (CpuIndex index = 0; index < cpu_count(); ++index) check_tlb(index, spaces);
}

} // namespace chorale::test
