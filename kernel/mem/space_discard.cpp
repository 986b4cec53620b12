// Address spaces: pages go, their regions stay. As when a range is freed they are hidden, forgotten by all
// TLBs, and only then taken out. But the range is in use meanwhile, by other threads of the actor:
//
//   Core X (discards)                            Core Y (another thread of the actor)
//     A  hides the page                            is copying it (space_fault.cpp): finds another count of
//                                                  hidings, and looks again
//     B  flushes                                   touches it: as if it were copying it, but puts zeros in
//                                                  its place and gives the old frame back itself
//     C  takes out what is hidden still            has its new page, which X leaves alone
// So after the call nothing is left of what the range had before it, and nobody waits for anybody.
//
// What is lent does not come by touching it: an access while it goes is one that comes after.
#include "kernel/mem/space.hpp"

#include <algorithm>

namespace chorale {

namespace {

[[nodiscard]] bool can_go(const Region& region) {
    return region.backing == Backing::lent || (region.backing == Backing::frames && region.demand);
}

} // namespace

Status Space::begin_discard(VirtRange range, RangeWork& work) {
    if (const Status status = check_range(range); status != Status::ok) return status;
    work = {.range = range, .at = range.begin, .discarding = true};
    return contents_.with([&](Contents& contents) {
        const Status status = changeable(contents, range, false, RegionOwner::nobody);
        if (status != Status::ok) return status;
        RegionList& regions = contents.regions;
        for (const VirtAddr boundary : {range.begin, range.end}) {
            const Region* const region = regions.at_or_after(boundary);
            if (region == nullptr || !region->range.contains(boundary) || !can_go(*region)) continue;
            const Status split = contents.table.split(boundary, true);
            if (split != Status::ok) return split;
        }
        Region* region = regions.at_or_after(range.begin);
        for (; region != nullptr && region->range.overlaps(range); region = regions.next(*region)) {
            if (!can_go(*region)) continue;
            region->state = RegionState::changing;
            region->work = &work;
            work.flush_needed |= perhaps_known(*region);
        }
        return Status::ok;
    });
}

void Space::drop_step(Contents& contents, Region& region, RangeWork& work) {
    const VirtAddr end = std::min(region.range.end, work.range.end);
    VirtAddr hidden = work.at;
    for (unsigned budget = step_pages; hidden < end && budget != 0; --budget) {
        const PageSlot slot = contents.table.look(hidden);
        const VirtAddr next = PageTable::next(hidden, slot.level, end);
        if (slot.shown) {
            if (hidden == work.at) work.at = next;
            break;
        }
        hidden = next;
    }
    if (work.at < hidden) work.at = reap_pages(contents, region, {work.at, hidden}, false);
}

} // namespace chorale
