// Memory changes hands: the address sanitizer learns of it, translations to it become stale.
#include "arch/host/memory.hpp"

#include <machine/memory_watch.hpp>
#include <machine/mmu.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, size) (static_cast<void>(memory), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(memory, size) (static_cast<void>(memory), static_cast<void>(size))
#endif

namespace chorale::host {

namespace {

[[nodiscard]] u32* reserve_ages() {
    void* const place = mmap(nullptr, (machine::memory_size >> page_bits) * sizeof(u32),
                             PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) {
        std::perror("the host machine's record of frames");
        std::abort();
    }
    return static_cast<u32*>(place);
}

// relaxed wherever it is used: who frees a frame has made sure that nobody reaches it any more
[[nodiscard]] std::atomic_ref<u32> age_of(u64 frame) {
    static u32* const ages = reserve_ages();
    return std::atomic_ref<u32>{ages[frame]};
}

MemoryReused listener = nullptr;

void reused(void* memory, std::size_t size) {
    if (listener != nullptr) listener(memory, size);
}

} // namespace

u32 frame_age(PhysAddr frame) { return age_of(frame.raw() >> page_bits).load(std::memory_order_relaxed); }

void on_memory_reuse(MemoryReused wanted) { listener = wanted; }

} // namespace chorale::host

namespace chorale::machine {

void frames_taken(PhysAddr block, unsigned order) {
    ASAN_UNPOISON_MEMORY_REGION(direct(block), page_size << order);
    host::reused(direct(block), page_size << order);
}

void frames_released(PhysAddr block, unsigned order) {
    for (u64 frame = 0; frame < u64{1} << order; ++frame) {
        // relaxed: see age_of()
        host::age_of((block.raw() >> page_bits) + frame).fetch_add(1, std::memory_order_relaxed);
    }
    // The allocator keeps its lists at the beginning of free blocks, each of which begins with a frame.
    for (u64 frame = 0; frame < u64{1} << order; ++frame) {
        auto* const bytes = direct<std::byte>(block + (frame << page_bits));
        ASAN_UNPOISON_MEMORY_REGION(bytes, cache_line); // where an object was
        ASAN_POISON_MEMORY_REGION(bytes + cache_line, page_size - cache_line);
    }
}

void object_taken(void* object, std::size_t size) {
    ASAN_UNPOISON_MEMORY_REGION(object, size);
    host::reused(object, size);
}

void object_released(void* object, std::size_t size) { ASAN_POISON_MEMORY_REGION(object, size); }

} // namespace chorale::machine
