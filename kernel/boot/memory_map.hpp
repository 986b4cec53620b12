// The firmware's memory map, made trustworthy: sorted, disjoint, page-aligned ranges of usable memory.
// Invariant: usable() never holds a byte that the firmware or reserve() kept back, even when the table is
// full: then memory is lost, and counted, but never given out wrongly.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace chorale::boot {

// As in E820, PVH and Multiboot2: 1 is usable, everything else is not.
struct FirmwareRange {
    std::uint64_t base = 0;
    std::uint64_t length = 0;
    std::uint32_t type = 0;

    static constexpr std::uint32_t usable = 1;
};

struct MemoryRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    [[nodiscard]] std::uint64_t size() const { return end - begin; }
    friend bool operator==(const MemoryRange&, const MemoryRange&) = default;
};

class MemoryMap {
  public:
    static constexpr std::size_t capacity = 256;
    static constexpr std::uint64_t page_size = 4096;
    static constexpr std::uint64_t address_end = std::uint64_t{1} << 52; // of any x86-64 or Sv57 machine

    // Replaces what is here. Memory at or above `limit` is ignored.
    void assign(std::span<const FirmwareRange> firmware, std::uint64_t limit = address_end);

    // Takes whole pages out of the usable ranges; a range that wraps reaches to the end of memory.
    void reserve(std::uint64_t base, std::uint64_t length);

    [[nodiscard]] std::span<const MemoryRange> usable() const { return {ranges_.data(), count_}; }
    [[nodiscard]] std::uint64_t usable_bytes() const;
    [[nodiscard]] std::uint64_t highest_address() const { return count_ == 0 ? 0 : ranges_[count_ - 1].end; }

    // What the firmware got wrong: ranges that wrap or lie beyond the limit, usable bytes for which the
    // table had no room.
    [[nodiscard]] std::size_t bad_ranges() const { return bad_ranges_; }
    [[nodiscard]] std::uint64_t lost_bytes() const { return lost_bytes_; }

  private:
    void insert(MemoryRange range);
    void subtract(MemoryRange range);
    void align();
    void remove(std::size_t first, std::size_t count);

    std::array<MemoryRange, capacity> ranges_{};
    std::size_t count_ = 0;
    std::size_t bad_ranges_ = 0;
    std::uint64_t lost_bytes_ = 0;
};

} // namespace chorale::boot
