// The shared pool of physical memory: free blocks of 2^order frames, naturally aligned, merged with their
// buddies when these are free too. One byte of state for each frame; the links of the free lists lie in the
// free blocks themselves.
//
// Blocks of the largest order that were never used lie in no list: they are cut from the ranges of fresh
// memory when the lists run dry. So setting up costs the same for any amount of memory. Invariant: the state
// bytes of a largest-order block are valid from the first cut in it. A block's head says
// free/allocated/cached and its order; all other bytes of a block are `inside`. Context: under the lock of
// the owner.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/boot/memory_map.hpp"

#include <array>
#include <atomic>
#include <span>

namespace chorale {

inline constexpr unsigned frame_orders = 11; // 4 KiB to 4 MiB
inline constexpr unsigned largest_order = frame_orders - 1;

// What is known of each frame: its state, and how many share it. The table itself is constant once open; its
// bytes belong to whoever owns the block: its user or a CPU's cache change an allocated block's byte without
// a lock, the buddy allocator all others under its own.
class FrameStates {
  public:
    static constexpr u8 inside = 0, free = 0x40, allocated = 0x80, cached = 0xc0; // heads: plus the order

    void open(u8* bytes, u16* shares, u32 base, u32 end) {
        bytes_ = bytes;
        shares_ = shares;
        base_ = base;
        end_ = end;
    }

    [[nodiscard]] u8* bytes(u32 frame) { return bytes_ + (frame - base_); }
    [[nodiscard]] bool known(u32 frame) const { return frame >= base_ && frame < end_; }

    // relaxed: neighbouring bytes are changed by other CPUs at the same time, this one only by its owner.
    // Where a buddy's byte is compared only `free` counts, and that is written under the lock that the reader
    // holds.
    [[nodiscard]] u8 at(u32 frame) { return std::atomic_ref{*bytes(frame)}.load(std::memory_order_relaxed); }
    void set(u32 frame, u8 state) { std::atomic_ref{*bytes(frame)}.store(state, std::memory_order_relaxed); }

    // A single frame on its way between its user and a CPU's cache. False: it was not in the state that this
    // needs.
    [[nodiscard]] bool mark_cached(u32 frame) { return change(frame, allocated, cached); }
    [[nodiscard]] bool mark_allocated(u32 frame) { return change(frame, cached, allocated); }

    // By the owner of an allocated block: from now on each of its frames is freed alone.
    [[nodiscard]] bool split(u32 block, unsigned order) {
        if (!change(block, static_cast<u8>(allocated | order), allocated)) return false;
        for (u32 i = 1; i < u32{1} << order; ++i) set(block + i, allocated);
        return true;
    }

    // How many owners an allocated frame has besides one; 0 in any other. Changed by its owners alone.
    [[nodiscard]] std::atomic_ref<u16> shares(u32 frame) { return std::atomic_ref{shares_[frame - base_]}; }
    void clear_shares(u32 block, u32 count) {
        __builtin_memset(shares_ + (block - base_), 0, count * sizeof *shares_);
    }

  private:
    [[nodiscard]] bool change(u32 frame, u8 from, u8 to) {
        if (!known(frame) || at(frame) != from) return false;
        set(frame, to);
        return true;
    }

    u8* bytes_{};
    u16* shares_{};
    u32 base_{}; // a multiple of the largest block
    u32 end_{};
};

class Buddy {
  public:
    static constexpr u32 no_frame = 0;               // frame 0 is never given out
    static constexpr u64 frame_limit = u64{1} << 31; // 8 TiB: frame numbers fit in 32 bits

    // Takes its metadata out of the ranges, which are sorted and disjoint. `states` lives as long as this.
    void open(std::span<const boot::MemoryRange> usable, FrameStates& states);

    [[nodiscard]] u32 allocate(unsigned order); // no_frame: none left
    void free(u32 block, unsigned order);

    [[nodiscard]] u64 total() const { return total_; }
    [[nodiscard]] u64 free_frames() const { return free_; }
    [[nodiscard]] u64 metadata() const { return metadata_; }
    [[nodiscard]] u64 ignored() const { return ignored_; }

  private:
    struct FreshRange {
        u32 begin, end;
    };
    // At the start of each free block.
    struct FreeBlock {
        u32 next, previous;
    };
    struct Cover {
        std::span<const boot::MemoryRange> ranges;
        u32 base, end;
    };

    [[nodiscard]] static FreeBlock& links(u32 block);
    void insert(u32 block, unsigned order);
    void remove(u32 block, unsigned order);
    [[nodiscard]] bool cut_fresh();
    [[nodiscard]] Cover cover(std::span<const boot::MemoryRange> usable);
    void place_metadata(const Cover& cover);

    std::array<u32, frame_orders> head_{};
    u64 free_{};
    u64 total_{};
    u64 metadata_{};
    u64 ignored_{};
    FrameStates* states_{};
    u32 states_valid_to_{};
    u32 fresh_count_{};
    u32 fresh_index_{};
    FreshRange* fresh_{};
};

} // namespace chorale
