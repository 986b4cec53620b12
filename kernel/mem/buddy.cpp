// The buddy allocator of physical frames.
#include "kernel/mem/buddy.hpp"

#include "kernel/base/log.hpp"

#include <machine/mmu.hpp>

#include <algorithm>
#include <bit>

namespace chorale {

namespace {

constexpr u32 largest_block = u32{1} << largest_order;
// Below, memory is left to what only works there, as long as there is other.
constexpr u64 low_memory_end = u64{1} << 20;

[[nodiscard]] constexpr PhysAddr address_of(u32 frame) { return PhysAddr{uword{frame} << page_bits}; }

struct Frames {
    u64 begin, end;
};

// The whole frames of a range that can be managed.
[[nodiscard]] Frames frames_of(const boot::MemoryRange& range) {
    const u64 begin = std::max<u64>((range.begin >> page_bits) + ((range.begin & (page_size - 1)) != 0), 1);
    const u64 end = std::min(range.end >> page_bits, Buddy::frame_limit);
    return {begin, std::max(begin, end)};
}

[[nodiscard]] u64 frames_in(const boot::MemoryRange& range) {
    const Frames frames = frames_of(range);
    return frames.end - frames.begin;
}

} // namespace

Buddy::FreeBlock& Buddy::links(u32 block) { return *machine::direct<FreeBlock>(address_of(block)); }

// Chooses how much of the map is covered by the state bytes: all of it, unless so much lies in holes that
// they would take more than 1/64 of the memory; then the highest ranges are left out.
Buddy::Cover Buddy::cover(std::span<const boot::MemoryRange> usable) {
    u64 usable_frames = 0;
    for (const boot::MemoryRange& range : usable) usable_frames += frames_in(range);
    total_ = usable_frames;
    for (std::size_t count = usable.size(); count > 0; --count) {
        const Frames last = frames_of(usable[count - 1]);
        const u64 base = round_down(frames_of(usable.front()).begin, largest_block);
        const u64 end = round_up(last.end, largest_block);
        if (last.end > last.begin && (end - base) / page_size <= total_ / 64 + 1) {
            ignored_ = usable_frames - total_;
            return {usable.first(count), static_cast<u32>(base), static_cast<u32>(end)};
        }
        total_ -= last.end - last.begin;
    }
    ignored_ = usable_frames;
    return {};
}

void Buddy::place_metadata(const Cover& cover) {
    const u64 states = round_up(u64{cover.end} - cover.base, alignof(u16));
    const u64 table = round_up(states * (1 + sizeof(u16)), alignof(FreshRange));
    metadata_ = round_up(table + cover.ranges.size() * sizeof(FreshRange), page_size) >> page_bits;
    u64 place = 0;
    for (const boot::MemoryRange& range : cover.ranges) {
        const Frames frames = frames_of(range);
        if (frames.end - frames.begin < metadata_) continue;
        place = frames.begin;
        if (range.begin >= low_memory_end) break;
    }
    require(place != 0, "no memory for the frame table");
    total_ -= metadata_;
    const PhysAddr bytes{place << page_bits};
    states_->open(machine::direct<u8>(bytes), machine::direct<u16>(bytes + states), cover.base, cover.end);
    fresh_ = machine::direct<FreshRange>(PhysAddr{(place << page_bits) + table});
    for (const boot::MemoryRange& range : cover.ranges) {
        Frames frames = frames_of(range);
        if (frames.begin == place) frames.begin += metadata_;
        if (frames.begin == frames.end) continue;
        fresh_[fresh_count_++] = {static_cast<u32>(frames.begin), static_cast<u32>(frames.end)};
    }
}

void Buddy::open(std::span<const boot::MemoryRange> usable, FrameStates& states) {
    *this = Buddy{};
    states_ = &states;
    place_metadata(cover(usable));
    free_ = total_;
}

// Moves the next fresh piece, at most one largest block, into the lists.
bool Buddy::cut_fresh() {
    if (fresh_index_ == fresh_count_) return false;
    FreshRange& range = fresh_[fresh_index_];
    const u32 block = range.begin & ~(largest_block - 1);
    const u32 end = std::min(range.end, block + largest_block);
    if (states_valid_to_ < block + largest_block) {
        __builtin_memset(states_->bytes(block), FrameStates::inside, largest_block);
        states_->clear_shares(block, largest_block);
        states_valid_to_ = block + largest_block;
    }
    for (u32 at = range.begin; at < end;) {
        const auto aligned = static_cast<unsigned>(std::countr_zero(at));
        const auto fits = static_cast<unsigned>(std::bit_width(end - at)) - 1;
        const unsigned order = std::min({aligned, fits, largest_order});
        insert(at, order);
        at += u32{1} << order;
    }
    range.begin = end;
    if (range.begin == range.end) ++fresh_index_;
    return true;
}

void Buddy::insert(u32 block, unsigned order) {
    FreeBlock& link = links(block);
    link = {head_[order], no_frame};
    if (link.next != no_frame) links(link.next).previous = block;
    head_[order] = block;
    states_->set(block, static_cast<u8>(FrameStates::free | order));
}

void Buddy::remove(u32 block, unsigned order) {
    const FreeBlock link = links(block);
    if (link.next != no_frame) links(link.next).previous = link.previous;
    if (link.previous != no_frame)
        links(link.previous).next = link.next;
    else
        head_[order] = link.next;
    states_->set(block, FrameStates::inside);
}

u32 Buddy::allocate(unsigned order) {
    unsigned have = order;
    for (;;) {
        while (have < frame_orders && head_[have] == no_frame) ++have;
        if (have < frame_orders) break;
        if (!cut_fresh()) return no_frame;
        have = order;
    }
    const u32 block = head_[have];
    remove(block, have);
    // No block of these orders is free: each half is the first of its list.
    while (have > order) {
        --have;
        const u32 half = block + (u32{1} << have);
        links(half) = {no_frame, no_frame};
        head_[have] = half;
        states_->set(half, static_cast<u8>(FrameStates::free | have));
    }
    states_->set(block, static_cast<u8>(FrameStates::allocated | order));
    free_ -= u64{1} << order;
    return block;
}

void Buddy::free(u32 block, unsigned order) {
    require(states_->known(block) && states_->at(block) == (FrameStates::allocated | order),
            "free of a block that is not allocated");
    free_ += u64{1} << order;
    states_->set(block, FrameStates::inside);
    for (; order < largest_order; ++order) {
        const u32 buddy = block ^ (u32{1} << order);
        if (states_->at(buddy) != (FrameStates::free | order)) break;
        remove(buddy, order);
        block = std::min(block, buddy);
    }
    insert(block, order);
}

} // namespace chorale
