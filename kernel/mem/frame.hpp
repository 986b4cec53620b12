// Physical memory in naturally aligned blocks of 2^order frames: a buddy allocator under one lock, and before
// it a stack of single frames for each CPU. Usable from initialise_frames() on, at first by the boot CPU
// alone.
//
// Memory that has never been touched costs nothing: blocks of the largest order are cut from the firmware's
// ranges when they are first wanted, and only then is their metadata (one byte a frame) written.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/boot/memory_map.hpp"
#include "kernel/mem/buddy.hpp"
#include "kernel/mem/fail_allocation.hpp"

#include <span>

namespace chorale {

inline constexpr unsigned large_page_order = 9;

[[nodiscard]] constexpr uword order_bytes(unsigned order) { return page_size << order; }
// The smallest order that holds `bytes`; above largest_order when none does.
[[nodiscard]] constexpr unsigned order_for(uword bytes) {
    unsigned order = 0;
    while (order < frame_orders && order_bytes(order) < bytes) ++order;
    return order;
}

// `usable`: sorted, disjoint. The metadata is taken from it. Once, by the boot CPU, with the direct map in
// place.
void initialise_frames(std::span<const boot::MemoryRange> usable);

// The contents are whatever they were. Frame 0 is never given out.
[[nodiscard]] Result<PhysAddr> allocate_frame();
void free_frame(PhysAddr frame);

[[nodiscard]] Result<PhysAddr> allocate_frames(unsigned order);
void free_frames(PhysAddr block, unsigned order); // order as it was allocated; anything else panics

// From now on each frame of the allocated block is freed alone.
void split_frames(PhysAddr block, unsigned order);

void zero_frames(PhysAddr block, unsigned order);

// ---- frames with several owners: each lets go of the frame with release_frame() ----------------
// One owner more; false: there are as many as can be counted. By an owner.
[[nodiscard]] bool share_frame(PhysAddr frame);
// Whether there is another owner. When there is none, the caller is the only one until it shares the frame.
[[nodiscard]] bool frame_shared(PhysAddr frame);
// One owner less; the last one frees it.
void release_frame(PhysAddr frame);
[[nodiscard]] u32 frame_owners(PhysAddr frame); // for inspection

// Roughly how many frames are free, for one load.
[[nodiscard]] u64 free_frames_estimate();

struct FrameStatistics {
    u64 total;    // frames that were usable when initialise_frames() ended
    u64 free;     // of them, not allocated; exact while no CPU allocates
    u64 cached;   // of the free ones, in the caches of the CPUs
    u64 metadata; // frames that the allocator took for itself, not in `total`
    u64 ignored;  // usable frames that it cannot manage: too high, or too scattered for the metadata
};
[[nodiscard]] FrameStatistics frame_statistics();

// Whether a block of that order begins at the address, which may be any, and is in use.
[[nodiscard]] bool frames_allocated(PhysAddr block, unsigned order);

} // namespace chorale
