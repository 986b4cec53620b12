// The sorted list of an address space's regions.
#include "kernel/mem/region.hpp"

#include "kernel/mem/slab.hpp"

namespace chorale {

namespace {

constinit Cache<Region> region_cache{"region"};

} // namespace

u64 live_regions() { return region_cache.statistics().live; }

Region* RegionList::at_or_after(VirtAddr address) const {
    const bool near = last_ != nullptr && last_->range.begin <= address;
    Region* region = near ? last_ : regions_.front();
    while (region != nullptr && region->range.end <= address) region = regions_.next(*region);
    last_ = region;
    return region;
}

bool RegionList::occupied(VirtRange range) const {
    const Region* const region = at_or_after(range.begin);
    return region != nullptr && region->range.overlaps(range);
}

VirtRange RegionList::find_gap(VirtRange window, uword size, uword alignment) const {
    VirtAddr at{round_up(window.begin.raw(), alignment)};
    for (const Region* region = at_or_after(at);; region = regions_.next(*region)) {
        const bool last = region == nullptr || region->range.begin >= window.end;
        const VirtAddr gap_end = last ? window.end : region->range.begin;
        if (at <= gap_end && size <= gap_end - at) return {at, at + size};
        if (last) return {};
        at = VirtAddr{round_up(region->range.end.raw(), alignment)};
    }
}

Result<Region*> RegionList::insert(VirtRange range, Protection protection, Backing backing,
                                   RegionState state) {
    if (count_ == limit) return Status::no_memory;
    const Result<Region*> made = region_cache.make();
    if (!made.ok()) return made.status();
    Region& region = *made.value();
    region.range = range;
    region.protection = protection;
    region.backing = backing;
    region.state = state;
    if (Region* const after = at_or_after(range.begin))
        region.insert_before(*after);
    else
        regions_.push_back(region);
    ++count_;
    return &region;
}

Status RegionList::split(VirtAddr at) {
    Region* const region = at_or_after(at);
    if (region == nullptr || region->range.begin >= at) return Status::ok;
    const VirtRange whole = region->range;
    // Shortened first: insert() looks for the place of the upper part.
    region->range.end = at;
    const Result<Region*> upper = insert({at, whole.end}, region->protection, region->backing, region->state);
    if (!upper.ok()) {
        region->range.end = whole.end;
        return upper.status();
    }
    Region& made = *upper.value();
    made.owner = region->owner;
    made.demand = region->demand;
    made.sparse = region->sparse;
    made.locks = region->locks;
    made.work = region->work;
    made.attributes = region->attributes;
    made.view = region->view;
    if (made.view.segment != nullptr) {
        made.view.offset += at - whole.begin;
        hold_segment(*made.view.segment);
    }
    return Status::ok;
}

Status RegionList::isolate(VirtRange range) {
    if (const Status status = split(range.begin); status != Status::ok) return status;
    return split(range.end);
}

void RegionList::erase(Region& region) {
    if (last_ == &region) last_ = nullptr;
    regions_.remove(region);
    if (region.view.segment != nullptr) let_go_of_segment(*region.view.segment);
    region_cache.destroy(&region);
    --count_;
}

} // namespace chorale
