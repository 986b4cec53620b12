// Address spaces: how pages go out and protections change, what the TLBs must forget, and access to the
// contents.
#include "kernel/mem/space.hpp"

#include <machine/supervisor.hpp>

#include <algorithm>

namespace chorale {

namespace {

[[nodiscard]] RegionInfo info_of(const Region& region) {
    return {region.range, region.protection, region.backing, region.demand,
            region.locks, region.attributes, region.view,    region.owner};
}

constexpr Protection accesses = Protection::read | Protection::write | Protection::execute;

[[nodiscard]] bool is_of(const Region& region, RegionOwner owner) {
    return region.owner == owner || owner == RegionOwner::anyone;
}

// What the work is about: of one that cuts no regions perhaps not all.
[[nodiscard]] VirtRange part_of(const Region& region, const RangeWork& work) {
    return {std::max(region.range.begin, work.range.begin), std::min(region.range.end, work.range.end)};
}

constinit Relaxed<u64> all_locked; // pages

} // namespace

void TlbFlush::apply(u64 loaded_root) const {
    const bool loaded = shared || loaded_root == root;
    if (loaded && range.size() <= single_limit) {
        for (VirtAddr at = range.begin; at < range.end; at = at + page_size) machine::invalidate_page(at);
    } else if (shared) {
        machine::invalidate_all();
    } else if (asid != 0) {
        machine::invalidate_asid(asid);
    } else if (loaded) {
        machine::load_root(root); // without an identifier of its own, nothing survives a load
    }
}

TlbFlush Space::flush_for(const RangeWork& work) const {
    // seq_cst: the entries were written before the CPUs are read; pairs with enter_cpu()
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return {work.range, root_, asid_, cpus_.load(std::memory_order_relaxed), shared_};
}

TlbFlush Space::whole_flush() const {
    RangeWork work;
    work.range = {user_begin, user_end()};
    return flush_for(work);
}

Status Space::check_range(VirtRange range) const {
    if (!range.begin.page_aligned() || !range.end.page_aligned()) return Status::round;
    if (range.empty()) return Status::size;
    const VirtRange all = window();
    if (range.begin < all.begin || range.end > all.end) return Status::address;
    return Status::ok;
}

Status Space::changeable(Contents& contents, VirtRange range, bool despite_locks, RegionOwner owner) {
    bool found = false, locked = false;
    const Region* region = contents.regions.at_or_after(range.begin);
    for (; region != nullptr && region->range.overlaps(range); region = contents.regions.next(*region)) {
        if (region->owner != owner) continue;
        if (region->state != RegionState::ready) return Status::busy;
        locked = locked || (region->locks != 0 && region->backing != Backing::lent);
        found = true;
    }
    if (!found) return Status::address;
    return locked && !despite_locks ? Status::timeout : Status::ok;
}

Status Space::cut(Contents& contents, VirtRange range, RegionOwner owner) {
    RegionList& regions = contents.regions;
    // Somebody else's region that goes across an end stays whole.
    const Region* const low = regions.at_or_after(range.begin);
    if (low != nullptr && low->range.begin < range.begin && low->owner != owner) range.begin = low->range.end;
    const Region* const high = regions.at_or_after(range.end);
    if (high != nullptr && high->range.begin < range.end && high->owner != owner)
        range.end = high->range.begin;
    if (const Status status = regions.isolate(range); status != Status::ok) return status;
    for (const VirtAddr boundary : {range.begin, range.end}) {
        const Region* const above = regions.at_or_after(boundary);
        if (above == nullptr || above->range.begin != boundary) continue; // nothing goes across it
        const bool owned = owns(above->backing);
        const Status status = contents.table.split(boundary, owned);
        if (status != Status::ok) return status;
    }
    return Status::ok;
}

// Of regions that are being filled only whoever fills them knows; other operations do not mind.
Status Space::cut_for_change(Contents& contents, VirtRange range, RegionOwner owner) {
    bool found = false;
    const Region* region = contents.regions.at_or_after(range.begin);
    for (; region != nullptr && region->range.overlaps(range); region = contents.regions.next(*region)) {
        if (region->owner != owner) continue;
        if (region->state != RegionState::ready && region->work == nullptr) return Status::busy;
        found = true;
    }
    return found ? cut(contents, range, owner) : Status::address;
}

Status Space::begin_change(VirtRange range, RegionState state, RangeWork& work, RegionOwner owner) {
    if (const Status status = check_range(range); status != Status::ok) return status;
    work.range = range;
    work.at = range.begin;
    work.flush_needed = false;
    work.discarding = false;
    return contents_.with([&](Contents& contents) {
        RegionList& regions = contents.regions;
        const Status free = changeable(contents, range, false, owner);
        if (free != Status::ok) return free;
        if (work.spares_lent && any_lent(contents, range)) return Status::privilege;
        if (const Status status = cut(contents, range, owner); status != Status::ok) return status;
        Region* region = regions.at_or_after(range.begin);
        for (; region != nullptr && region->range.overlaps(range); region = regions.next(*region)) {
            if (region->owner != owner) continue;
            region->state = state;
            region->work = &work;
            work.flush_needed = work.flush_needed || perhaps_known(*region);
        }
        return Status::ok;
    });
}

Region* Space::current(Contents& contents, RangeWork& work) {
    Region* region = contents.regions.at_or_after(work.at);
    while (region != nullptr && region->range.begin < work.range.end && region->work != &work) {
        region = contents.regions.next(*region);
    }
    if (region == nullptr || region->range.begin >= work.range.end) return nullptr;
    if (work.at >= work.range.end) return nullptr; // a region that goes on behind the range
    if (work.at < region->range.begin) work.at = region->range.begin;
    return region;
}

void Space::count_locked(const Region& region, bool locked) {
    const u64 pages = region.range.size() / page_size;
    if (locked)
        all_locked.add(pages);
    else
        all_locked.subtract(pages);
}

u64 Space::locked_pages() { return all_locked.load(); }

Status Space::lock_range(VirtRange range, RegionOwner owner) {
    const auto lock = [](Region& region) {
        if (region.locks++ == 0) count_locked(region, true);
    };
    return change_regions(range, lock, owner);
}

Status Space::unlock_range(VirtRange range, RegionOwner owner) {
    bool locked = true;
    const auto look = [&](const Region& region) { locked = locked && region.locks != 0; };
    Status status = change_regions(range, look, owner);
    if (status == Status::ok && !locked) status = Status::invalid;
    if (status != Status::ok) return status;
    const auto unlock = [](Region& region) {
        if (region.locks != 0 && --region.locks == 0) count_locked(region, false);
    };
    return change_regions(range, unlock, owner);
}

Status Space::begin_free(VirtRange range, RangeWork& work, RegionOwner owner) {
    work.protecting = work.spares_lent = false;
    return begin_change(range, RegionState::dying, work, owner);
}

bool Space::begin_forfeit(RegionOwner owner, RangeWork& work) {
    work = {.range = window(), .at = window().begin};
    return contents_.with([&](Contents& contents) {
        bool found = false;
        Region* region = contents.regions.first();
        for (; region != nullptr; region = contents.regions.next(*region)) {
            if (region->owner != owner) continue;
            if (region->locks != 0) count_locked(*region, false);
            region->locks = 0;
            region->state = RegionState::dying;
            region->work = &work;
            found = true;
        }
        return found;
    });
}

bool Space::hide_step(RangeWork& work) {
    return contents_.with([&](Contents& contents) {
        const Region* const region = current(contents, work);
        if (region == nullptr) {
            work.at = work.range.begin; // where reap_step() begins
            return true;
        }
        // Who has begun to copy one of them looks again.
        if (work.discarding) ++contents.hidings;
        const VirtRange part = part_of(*region, work);
        if (region->backing == Backing::nothing)
            work.at = part.end;
        else
            work.at = contents.table.hide({work.at, part.end}, part.begin, step_pages, work.flush_needed);
        return false;
    });
}

bool Space::reap_step(RangeWork& work) {
    return contents_.with([&](Contents& contents) {
        Region* const region = current(contents, work);
        if (region == nullptr) return true;
        if (work.discarding) {
            drop_step(contents, *region, work);
            return false;
        }
        if (region->backing == Backing::nothing)
            work.at = region->range.end;
        else
            work.at = reap_pages(contents, *region, {work.at, region->range.end}, false);
        if (work.at == region->range.end) contents.regions.erase(*region);
        return false;
    });
}

Status Space::begin_protect(VirtRange range, Protection protection, RangeWork& work, RegionOwner owner,
                            Lent lent) {
    work.protection = page_protection(protection);
    work.protecting = true;
    work.spares_lent = lent == Lent::spared;
    const Status status = begin_change(range, RegionState::changing, work, owner);
    // No page fault finds out there that a TLB does not know of wider rights: interrupt handlers have none.
    work.flush_needed = work.flush_needed || shared_;
    return status;
}

bool Space::protect_step(RangeWork& work) {
    return contents_.with([&](Contents& contents) {
        Region* const region = current(contents, work);
        if (region == nullptr) return true;
        if (region->backing == Backing::nothing) {
            work.at = region->range.end;
        } else {
            const Protection kind = region->protection & Protection::device;
            const VirtRange rest{work.at, region->range.end};
            // Of a page of a segment it must be known when it is written first.
            const Protection given = region->view.maps() ? without_write(work.protection) : work.protection;
            work.at = contents.table.protect(rest, given | kind, step_pages, work.flush_needed);
            if (work.at == region->range.end) region->protection = work.protection | kind;
        }
        if (work.at < region->range.end) return false;
        region->state = RegionState::ready;
        region->work = nullptr;
        return false;
    });
}

std::byte* Space::page_for(Contents& contents, VirtAddr address, Protection need) const {
    const auto page = contents.table.translate(address);
    if (!page) return nullptr;
    if (allows(need, Protection::copy)) {
        const Region* const region = contents.regions.at_or_after(address);
        const bool others = region != nullptr && (region->view.maps() || region->backing == Backing::lent);
        if (others) need = Protection::write;
    }
    const bool own = !allows(page->protection, Protection::copy);
    if (own && allows(need, Protection::copy)) need = need & accesses;
    if (!allows(page->protection, shared_ ? need : need | Protection::user)) return nullptr;
    if (!own && allows(need, Protection::copy)) return nullptr;
    if (allows(page->protection, Protection::device)) return nullptr; // not in the direct map
    return machine::direct<std::byte>(page->address);
}

Status Space::copy_to(VirtAddr address, std::span<const std::byte> bytes) {
    const std::byte* from = bytes.data();
    return visit(address, bytes.size(), Protection::write, [&](std::byte* to, std::size_t count) {
        __builtin_memcpy(to, from, count);
        from += count;
        return true;
    });
}

Status Space::copy_from(std::span<std::byte> bytes, VirtAddr address, WantedPage* wanted) {
    std::byte* to = bytes.data();
    return visit(
        address, bytes.size(), Protection::read,
        [&](std::byte* from, std::size_t count) {
            __builtin_memcpy(to, from, count);
            to += count;
            return true;
        },
        wanted);
}

Result<RegionInfo> Space::region_at(VirtAddr address) {
    return contents_.with([&](Contents& contents) -> Result<RegionInfo> {
        const Region* const region = contents.regions.at_or_after(address);
        if (region == nullptr || !region->range.contains(address)) return Status::address;
        return info_of(*region);
    });
}

Result<RegionInfo> Space::region_from(VirtAddr address, VirtAddr end, RegionOwner owner) {
    return contents_.with([&](Contents& contents) -> Result<RegionInfo> {
        const Region* region = contents.regions.at_or_after(address);
        while (region != nullptr && !is_of(*region, owner)) region = contents.regions.next(*region);
        if (region == nullptr || region->range.begin >= end) return Status::address;
        return info_of(*region);
    });
}

Result<PhysAddr> Space::frame_of(VirtAddr address) {
    if (!window().contains(address)) return Status::address;
    return contents_.with([&](Contents& contents) -> Result<PhysAddr> {
        const auto found = contents.table.translate(address);
        if (!found) return Status::address;
        return found->address;
    });
}

unsigned Space::regions() {
    return contents_.with([](Contents& contents) { return contents.regions.count(); });
}

} // namespace chorale
