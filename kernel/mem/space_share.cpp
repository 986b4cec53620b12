// Address spaces: pages go from one region to another, as copies or to be shared. Never two spaces at a time:
// the source lends a few pages, each with a reference to its frame, and the target takes them.
//
// Of a region that is lent nothing goes on: whoever has put the pages in must know who has them.
//
// What a page table says of a page, and the number of its owners, tell what may be done with the frame:
//   alone                      the page is private
//   others, Protection::copy   all of them have it so: whoever writes gets a copy of its own
//   others, not so             the page is shared: all see what each writes
#include "kernel/mem/space.hpp"

namespace chorale {

Status Space::begin_lend(VirtRange range, bool whole, RangeWork& work, RegionOwner owner) {
    if (const Status status = check_range(range); status != Status::ok) return status;
    work = {.range = range, .at = range.begin};
    return contents_.with([&](Contents& contents) {
        RegionList& regions = contents.regions;
        Status status = changeable(contents, range, true, owner);
        if (status != Status::ok) return status;
        if (whole) {
            VirtAddr covered = range.begin;
            const Region* region = regions.at_or_after(range.begin);
            for (; region != nullptr && covered < range.end; region = regions.next(*region)) {
                if (region->owner != owner || region->range.begin > covered ||
                    region->backing != Backing::frames)
                    break;
                covered = region->range.end;
            }
            if (covered < range.end) return Status::address;
        }
        status = cut(contents, range, owner);
        if (status != Status::ok) return status;
        Region* region = regions.at_or_after(range.begin);
        for (; region != nullptr && region->range.overlaps(range); region = regions.next(*region)) {
            if (region->owner != owner || region->backing == Backing::lent) continue;
            region->state = RegionState::changing;
            region->work = &work;
            work.flush_needed = work.flush_needed || perhaps_known(*region);
        }
        return Status::ok;
    });
}

// Status::busy: the page must be made the space's own first.
Status Space::lend_page(Contents& contents, const Region& region, RangeWork& work, Transfer how,
                        PageBatch& batch) {
    const VirtAddr here = work.at;
    const PageSlot slot = contents.table.look(here);
    if (!slot.there) {
        if (how != Transfer::copy && region.demand) return Status::busy;
        work.at = PageTable::next(here, slot.level, region.range.end);
        return Status::ok;
    }
    PageBatch::Page page{.at = here, .frame = slot.frame, .borrowed = region.backing == Backing::borrowed};
    if (!page.borrowed) {
        if (slot.level != 0) return contents.table.split(here + page_size, true);
        const bool common = allows(slot.protection, Protection::copy);
        if (common && how == Transfer::share) return Status::busy;
        const bool others = region.view.maps() || frame_shared(slot.frame);
        page.duplicate = how == Transfer::duplicate || (how == Transfer::copy && !common && others);
        if (!share_frame(slot.frame)) return Status::no_memory;
        if (how == Transfer::copy && !page.duplicate) page.kind = Protection::copy;
        if (page.kind == Protection::copy && !common) {
            if (slot.shown && allows(slot.protection, Protection::write)) work.flush_needed = true;
            contents.table.change(here, slot.frame, slot.protection | Protection::copy,
                                  slot.shown ? Visibility::shown : Visibility::hidden);
        }
    }
    batch.pages[batch.count++] = page;
    work.at = here + page_size;
    return Status::ok;
}

Status Space::lend(RangeWork& work, Transfer how, PageBatch& batch) {
    for (;;) {
        const Status status = contents_.with([&](Contents& contents) {
            const Region* const region = current(contents, work);
            if (region == nullptr) {
                work.at = work.range.end;
                return Status::ok;
            }
            // Who shares a segment maps it too. A copy has at least what the source has touched: those pages
            // are the cache's as well, so that their contents go.
            if (region->backing == Backing::nothing || region->backing == Backing::lent ||
                (region->view.maps() && how == Transfer::share)) {
                work.at = region->range.end;
                return Status::ok;
            }
            for (unsigned budget = step_pages; budget != 0; --budget) {
                if (work.at >= region->range.end || batch.full()) break;
                const Status lent = lend_page(contents, *region, work, how, batch);
                if (lent != Status::ok) return lent;
            }
            return Status::ok;
        });
        if (status == Status::ok || (status == Status::busy && batch.count != 0)) return Status::ok;
        const Status own = status == Status::busy ? resolve(work.at, Protection::copy) : status;
        if (own == Status::ok) continue;
        for (unsigned i = 0; i < batch.count; ++i) {
            if (!batch.pages[i].borrowed) release_frame(batch.pages[i].frame);
        }
        return own;
    }
}

Status Space::take_page(const PageBatch::Page& page, VirtAddr at) {
    PhysAddr frame = page.frame;
    if (page.duplicate) {
        const Result<PhysAddr> own = account_.take(0);
        if (own.ok()) __builtin_memcpy(machine::direct(own.value()), machine::direct(page.frame), page_size);
        release_frame(page.frame);
        if (!own.ok()) return own.status();
        frame = own.value();
    } else if (!page.borrowed && !account_.adopt()) {
        release_frame(frame);
        return Status::no_memory;
    }
    const Status status = contents_.with([&](Contents& contents) {
        const Region* const region = contents.regions.at_or_after(at);
        if (region == nullptr || !region->range.contains(at)) return Status::address;
        return contents.table.insert(at, frame, region->protection | page.kind, 0, Visibility::shown);
    });
    if (status != Status::ok && !page.borrowed) account_.give_back(frame, 0);
    return status;
}

Status Space::take(const PageBatch& batch, uword delta) {
    Status status = Status::ok;
    for (unsigned i = 0; i < batch.count; ++i) {
        const PageBatch::Page& page = batch.pages[i];
        if (status == Status::ok)
            status = take_page(page, page.at + delta);
        else if (!page.borrowed)
            release_frame(page.frame);
    }
    return status;
}

Status Space::show_segment(VirtRange part, const SegmentView& view, const RangeWork& work) {
    return contents_.with([&](Contents& contents) {
        Region* region = contents.regions.at_or_after(part.begin);
        const RegionOwner owner = region == nullptr ? RegionOwner::nobody : region->owner;
        if (const Status status = cut_for_change(contents, part, owner); status != Status::ok) return status;
        region = contents.regions.at_or_after(part.begin);
        for (; region != nullptr && region->range.overlaps(part); region = contents.regions.next(*region)) {
            if (region->work != &work) return Status::busy;
            if (region->view.segment != nullptr) continue;
            region->demand = false;
            region->view = view;
            region->view.offset += region->range.begin - part.begin;
            hold_segment(*view.segment);
        }
        return Status::ok;
    });
}

void Space::finish_change(RangeWork& work) {
    contents_.with([&](Contents& contents) {
        Region* region = contents.regions.at_or_after(work.range.begin);
        for (; region != nullptr; region = contents.regions.next(*region)) {
            if (region->work != &work) continue;
            region->state = RegionState::ready;
            region->work = nullptr;
        }
    });
}

void Space::give_up(RangeWork& work) {
    work.at = work.range.begin;
    work.flush_needed = false;
    contents_.with([&](Contents& contents) {
        Region* region = contents.regions.at_or_after(work.range.begin);
        for (; region != nullptr; region = contents.regions.next(*region)) {
            if (region->work == &work) region->state = RegionState::dying;
        }
    });
}

} // namespace chorale
