// Address spaces: pages that somebody puts into another's region (vmMap), and may take out again. Each side
// has a reference of its own to the frame, and pays for it.
#include "kernel/mem/space.hpp"

namespace chorale {

bool Space::any_lent(Contents& contents, VirtRange range) {
    const Region* region = contents.regions.at_or_after(range.begin);
    for (; region != nullptr && region->range.overlaps(range); region = contents.regions.next(*region))
        if (region->backing == Backing::lent) return true;
    return false;
}

Status Space::lend_frames(VirtRange range, RegionOwner owner, std::span<PhysAddr> frames) {
    std::size_t lent = 0;
    const Status status = contents_.with([&](Contents& contents) {
        for (VirtAddr page = range.begin; page < range.end; page = page + page_size) {
            const Region* const region = contents.regions.at_or_after(page);
            if (region == nullptr || !region->range.contains(page) || region->owner != owner)
                return Status::address;
            if (region->state != RegionState::ready) return Status::busy;
            if (region->backing != Backing::frames || region->view.segment != nullptr) return Status::address;
            // A large page has one count for all its frames.
            const Status carved = contents.table.carve(page, true);
            if (carved != Status::ok) return carved;
            const PageSlot slot = contents.table.look(page);
            // Who has a common page sees no more of what others write.
            if (!slot.shown || allows(slot.protection, Protection::copy)) return Status::address;
            if (!share_frame(slot.frame)) return Status::no_memory;
            frames[lent++] = slot.frame;
        }
        return Status::ok;
    });
    if (status != Status::ok)
        while (lent != 0) release_frame(frames[--lent]);
    return status;
}

Status Space::take_frames(VirtRange range, std::span<const PhysAddr> frames) {
    std::size_t taken = 0;
    const Status status = contents_.with([&](Contents& contents) {
        for (VirtAddr page = range.begin; page < range.end; page = page + page_size) {
            const Region* const region = contents.regions.at_or_after(page);
            if (region == nullptr || !region->range.contains(page) || region->backing != Backing::lent)
                return Status::address;
            if (region->state != RegionState::ready) return Status::busy;
            if (!account_.adopt()) return Status::no_memory;
            const Status put =
                contents.table.insert(page, frames[taken], region->protection, 0, Visibility::shown);
            if (put != Status::ok) {
                account_.disown();
                return put;
            }
            ++taken;
        }
        return Status::ok;
    });
    for (; taken < frames.size(); ++taken) release_frame(frames[taken]);
    return status;
}

} // namespace chorale
