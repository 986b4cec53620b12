// The public face of physical memory: failure injection, the CPUs' stacks of single frames, the buddy
// allocator.
#include "kernel/mem/frame.hpp"

#include "kernel/base/log.hpp"
#include "kernel/base/spin_lock.hpp"
#include "kernel/mem/cpu_cache.hpp"

#include <machine/memory_watch.hpp>
#include <machine/mmu.hpp>

namespace chorale {

constinit Relaxed<u64> detail::failure_countdown;

namespace {

constinit Guarded<Rank::frames, Buddy> pool;
constinit FrameStates states;
constinit Relaxed<u64> free_estimate; // of the pool, when its lock was last given back

[[nodiscard]] constexpr PhysAddr address_of(u32 frame) { return PhysAddr{uword{frame} << page_bits}; }

[[nodiscard]] bool valid(PhysAddr address) {
    return address.page_aligned() && address.raw() >> page_bits < Buddy::frame_limit;
}

[[nodiscard]] u32 frame_of(PhysAddr address) {
    require(valid(address), "free of a bad frame address");
    return static_cast<u32>(address.raw() >> page_bits);
}

// `use(Buddy&)` with the pool locked.
template <class Use>
decltype(auto) with_pool(Use&& use) {
    return pool.with([&](Buddy& buddy) -> decltype(auto) {
        struct Note {
            Buddy& buddy;
            ~Note() { free_estimate.store(buddy.free_frames()); }
        } note{buddy};
        return use(buddy);
    });
}

void refill(FrameStack& stack) {
    with_pool([&](Buddy& buddy) {
        while (stack.count() < FrameStack::batch) {
            const u32 frame = buddy.allocate(0);
            if (frame == Buddy::no_frame) return;
            require(states.mark_cached(frame), "frame state");
            stack.push(frame);
        }
    });
}

void flush(FrameStack& stack, u32 keep) {
    with_pool([&](Buddy& buddy) {
        while (stack.count() > keep) {
            const u32 frame = stack.pop();
            require(states.mark_allocated(frame), "frame state");
            buddy.free(frame, 0);
        }
    });
}

[[nodiscard]] u32 allocate_block(unsigned order) {
    return with_pool([&](Buddy& buddy) { return buddy.allocate(order); });
}

} // namespace

void fail_allocation_after(u64 n) { detail::failure_countdown.store(n); }

u64 allocations_before_failure() { return detail::failure_countdown.load(); }

// Each allocation takes exactly one number, whichever CPU it is on, so that exactly one draws the last.
bool detail::count_allocation() {
    u64 left = failure_countdown.load();
    while (left != 0 && !failure_countdown.replace(left, left - 1)) {
    }
    if (left != 1) return false;
    log("fail.alloc: allocation refused");
    return true;
}

void initialise_frames(std::span<const boot::MemoryRange> usable) {
    with_pool([&](Buddy& buddy) { buddy.open(usable, states); });
}

Result<PhysAddr> allocate_frame() {
    if (allocation_refused()) return Status::no_memory;
    CpuCache* const cache = this_cpu_cache();
    if (cache == nullptr) {
        const u32 frame = allocate_block(0);
        if (frame == Buddy::no_frame) return Status::no_memory;
        machine::frames_taken(address_of(frame), 0);
        return address_of(frame);
    }
    if (cache->frames.empty()) refill(cache->frames);
    if (cache->frames.empty()) return Status::no_memory;
    const u32 frame = cache->frames.pop();
    require(states.mark_allocated(frame), "a cached frame was in use");
    machine::frames_taken(address_of(frame), 0);
    return address_of(frame);
}

void free_frame(PhysAddr address) {
    const u32 frame = frame_of(address);
    machine::frames_released(address, 0);
    CpuCache* const cache = this_cpu_cache();
    if (cache == nullptr) return with_pool([&](Buddy& buddy) { buddy.free(frame, 0); });
    require(states.mark_cached(frame), "free of a frame that is not allocated");
    if (cache->frames.full()) flush(cache->frames, FrameStack::capacity - FrameStack::batch);
    cache->frames.push(frame);
}

Result<PhysAddr> allocate_frames(unsigned order) {
    if (order == 0) return allocate_frame();
    if (order > largest_order || allocation_refused()) return Status::no_memory;
    u32 block = allocate_block(order);
    CpuCache* const cache = this_cpu_cache();
    if (block == Buddy::no_frame && cache != nullptr) {
        // The single frames at hand may be what keeps a block from being whole.
        flush(cache->frames, 0);
        block = allocate_block(order);
    }
    if (block == Buddy::no_frame) return Status::no_memory;
    machine::frames_taken(address_of(block), order);
    return address_of(block);
}

void free_frames(PhysAddr address, unsigned order) {
    if (order == 0) return free_frame(address);
    const u32 block = frame_of(address);
    machine::frames_released(address, order);
    with_pool([&](Buddy& buddy) { buddy.free(block, order); });
}

void split_frames(PhysAddr address, unsigned order) {
    require(states.split(frame_of(address), order), "split of a block that is not allocated");
}

// relaxed: who shares a frame is an owner, so that it stays, and publishes it under the lock of a space
bool share_frame(PhysAddr frame) {
    const auto others = states.shares(frame_of(frame));
    u16 seen = others.load(std::memory_order_relaxed);
    while (seen != 0xffff) {
        // relaxed: as above
        if (others.compare_exchange_weak(seen, static_cast<u16>(seen + 1), std::memory_order_relaxed))
            return true;
    }
    return false;
}

bool frame_shared(PhysAddr frame) {
    // acquire: pairs with the release in release_frame(): the others have read what they wanted of it
    return states.shares(frame_of(frame)).load(std::memory_order_acquire) != 0;
}

void release_frame(PhysAddr frame) {
    const auto others = states.shares(frame_of(frame));
    u16 seen = others.load(std::memory_order_acquire); // acquire: as in frame_shared()
    while (seen != 0) {
        // release: this owner's accesses come before the next one's, which finds itself alone (acquire)
        if (others.compare_exchange_weak(seen, static_cast<u16>(seen - 1), std::memory_order_release,
                                         std::memory_order_acquire)) {
            return;
        }
    }
    free_frame(frame);
}

// relaxed: for inspection
u32 frame_owners(PhysAddr frame) {
    return 1u + states.shares(frame_of(frame)).load(std::memory_order_relaxed);
}

u64 free_frames_estimate() { return free_estimate.load(); }

void zero_frames(PhysAddr block, unsigned order) {
    __builtin_memset(machine::direct(block), 0, order_bytes(order));
}

FrameStatistics frame_statistics() {
    FrameStatistics statistics = pool.with([](Buddy& buddy) {
        return FrameStatistics{buddy.total(), buddy.free_frames(), 0, buddy.metadata(), buddy.ignored()};
    });
    for (CpuIndex index = 0; const CpuCache* cache = cpu_cache_at(index); ++index) {
        statistics.cached += cache->frames.count();
    }
    statistics.free += statistics.cached;
    return statistics;
}

bool frames_allocated(PhysAddr address, unsigned order) {
    if (!valid(address)) return false;
    const u32 block = frame_of(address);
    return states.known(block) && states.at(block) == (FrameStates::allocated | order);
}

} // namespace chorale
