// Address spaces: pages that come when they are touched. Zeros where nothing was yet; a copy of its own where
// others have the same frame and the page is to be written.
//
// A page that is copied is hidden first, and forgotten by all TLBs, so that nobody reads the old frame when
// somebody writes the new one, and nobody writes the old one when it has been copied:
//
//   Core X (writes)                              Core Y (another thread of the actor)
//     A  hides the page, counts the hiding         reads through its TLB
//     B  flush_at_once(): Y forgets the page       from here on Y faults, and does the same as X
//     C  the page has stayed hidden (the count):
//        copies, shows the new frame               tries again, and finds it
// Who was alone with the frame only gets its rights back: no copy, no flush.
#include "kernel/mem/space.hpp"

#include <machine/cpu.hpp>

namespace chorale {

namespace {

constexpr Protection accesses = Protection::read | Protection::write | Protection::execute;

} // namespace

// What a page of the region allows, or will when the operation under way has come by.
Protection Space::rights_at(const Region& region, VirtAddr page) {
    const RangeWork* const work = region.work;
    const bool passed = work != nullptr && work->protecting && page < work->at;
    return passed ? work->protection | (region.protection & Protection::device) : region.protection;
}

Space::Look Space::bring_zeros(Contents& contents, VirtAddr page, Protection rights) {
    const Result<PhysAddr> frame = account_.take(0);
    if (!frame.ok()) return Look::no_memory;
    zero_frames(frame.value(), 0);
    if (contents.table.insert(page, frame.value(), rights, 0, Visibility::shown) == Status::ok)
        return Look::done;
    account_.give_back(frame.value(), 0);
    return Look::no_memory;
}

// Who writes to one page that came back, like a message's body, most likely writes to the next ones too: a
// few come with it. A TLB that remembers their narrower rights makes a fault that finds them done.
void Space::thaw(Contents& contents, const Region& region, VirtAddr page, PhysAddr frame, Protection rights) {
    constexpr unsigned together = 16;
    contents.table.change(page, frame, rights, Visibility::shown);
    if (region.work != nullptr) return;
    const VirtAddr next = page + page_size;
    const uword left = (region.range.end - next) / page_size;
    contents.table.thaw_at(next, left < together - 1 ? static_cast<unsigned>(left) : together - 1, rights,
                           [](PhysAddr other) { return !frame_shared(other); });
}

// The page becomes a hidden, small one, if it is not.
Space::Look Space::begin_copy(Contents& contents, VirtAddr page, const PageSlot& slot, Copying& copying,
                              bool zeros) {
    if (copying.fresh == PhysAddr{}) {
        const Result<PhysAddr> frame = PageAccount::take_another();
        if (!frame.ok()) return Look::no_memory;
        copying.fresh = frame.value();
    }
    if (slot.level != 0 && contents.table.carve(page, true) != Status::ok) return Look::no_memory;
    if (slot.shown) {
        contents.table.change(page, slot.frame, slot.protection, Visibility::hidden);
        ++contents.hidings;
    }
    copying.old = slot.frame;
    copying.hidings = contents.hidings;
    copying.zeros = zeros;
    return Look::hidden;
}

Space::Look Space::look_at(Contents& contents, VirtAddr page, Protection access, Copying& copying,
                           WantedPage* wanted) {
    const Region* const region = contents.regions.at_or_after(page);
    if (region == nullptr || !region->range.contains(page)) return Look::refused;
    if (region->state == RegionState::dying || !owns(region->backing)) return Look::refused;
    const Protection rights = rights_at(*region, page);
    if (!allows(rights, (access & accesses) | (shared_ ? Protection::none : Protection::user)))
        return Look::refused;
    // Nobody may write by another's hand what is only lent to him to be read.
    const bool narrow = region->backing == Backing::lent && !allows(rights, Protection::write);
    if (narrow && allows(access, Protection::copy)) return Look::refused;
    const PageSlot slot = contents.table.look(page);
    // It is on its way out: zeros come in its place, whatever it has been.
    if (slot.there && !slot.shown && being_discarded(*region))
        return begin_copy(contents, page, slot, copying, true);
    if (region->view.segment != nullptr && (!slot.there || !region->view.copies)) [[unlikely]]
        return look_at_segment(contents, *region, page, access, wanted);
    if (!slot.there) return region->demand ? bring_zeros(contents, page, rights) : Look::refused;

    const bool common = allows(slot.protection, Protection::copy);
    const bool writing = (access & (Protection::write | Protection::copy)) != Protection::none;
    if (!common) {
        // Somebody was quicker, or this CPU's TLB does not know of wider rights yet.
        const bool right = allows(slot.protection, access & accesses);
        return (slot.shown && right) || access == Protection::none ? Look::widened : Look::refused;
    }
    if (slot.shown && !writing) return Look::widened;
    if (!frame_shared(slot.frame)) {
        thaw(contents, *region, page, slot.frame, rights);
        return Look::widened;
    }
    return begin_copy(contents, page, slot, copying, false);
}

bool Space::put_copy(Contents& contents, VirtAddr page, Copying& copying) {
    const Region* const region = contents.regions.at_or_after(page);
    if (region == nullptr || !region->range.contains(page) || region->state == RegionState::dying)
        return false;
    const PageSlot slot = contents.table.look(page);
    const bool stayed = slot.there && !slot.shown && contents.hidings == copying.hidings;
    if (!stayed || slot.frame != copying.old) return false;
    if (copying.zeros)
        zero_frames(copying.fresh, 0);
    else
        __builtin_memcpy(machine::direct(copying.fresh), machine::direct(copying.old), page_size);
    contents.table.change(page, copying.fresh, rights_at(*region, page), Visibility::shown);
    copying.fresh = copying.old; // given back by the caller
    return true;
}

Status Space::resolve(VirtAddr address, Protection access, WantedPage* wanted) {
    const VirtAddr page = address.page_floor();
    if (!window().contains(page)) return Status::fault;
    RangeWork work;
    work.range = {page, page + page_size};
    Copying copying;
    Look look = Look::refused;
    for (bool flushed = false;; flushed = true) {
        look = contents_.with([&](Contents& contents) {
            if (flushed && put_copy(contents, page, copying)) return Look::done;
            return look_at(contents, page, access, copying, wanted);
        });
        if (look != Look::hidden) break;
        flush_at_once(flush_for(work));
    }
    if (copying.fresh != PhysAddr{}) release_frame(copying.fresh);
    if (look == Look::widened) flush_at_once({work.range, root_, asid_, 0, shared_});
    if (look == Look::no_memory) return Status::no_memory;
    if (look == Look::wanted) return Status::busy;
    return look == Look::refused ? Status::fault : Status::ok;
}

bool Space::fill_large(VirtAddr at, VirtAddr end) {
    if ((at.raw() & (large_page_size - 1)) != 0 || end - at < large_page_size) return false;
    Protection rights{};
    const auto fits = [&](Contents& contents) {
        const Region* const region = contents.regions.at_or_after(at);
        if (region == nullptr || region->range.begin > at || region->range.end - at < large_page_size)
            return false;
        if (!region->demand || region->state != RegionState::ready || region->backing != Backing::frames)
            return false;
        rights = region->protection;
        if (allows(rights, Protection::execute)) return false; // see take_piece()
        const PageSlot slot = contents.table.look(at);
        return !slot.there && slot.level != 0;
    };
    if (!contents_.with(fits)) return false;
    const Result<PhysAddr> block = account_.take(large_page_order);
    if (!block.ok()) return false;
    for (uword done = 0; done < large_page_size; done += fill_pages * page_size) {
        zero_frames(block.value() + done, 1);
        machine::interrupt_window();
    }
    static_assert(fill_pages == 2);
    const bool put = contents_.with([&](Contents& contents) {
        return fits(contents) &&
               contents.table.insert(at, block.value(), rights, 1, Visibility::shown) == Status::ok;
    });
    if (!put) account_.give_back(block.value(), large_page_order);
    return put;
}

Result<VirtAddr> Space::populate(VirtRange range, Protection access, unsigned budget, WantedPage* wanted) {
    VirtAddr at = range.begin;
    for (; at < range.end && budget != 0; --budget) {
        if (fill_large(at, range.end)) return at + large_page_size;
        const Status status = resolve(at, access, wanted);
        if (status != Status::ok) return status == Status::fault ? Status::address : status;
        at = at + page_size;
    }
    return at;
}

} // namespace chorale
