// Address spaces: pages of segments. Mapped, they are the frames of the segment's cache, which the space owns
// together with the cache, and read-only until somebody writes: so it is known which have to go back. Copied,
// they become the space's own when they are first touched.
#include "kernel/mem/space.hpp"

#include <machine/mmu.hpp>

namespace chorale {

// A frame of its own with what the cache has.
Space::Look Space::copy_segment_page(Contents& contents, VirtAddr page, Protection rights,
                                     const WantedPage& source) {
    const Result<PhysAddr> theirs = take_segment_page(*source.segment, source.offset, false);
    if (!theirs.ok()) return theirs.status() == Status::busy ? Look::wanted : Look::no_memory;
    const Result<PhysAddr> own = account_.take(0);
    if (own.ok()) __builtin_memcpy(machine::direct(own.value()), machine::direct(theirs.value()), page_size);
    release_frame(theirs.value());
    leave_segment_page(*source.segment, source.offset, theirs.value());
    if (!own.ok()) return Look::no_memory;
    if (contents.table.insert(page, own.value(), rights, 0, Visibility::shown) == Status::ok)
        return Look::done;
    account_.give_back(own.value(), 0);
    return Look::no_memory;
}

Space::Look Space::look_at_segment(Contents& contents, const Region& region, VirtAddr page, Protection access,
                                   WantedPage* wanted) {
    const SegmentView& view = region.view;
    const Protection rights = rights_at(region, page);
    const bool write = !view.copies && (access & (Protection::write | Protection::copy)) != Protection::none;
    if (write && !allows(rights, Protection::write)) return Look::refused;
    const WantedPage source{view.segment, view.offset + (page - region.range.begin),
                            write ? VmFlags{K_READACCESS | K_WRITEACCESS} : VmFlags{K_READACCESS}, page};
    const PageSlot slot = contents.table.look(page);
    Look look = Look::wanted;
    if (slot.there) {
        if (!write || allows(slot.protection, Protection::write))
            return slot.shown || access == Protection::none ? Look::widened : Look::refused;
        if (write_segment_page(*view.segment, source.offset) == Status::ok) {
            contents.table.change(page, slot.frame, rights, Visibility::shown);
            return Look::widened;
        }
    } else if (view.copies) {
        look = copy_segment_page(contents, page, rights, source);
    } else if (const Result<PhysAddr> frame = take_segment_page(*view.segment, source.offset, write);
               frame.ok()) {
        look = Look::no_memory;
        const bool paid = account_.adopt();
        const Protection given = write ? rights : without_write(rights);
        if (paid && contents.table.insert(page, frame.value(), given, 0, Visibility::shown) == Status::ok)
            return Look::done;
        if (paid)
            account_.give_back(frame.value(), 0);
        else
            release_frame(frame.value());
        leave_segment_page(*view.segment, source.offset, frame.value());
    } else if (frame.status() != Status::busy) {
        look = Look::no_memory;
    }
    if (look == Look::wanted && wanted != nullptr) {
        hold_segment(*view.segment);
        *wanted = source;
    }
    return look;
}

// A bounded part of the range's pages and tables. What is the cache's is left to it one by one.
VirtAddr Space::reap_pages(Contents& contents, const Region& region, VirtRange rest, bool dead) {
    const bool owned = owns(region.backing);
    if (!region.view.maps()) return contents.table.reap(rest, step_pages, owned, dead);
    VirtAddr at = rest.begin;
    for (unsigned budget = step_pages; at < rest.end && budget != 0; --budget) {
        const PageSlot slot = contents.table.look(at);
        const VirtAddr next = slot.there ? at + page_size : PageTable::next(at, slot.level, rest.end);
        const VirtAddr here = at;
        at = contents.table.reap({at, next}, 1, true, dead);
        if (slot.there) {
            const u64 offset = region.view.offset + (here - region.range.begin);
            leave_segment_page(*region.view.segment, offset, slot.frame);
        }
    }
    return at;
}

} // namespace chorale
