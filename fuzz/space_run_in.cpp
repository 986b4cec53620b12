// Pages come in: each way, with the status and the place that the model foretells.
#include "fuzz/space_run.hpp"

#include <algorithm>
#include <vector>

namespace chorale::fuzz {

namespace {

constexpr u64 devices = u64{8} << 30; // physical addresses that no frame has

[[nodiscard]] ModelRegion region_of(u64 at, u64 size, Protection protection, Backing backing, u64 frame = 0) {
    return {.end = at + round_up(size, page_size),
            .protection = with_user(protection),
            .backing = backing,
            .frame = frame};
}

} // namespace

Status Run::claim_status(u64 at, u64 size) const {
    if (size == 0 || size > Space::user_end() - Space::user_begin) return Status::size;
    size = round_up(size, page_size);
    if (at == Space::anywhere.raw()) return model_.gap(size) ? Status::ok : Status::no_memory;
    if (at % page_size != 0) return Status::round;
    if (at + size <= at) return Status::size;
    if (at < Space::user_begin.raw() || at + size > Space::user_end().raw()) return Status::address;
    return model_.occupied(at, at + size) ? Status::overlap : Status::ok;
}

// Others that come in between see the region as taken. True: it is there.
template <class Operation>
bool Run::bring_in(Status expected, u64 at, const ModelRegion& region, Operation&& operation) {
    const u64 pages = space_.pages();
    if (expected == Status::ok) {
        ModelRegion taken = region;
        taken.owner = entering;
        model_.insert(at, taken);
    }
    const Status seen = attempt(operation);
    if (expected == Status::ok && seen == Status::no_memory && starved_) {
        must(interrupted_ || space_.pages() == pages, "what failed has taken nothing");
        model_.erase(at);
        return false;
    }
    must(seen == expected, "an operation's status is the model's");
    if (seen == Status::ok) model_.insert(at, region);
    return seen == Status::ok;
}

// Whatever was in the frame before.
void Run::check_zero(u64 at) {
    const ModelRegion& region = *model_.find(at);
    if (!allows(region.protection, Protection::read) || may_starve(region)) return;
    for (const u64 page : {at, region.end - page_size}) {
        static constexpr std::array<std::byte, page_size> zeros{};
        std::array<std::byte, page_size> bytes;
        must(space_.copy_from(bytes, VirtAddr{page}) == Status::ok, "a new page can be read");
        must(std::memcmp(bytes.data(), zeros.data(), page_size) == 0, "a new page holds zeros");
    }
}

void Run::allocate() {
    const auto [at, size] = place();
    const Protection protection = rights();
    const Status expected = claim_status(at, size);
    if (expected == Status::ok && !room(size)) return;
    ModelRegion region = region_of(at, size, protection, Backing::frames);
    region.demand = at / page_size % 4 == 3;
    const auto operation = [&] {
        const VirtAddr place{at};
        if (!region.demand) return space_.allocate(size, protection, place).status();
        return space_.reserve(size, protection, {place}, {}, Backing::frames).status();
    };
    if (bring_in(expected, at, region, operation)) check_zero(at);
}

void Run::allocate_anywhere() {
    const u64 size = place().size;
    const Protection protection = rights();
    const Status expected = claim_status(Space::anywhere.raw(), size);
    if (expected == Status::ok && !room(size)) return;
    const u64 at = expected == Status::ok ? *model_.gap(round_up(size, page_size)) : 0;
    const auto operation = [&] {
        const auto made = space_.allocate(size, protection);
        if (made.ok()) must(made.value().raw() == at, "the lowest gap is taken");
        return made.status();
    };
    if (bring_in(expected, at, region_of(at, size, protection, Backing::frames), operation)) check_zero(at);
}

void Run::allocate_stack() {
    const u64 size = place().size;
    const u64 usable = Space::user_end() - Space::user_begin;
    if (size != 0 && size <= usable && !room(size)) return;
    const u64 whole = round_up(size, page_size) + page_size;
    const Status expected =
        size == 0 || size > usable ? Status::size : claim_status(Space::anywhere.raw(), whole);
    const u64 at = expected == Status::ok ? *model_.gap(whole) : 0;
    const auto operation = [&] {
        const auto made = space_.allocate_stack(size);
        if (made.ok()) must(made.value().raw() == at + whole, "a stack is in the lowest gap");
        return made.status();
    };
    const Protection protection = Protection::read | Protection::write;
    if (!bring_in(expected, at, region_of(at, whole, protection, Backing::frames), operation)) return;
    // The guard has no rights at all, not even the user's.
    model_.split(at + page_size);
    ModelRegion guard = *model_.find(at);
    guard.protection = Protection::none;
    guard.backing = Backing::nothing;
    model_.insert(at, guard);
    check_zero(at + page_size);
}

void Run::map_physical() {
    const auto [at, size] = place();
    const u8 kind = input_.byte();
    Protection protection = rights();
    u64 frame = lent_frames() + u64{kind} % 8 * page_size;
    u64 length = size;
    if ((kind & 0x80) != 0) {
        protection = protection | Protection::device;
        frame = devices + u64{kind} % 8 * page_size;
    } else if (size <= order_bytes(largest_order)) {
        length = size < order_bytes(largest_order) - 8 * page_size ? size : page_size;
    }
    if ((kind & 0x70) == 0x70) frame += input_.number(1);
    if ((kind & 0x70) == 0x60) frame = input_.number(8);
    constexpr u64 end = boot::MemoryMap::address_end;
    Status expected = Status::round;
    if (frame % page_size == 0)
        expected = frame > end || length > end - frame ? Status::address : claim_status(at, length);
    if (expected == Status::ok && !room(length)) return;
    static_cast<void>(
        bring_in(expected, at, region_of(at, length, protection, Backing::borrowed, frame), [&] {
            return space_.map_physical(PhysAddr{frame}, length, protection, VirtAddr{at}).status();
        }));
}

void Run::map_segment() {
    auto [at, size] = place();
    at += input_.below(3) * 1000;
    const Protection protection = rights();
    std::vector<std::byte> file(input_.number(2) % (5 * page_size));
    for (std::size_t i = 0; i < file.size(); ++i) file[i] = static_cast<std::byte>(i * 7 + file.size());
    const u64 offset = at % page_size, begin = at - offset;
    Status expected = Status::size;
    if (file.size() <= size && size <= Space::user_end() - Space::user_begin)
        expected = claim_status(begin, offset + size);
    if (expected == Status::ok && !room(offset + size)) return;
    const ModelRegion region = region_of(begin, offset + size, protection, Backing::frames);
    if (!bring_in(expected, begin, region,
                  [&] { return space_.map_segment(VirtAddr{at}, size, file, protection); }))
        return;
    std::vector<std::byte> whole(region.end - begin);
    std::ranges::copy(file, whole.begin() + static_cast<std::ptrdiff_t>(offset));
    for (u64 page = begin; page < region.end; page += page_size)
        model_.set_mark(page, static_cast<u8>(whole[mark_place(page) - begin]));
    if (!allows(protection, Protection::read)) return;
    std::vector<std::byte> loaded(whole.size(), std::byte{1});
    must(space_.copy_from(loaded, VirtAddr{begin}) == Status::ok, "a segment can be read");
    must(std::memcmp(loaded.data(), whole.data(), whole.size()) == 0, "it holds its bytes and zeros");
}

// Many small regions, until there can be no more.
void Run::comb() {
    const u64 first = page_somewhere(), count = input_.below(256);
    const Protection protection = Protection::read | Protection::write;
    for (u64 i = 0; i < count && room(page_size); ++i) {
        const u64 at = first + 2 * i * page_size;
        static_cast<void>(
            bring_in(claim_status(at, page_size), at, region_of(at, page_size, protection, Backing::frames),
                     [&] { return space_.allocate(page_size, protection, VirtAddr{at}).status(); }));
    }
}

} // namespace chorale::fuzz
