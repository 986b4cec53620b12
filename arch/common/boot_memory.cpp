// Boot memory grows upwards from the start of one range, so that what it leaves is one range again.
#include "arch/common/boot_memory.hpp"

#include "kernel/base/log.hpp"

namespace chorale::machine {

namespace {

constinit u64 pool_begin = 0, pool_next = 0, pool_end = 0;

} // namespace

void boot_memory_open(boot::MemoryMap& map) {
    for (const boot::MemoryRange& range : map.usable()) {
        if (range.begin >= boot_memory_reach) continue;
        const u64 end = range.end < boot_memory_reach ? range.end : boot_memory_reach;
        if (end - range.begin <= pool_end - pool_begin) continue;
        pool_begin = pool_next = range.begin;
        pool_end = end;
    }
    require(pool_end != 0, "boot: the firmware's memory map has no usable memory within reach");
}

void boot_memory_close(boot::MemoryMap& map) {
    map.reserve(pool_begin, boot_memory_used());
    pool_end = pool_next;
}

u64 boot_memory_used() { return pool_next - pool_begin; }

PhysAddr boot_pages(std::size_t count) {
    const std::size_t bytes = count * page_size;
    if (bytes > pool_end - pool_next) panic("boot: out of memory, bytes wanted", bytes);
    const PhysAddr pages{pool_next};
    pool_next += bytes;
    __builtin_memset(direct(pages), 0, bytes);
    return pages;
}

} // namespace chorale::machine
