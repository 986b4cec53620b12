// Address spaces: making and ending them, and how pages come in.
#include "kernel/mem/space.hpp"

#include "kernel/base/log.hpp"
#include "kernel/mem/asid.hpp"

#include <machine/supervisor.hpp>

#include <algorithm>

namespace chorale {

namespace {

constexpr Protection accesses = Protection::read | Protection::write | Protection::execute;

[[nodiscard]] bool large_aligned(uword value) { return (value & (large_page_size - 1)) == 0; }

// One page of a fill, through the direct map: the part of the file that lies on it, zeros around.
void fill_page(std::byte* page, uword offset, std::span<const std::byte> file, uword file_offset) {
    const uword begin = std::clamp(file_offset, offset, offset + page_size);
    const uword end = std::clamp(file_offset + file.size(), begin, offset + page_size);
    __builtin_memset(page, 0, begin - offset);
    if (end > begin) {
        __builtin_memcpy(page + (begin - offset), file.data() + (begin - file_offset), end - begin);
    }
    __builtin_memset(page + (end - offset), 0, offset + page_size - end);
}

} // namespace

// No MMU offers write or execute without read. A page belongs to user mode, or to all spaces at once.
Protection Space::page_protection(Protection wanted) const {
    const Protection read = (wanted & accesses) == Protection::none ? Protection::none : Protection::read;
    const Protection owner = shared_ ? Protection::global : Protection::user;
    return (wanted & (accesses | Protection::device)) | read | owner;
}

VirtRange Space::window() const {
    if (shared_) return {VirtAddr{machine::supervisor_begin}, VirtAddr{machine::supervisor_end}};
    return {user_begin, user_end()};
}

VirtRange Space::anywhere_window() const {
    return shared_ ? window() : VirtRange{anywhere_begin, user_end()};
}

Status Space::create(u64 page_limit) {
    static_assert(offsetof(Space, root_) == 0, "the fast path reads the root there");
    require(root_ == 0, "a space that was not destroyed is made again");
    account_.set_limit(page_limit);
    const Result<PhysAddr> table = account_.take(0);
    if (!table.ok()) return table.status();
    zero_frames(table.value(), 0);
    machine::copy_nucleus_half(machine::direct<u64>(table.value()));
    table_ = table.value();
    asid_ = allocate_asid();
    cpus_.store(0, std::memory_order_relaxed); // relaxed: no CPU can know the space yet
    contents_.with([&](Contents& contents) {
        contents.table.open(table_, account_);
        contents.swept = VirtAddr{};
    });
    root_ = machine::make_root(table_, asid_, asid_ != 0);
    return Status::ok;
}

void Space::open_shared(u64 page_limit) {
    shared_ = true;
    account_.set_limit(page_limit);
    table_ = machine::supervisor_root();
    contents_.with(
        [&](Contents& contents) { contents.table.open(table_, account_, machine::supervisor_table_level); });
    cpus_.store(~u64{0}, std::memory_order_relaxed); // relaxed: only this CPU runs yet
    root_ = machine::nucleus_root();
}

bool Space::destroy_step() {
    if (root_ == 0) return true;
    const bool empty = contents_.with([&](Contents& contents) {
        Region* const region = contents.regions.first();
        if (region == nullptr) {
            // Tables that lay in holes.
            if (account_.used() == 1 || contents.swept >= user_end()) return true;
            contents.swept = contents.table.reap({contents.swept, user_end()}, step_pages, false, true);
            return false;
        }
        if (region->locks != 0) count_locked(*region, false);
        region->locks = 0;
        const VirtAddr at = reap_pages(contents, *region, region->range, true);
        region->view.offset += at - region->range.begin;
        region->range.begin = at;
        if (region->range.empty()) contents.regions.erase(*region);
        return false;
    });
    if (!empty) return false;
    account_.give_back(table_, 0);
    require(account_.used() == 0, "pages left in a destroyed space");
    free_asid(asid_);
    asid_ = 0;
    root_ = 0;
    return true;
}

// Finds or checks the place and takes it: from here on the range is nobody else's.
Status Space::claim(Fill& fill, uword size, VirtAddr at) {
    if (size == 0 || size > window().size()) return Status::size;
    size = round_up(size, page_size);
    fill.range = {at, at + size};
    if (at != anywhere) {
        if (const Status status = check_range(fill.range); status != Status::ok) return status;
    }
    return contents_.with([&](Contents& contents) {
        if (at == anywhere) {
            const bool given = !fill.window.empty();
            const bool large = size >= large_page_size && !given;
            const uword alignment = large ? large_page_size : page_size;
            fill.range = contents.regions.find_gap(given ? fill.window : anywhere_window(), size, alignment);
            if (fill.range.empty()) return Status::no_memory;
        } else if (contents.regions.occupied(fill.range)) {
            return Status::overlap;
        }
        const Result<Region*> made =
            contents.regions.insert(fill.range, fill.protection, fill.backing, RegionState::changing);
        if (!made.ok()) return made.status();
        Region& region = *made.value();
        region.owner = fill.owner;
        if (fill.attributes == nullptr) return Status::ok;
        region.demand = fill.view.segment == nullptr && fill.backing != Backing::lent;
        region.view = fill.view;
        if (fill.view.segment != nullptr) hold_segment(*region.view.segment);
        region.attributes = *fill.attributes;
        region.work = fill.work;
        if (fill.work == nullptr) region.state = RegionState::ready;
        return Status::ok;
    });
}

Result<VirtAddr> Space::find_room(uword size) {
    return contents_.with([&](Contents& contents) -> Result<VirtAddr> {
        const VirtRange room = contents.regions.find_gap(anywhere_window(), size, page_size);
        if (room.empty()) return Status::no_memory;
        return room.begin;
    });
}

Result<VirtAddr> Space::reserve(uword size, Protection protection, const Placement& place,
                                const RegionAttributes& attributes, Backing backing, RangeWork* work,
                                const SegmentView& view) {
    Fill fill{.protection = page_protection(protection), .backing = backing, .window = place.window};
    fill.attributes = &attributes;
    fill.work = work;
    fill.view = view;
    fill.owner = place.owner;
    if (!place.window.empty()) {
        if (const Status status = check_range(place.window); status != Status::ok) return status;
    }
    if (const Status status = claim(fill, size, place.at); status != Status::ok) return status;
    return fill.range.begin;
}

// A frame, filled, for the page at `at`; a large one where it fits and there is one. Code gets small pages:
// splitting a large one later, with the old entry still in the TLB, is more than the instruction TLBs of some
// CPUs can bear.
Result<Space::Piece> Space::take_piece(const Fill& fill, VirtAddr at) {
    const uword offset = at - fill.range.begin;
    const PhysAddr borrowed = fill.borrowed + offset;
    const bool owned = fill.backing == Backing::frames;
    const bool room = large_aligned(at.raw()) && fill.range.end - at >= large_page_size;
    const bool code = allows(fill.protection, Protection::execute);
    const bool large = room && !code && (owned || large_aligned(borrowed.raw()));
    if (!owned) return Piece{borrowed, large ? 1u : 0u};

    Piece piece{PhysAddr{}, 0};
    if (large) {
        const Result<PhysAddr> block = account_.take(large_page_order);
        if (block.ok()) piece = {block.value(), 1};
    }
    if (piece.level == 0) {
        const Result<PhysAddr> frame = account_.take(0);
        if (!frame.ok()) return frame.status();
        piece.frame = frame.value();
    }
    for (uword done = 0; done < PageTable::span(piece.level); done += page_size) {
        if (done % (fill_pages * page_size) == 0 && done != 0) machine::interrupt_window();
        fill_page(machine::direct<std::byte>(piece.frame + done), offset + done, fill.file, fill.file_offset);
    }
    return piece;
}

// Puts the pages in, hidden.
Status Space::stage(const Fill& fill) {
    unsigned staged = 0;
    for (VirtAddr at = fill.range.begin; at < fill.range.end;) {
        const Result<Piece> piece = take_piece(fill, at);
        if (!piece.ok()) return piece.status();
        const auto [frame, level] = piece.value();
        const Status status = contents_.with([&](Contents& contents) {
            return contents.table.insert(at, frame, fill.protection, level, Visibility::hidden);
        });
        if (status != Status::ok) {
            if (fill.backing == Backing::frames) account_.give_back(frame, PageTable::order(level));
            return status;
        }
        at = at + PageTable::span(level);
        if (++staged % fill_pages == 0) machine::interrupt_window();
    }
    return Status::ok;
}

void Space::show(const Fill& fill) {
    if (!allows(fill.protection, Protection::read)) return;
    VirtRange rest = fill.range;
    for (;;) {
        contents_.with([&](Contents& contents) { rest.begin = contents.table.show(rest, step_pages); });
        if (rest.empty()) return;
        machine::interrupt_window();
    }
}

// Takes back what stage() and claim() did: no MMU has seen any of it. Each region stays whole until its end
// is reached, so that nobody else can claim a part.
void Space::abandon(VirtRange range) {
    while (!range.empty()) {
        contents_.with([&](Contents& contents) {
            Region& region = *contents.regions.at_or_after(range.begin);
            const bool owned = region.backing == Backing::frames;
            const VirtAddr end = region.range.end;
            range.begin = contents.table.reap({range.begin, end}, step_pages, owned, false);
            if (range.begin == end) contents.regions.erase(region);
        });
        if (!range.empty()) machine::interrupt_window();
    }
}

// Fills a claimed range and opens it.
Status Space::bring_in(const Fill& fill) {
    if (const Status status = stage(fill); status != Status::ok) return status;
    show(fill);
    contents_.with([&](Contents& contents) {
        contents.regions.at_or_after(fill.range.begin)->state = RegionState::ready;
    });
    return Status::ok;
}

Result<VirtAddr> Space::allocate(uword size, Protection protection, VirtAddr at) {
    Fill fill{.protection = page_protection(protection)};
    if (const Status status = claim(fill, size, at); status != Status::ok) return status;
    const Status status = bring_in(fill);
    if (status == Status::ok) return fill.range.begin;
    abandon(fill.range);
    return status;
}

Result<VirtAddr> Space::allocate_stack(uword size) {
    if (size == 0 || size > window().size()) return Status::size;
    Fill fill{.protection = page_protection(Protection::read | Protection::write)};
    const uword whole_size = round_up(size, page_size) + page_size;
    if (const Status status = claim(fill, whole_size, anywhere); status != Status::ok) return status;
    const VirtRange whole = fill.range;
    fill.range.begin = whole.begin + page_size;
    Status status = contents_.with([&](Contents& contents) {
        Region& guard = *contents.regions.at_or_after(whole.begin);
        if (const Status split = contents.regions.isolate(fill.range); split != Status::ok) return split;
        guard.backing = Backing::nothing;
        guard.protection = Protection::none;
        return Status::ok;
    });
    if (status == Status::ok) status = bring_in(fill);
    if (status != Status::ok) {
        abandon(whole);
        return status;
    }
    contents_.with(
        [&](Contents& contents) { contents.regions.at_or_after(whole.begin)->state = RegionState::ready; });
    return whole.end;
}

Result<VirtAddr> Space::reserve_sparse(uword size) {
    Fill fill{.protection = page_protection(Protection::read | Protection::write)};
    if (shared_) fill.owner = RegionOwner::nucleus;
    if (const Status status = claim(fill, size, anywhere); status != Status::ok) return status;
    contents_.with([&](Contents& contents) {
        Region& region = *contents.regions.at_or_after(fill.range.begin);
        region.sparse = true;
        region.state = RegionState::ready;
    });
    return fill.range.begin;
}

Status Space::fill_part(VirtRange part) {
    const Fill fill{.range = part, .protection = page_protection(Protection::read | Protection::write)};
    const Status status = stage(fill);
    if (status == Status::ok)
        show(fill);
    else
        withdraw(part);
    return status;
}

// As abandon(), of a part whose region stays.
void Space::withdraw(VirtRange part) {
    while (!part.empty()) {
        contents_.with(
            [&](Contents& contents) { part.begin = contents.table.reap(part, step_pages, true, false); });
        machine::interrupt_window();
    }
}

Result<VirtAddr> Space::map_physical(PhysAddr frames, uword size, Protection protection, VirtAddr at) {
    if (!frames.page_aligned()) return Status::round;
    if (frames.raw() > boot::MemoryMap::address_end || size > boot::MemoryMap::address_end - frames.raw())
        return Status::address;
    Fill fill{.protection = page_protection(protection), .backing = Backing::borrowed, .borrowed = frames};
    if (const Status status = claim(fill, size, at); status != Status::ok) return status;
    const Status status = bring_in(fill);
    if (status == Status::ok) return fill.range.begin;
    abandon(fill.range);
    return status;
}

Status Space::map_segment(VirtAddr address, uword memory_size, std::span<const std::byte> file,
                          Protection protection, RegionOwner owner) {
    const uword offset = address.page_offset();
    if (file.size() > memory_size || memory_size > window().size()) return Status::size;
    Fill fill{.protection = page_protection(protection), .file = file, .file_offset = offset};
    fill.owner = owner;
    Status status = claim(fill, offset + memory_size, address.page_floor());
    if (status != Status::ok) return status;
    status = bring_in(fill);
    if (status != Status::ok) abandon(fill.range);
    return status;
}

} // namespace chorale
