// Interval arithmetic on a fixed table: insert what is usable, subtract what is not, then round inwards.
#include "kernel/boot/memory_map.hpp"

#include "formats/bytes.hpp"

namespace chorale::boot {

using namespace formats;

void MemoryMap::assign(std::span<const FirmwareRange> firmware, std::uint64_t limit) {
    count_ = 0;
    bad_ranges_ = 0;
    lost_bytes_ = 0;
    limit = align_down(limit < address_end ? limit : address_end, page_size);
    for (const FirmwareRange& range : firmware) {
        if (range.type != FirmwareRange::usable || range.length == 0) continue;
        std::uint64_t end = 0;
        // One that wraps says nothing that could be believed.
        if (__builtin_add_overflow(range.base, range.length, &end) || range.base >= limit) {
            ++bad_ranges_;
            continue;
        }
        if (end > limit) {
            ++bad_ranges_;
            end = limit;
        }
        insert({range.base, end});
    }
    // Ranges meet at any byte until here: two that share a page must be joined before they are rounded.
    for (const FirmwareRange& range : firmware)
        if (range.type != FirmwareRange::usable) reserve(range.base, range.length);
    align();
}

void MemoryMap::reserve(std::uint64_t base, std::uint64_t length) {
    if (length == 0 || base >= address_end) return;
    const bool inside = fits(base, length, address_end);
    subtract({align_down(base, page_size), inside ? align_up(base + length, page_size) : address_end});
}

std::uint64_t MemoryMap::usable_bytes() const {
    std::uint64_t bytes = 0;
    for (const MemoryRange& range : usable()) bytes += range.size();
    return bytes;
}

// Keeps the table sorted and its ranges apart: those that the new one touches become part of it.
void MemoryMap::insert(MemoryRange range) {
    std::size_t first = 0;
    while (first < count_ && ranges_[first].end < range.begin) ++first;
    std::size_t last = first;
    for (; last < count_ && ranges_[last].begin <= range.end; ++last) {
        range.begin = ranges_[last].begin < range.begin ? ranges_[last].begin : range.begin;
        range.end = ranges_[last].end > range.end ? ranges_[last].end : range.end;
    }
    if (last > first) {
        ranges_[first] = range;
        remove(first + 1, last - first - 1);
        return;
    }
    if (count_ == capacity) {
        lost_bytes_ += range.size();
        return;
    }
    for (std::size_t i = count_; i > first; --i) ranges_[i] = ranges_[i - 1];
    ranges_[first] = range;
    ++count_;
}

void MemoryMap::subtract(MemoryRange hole) {
    for (std::size_t i = 0; i < count_;) {
        MemoryRange& range = ranges_[i];
        if (range.end <= hole.begin || range.begin >= hole.end) {
            ++i;
            continue;
        }
        const MemoryRange below{range.begin, hole.begin};
        const MemoryRange above{hole.end, range.end};
        const bool has_below = range.begin < hole.begin;
        const bool has_above = range.end > hole.end;
        if (!has_below && !has_above) {
            remove(i, 1);
            continue;
        }
        range = has_below ? below : above;
        if (has_below && has_above) {
            // No other range meets the hole. With a full table the smaller part has to go.
            if (count_ == capacity && above.size() > below.size()) range = above;
            if (count_ == capacity)
                lost_bytes_ += above.size() > below.size() ? below.size() : above.size();
            else
                insert(above);
            return;
        }
        ++i;
    }
}

void MemoryMap::align() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        const MemoryRange range{align_up(ranges_[i].begin, page_size), align_down(ranges_[i].end, page_size)};
        if (range.begin < range.end) ranges_[kept++] = range;
    }
    count_ = kept;
}

void MemoryMap::remove(std::size_t first, std::size_t count) {
    if (count == 0) return;
    for (std::size_t i = first + count; i < count_; ++i) ranges_[i - count] = ranges_[i];
    count_ -= count;
}

} // namespace chorale::boot
