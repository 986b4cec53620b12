// Address spaces: whole pages change hands without being copied. Their frames leave a program that gives them
// up, which finds zeros there afterwards, and take the place of what another has in its pages.
//
// A page whose frame goes is hidden and marked common, then forgotten by all TLBs, as one that is copied
// (space_fault.cpp). Whoever touches it meanwhile is alone with the frame and only shows it again, or makes a
// copy: then it has not stayed hidden, and keeps what it has.
//
// A page that is frozen becomes common at once: its contents are those from before the flush, or what another
// thread wrote while the program asked for it.
#include "kernel/mem/space.hpp"

#include <machine/cpu.hpp>

namespace chorale {

namespace {

[[nodiscard]] VirtAddr page_at(VirtRange range, unsigned index) { return range.begin + index * page_size; }

[[nodiscard]] unsigned pages_of(VirtRange range) { return static_cast<unsigned>(range.size() / page_size); }

[[nodiscard]] RangeWork work_on(VirtRange range) {
    RangeWork work;
    work.range = range;
    return work;
}

} // namespace

// The region there, if it is ordinary memory that may be written and on whose frames nobody counts.
const Region* Space::movable(Contents& contents, VirtAddr page) {
    const Region* const region = contents.regions.at_or_after(page);
    if (region == nullptr || !region->range.contains(page)) return nullptr;
    const bool plain = region->state == RegionState::ready && region->backing == Backing::frames &&
                       region->view.segment == nullptr && region->locks == 0;
    return plain && allows(region->protection, Protection::write | Protection::user) ? region : nullptr;
}

void Space::hide_for_move(Contents& contents, VirtAddr page, const PageSlot& slot) {
    contents.table.change(page, slot.frame, slot.protection | Protection::copy, Visibility::hidden);
    ++contents.hidings;
}

bool Space::stayed_hidden(Contents& contents, VirtAddr page, PhysAddr frame, u64 hidings) {
    const PageSlot slot = contents.table.look(page);
    return movable(contents, page) != nullptr && slot.there && !slot.shown && slot.frame == frame &&
           contents.hidings == hidings;
}

// As a common page: others may have got the frame since.
void Space::show_again(Contents& contents, VirtAddr page) {
    const Region* const region = contents.regions.at_or_after(page);
    if (region == nullptr || !region->range.contains(page) || region->state == RegionState::dying) return;
    const PageSlot slot = contents.table.look(page);
    if (slot.there && !slot.shown)
        contents.table.change(page, slot.frame, slot.protection, Visibility::shown);
}

bool Space::give_pages(VirtRange range, std::span<PhysAddr> frames, InUse in_use) {
    const unsigned count = pages_of(range);
    std::array<PageSlot, most_moved_pages> slots;
    u64 hidings = 0;
    const bool own = !shared_ && contents_.with([&](Contents& contents) {
        for (unsigned i = 0; i < count; ++i) {
            const Region* const region = movable(contents, page_at(range, i));
            if (region == nullptr || !region->demand) return false;
            slots[i] = contents.table.look(page_at(range, i));
            const bool fits = slots[i].shown && slots[i].level == 0;
            const bool common = allows(slots[i].protection, Protection::copy);
            if (!fits || common || frame_shared(slots[i].frame)) return false;
            frames[i] = slots[i].frame;
        }
        for (unsigned i = 0; i < count; ++i) hide_for_move(contents, page_at(range, i), slots[i]);
        hidings = contents.hidings;
        return true;
    });
    if (!own) return false;
    flush_at_once(flush_for(work_on(range)));
    machine::interrupt_window();
    const bool used = in_use(range);
    return contents_.with([&](Contents& contents) {
        bool all = !used;
        for (unsigned i = 0; all && i < count; ++i)
            all = stayed_hidden(contents, page_at(range, i), frames[i], hidings) && !frame_shared(frames[i]);
        for (unsigned i = 0; i < count; ++i) {
            const VirtAddr page = page_at(range, i);
            if (!all) {
                show_again(contents, page);
                continue;
            }
            static_cast<void>(contents.table.reap({page, page + page_size}, 1, false, false));
            account_.disown();
        }
        return all;
    });
}

bool Space::share_pages(VirtRange range, std::span<PhysAddr> frames) {
    const unsigned count = pages_of(range);
    unsigned shared = 0;
    if (shared_) return false;
    contents_.with([&](Contents& contents) {
        for (; shared < count; ++shared) {
            const VirtAddr page = page_at(range, shared);
            if (movable(contents, page) == nullptr) return;
            const PageSlot slot = contents.table.look(page);
            if (!slot.shown || slot.level != 0 || !share_frame(slot.frame)) return;
            frames[shared] = slot.frame;
        }
    });
    if (shared == count) return true;
    while (shared != 0) release_frame(frames[--shared]);
    return false;
}

bool Space::freeze_pages(VirtRange range, std::span<PhysAddr> frames, const std::atomic<u64>& events,
                         u64 seen) {
    const unsigned count = pages_of(range);
    unsigned frozen = 0;
    bool flush = false;
    const auto share = [](PhysAddr frame, bool common) {
        return (common || !frame_shared(frame)) && share_frame(frame);
    };
    if (shared_ || free_frames_estimate() < PageAccount::reserve() + count) return false;
    contents_.with([&](Contents& contents) {
        const Region* const region = movable(contents, range.begin);
        // Memory that was there from the first never needs any later.
        if (region == nullptr || region->range.end < range.end ||
            (region->attributes.options & K_NODEMAND) != 0)
            return;
        // relaxed: changed under this lock
        if (events.load(std::memory_order_relaxed) != seen) return;
        unsigned more = 0;
        do { // at most two tables
            more = contents.table.freeze_at(page_at(range, frozen), count - frozen, &frames[frozen], flush,
                                            share);
            frozen += more;
        } while (more != 0 && frozen < count);
        // Those that are common already may be so since a moment ago, and not all TLBs know it yet.
        flush = flush || contents.freezing != 0;
        if (flush) ++contents.freezing;
    });
    if (flush) {
        flush_at_once(flush_for(work_on(range)));
        contents_.with([](Contents& contents) { --contents.freezing; });
    }
    if (frozen == count) return true;
    while (frozen != 0) release_frame(frames[--frozen]);
    return false;
}

bool Space::writable(VirtRange range) {
    constexpr Protection wanted = Protection::write | Protection::user;
    return contents_.with([&](Contents& contents) {
        VirtAddr at = range.begin;
        while (at < range.end) {
            const Region* const region = contents.regions.at_or_after(at);
            if (region == nullptr || !region->range.contains(at) || region->state != RegionState::ready ||
                !owns(region->backing) || !allows(region->protection, wanted))
                return false;
            at = region->range.end;
        }
        return true;
    });
}

// A page where there is none yet.
bool Space::accept_new(Contents& contents, const Region& region, VirtAddr page, PhysAddr frame) {
    if (!region.demand || !account_.adopt()) return false;
    const Status status = contents.table.insert(page, frame, region.protection, 0, Visibility::shown);
    if (status != Status::ok) account_.disown();
    return status == Status::ok;
}

u32 Space::accept_pages(VirtRange range, std::span<const PhysAddr> frames, InUse in_use) {
    const unsigned count = pages_of(range);
    std::array<PhysAddr, most_moved_pages> old{};
    u32 accepted = 0, hidden = 0;
    u64 hidings = 0;
    if (shared_) return 0;
    contents_.with([&](Contents& contents) {
        for (unsigned i = 0; i < count; ++i) {
            const VirtAddr page = page_at(range, i);
            const Region* const region = movable(contents, page);
            if (region == nullptr || frame_shared(frames[i])) continue;
            const PageSlot slot = contents.table.look(page);
            if (!slot.there) {
                if (accept_new(contents, *region, page, frames[i])) accepted |= 1u << i;
                continue;
            }
            // What is shared stays so: all are to see what comes.
            const bool common = allows(slot.protection, Protection::copy);
            if (!slot.shown || slot.level != 0 || (!common && frame_shared(slot.frame))) continue;
            hide_for_move(contents, page, slot);
            old[i] = slot.frame;
            hidden |= 1u << i;
        }
        hidings = contents.hidings;
    });
    if (hidden == 0) return accepted;
    flush_at_once(flush_for(work_on(range)));
    machine::interrupt_window();
    const bool used = in_use(range);
    contents_.with([&](Contents& contents) {
        for (unsigned i = 0; i < count; ++i) {
            if ((hidden >> i & 1) == 0) continue;
            const VirtAddr page = page_at(range, i);
            if (used || !stayed_hidden(contents, page, old[i], hidings)) {
                old[i] = PhysAddr{};
                show_again(contents, page);
                continue;
            }
            const Protection rights = movable(contents, page)->protection;
            contents.table.change(page, frames[i], rights, Visibility::shown);
            accepted |= 1u << i;
        }
    });
    for (const PhysAddr frame : old)
        if (frame != PhysAddr{}) release_frame(frame);
    return accepted;
}

} // namespace chorale
