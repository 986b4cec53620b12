// Memory and mappings before the frame allocator is there. Boot CPU only; closed when nucleus_main() begins,
// but for device mappings, whose tables are made beforehand.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/boot/bytes.hpp"
#include "kernel/boot/memory_map.hpp"

#include <machine/mmu.hpp>

namespace chorale::machine {

inline constexpr u64 physical_limit = u64{1}
                                      << 46; // what the direct map has room for; memory beyond is not used

// Opens boot memory over `map`: the largest usable range below 4 GiB, which the early tables reach.
void boot_memory_open(boot::MemoryMap& map);
// Takes what was used out of the map.
void boot_memory_close(boot::MemoryMap& map);
[[nodiscard]] u64 boot_memory_used();

// Zeroed pages, contiguous. Panics when there are none: then the machine is too small to boot.
[[nodiscard]] PhysAddr boot_pages(std::size_t count);

// The nucleus's own tables: direct map of `memory`, image, device region. Then this CPU runs on them.
void make_nucleus_tables(const boot::MemoryMap& memory);
void load_nucleus_tables();
void close_nucleus_tables(); // from now on no table is added

// Maps [begin, end) of the nucleus half with fresh zeroed memory, read-write.
void boot_map_fresh(uword begin, uword end);

// Firmware tables: readable in the direct map from now on, whatever the memory map calls them. Empty when the
// range is impossible.
[[nodiscard]] boot::Bytes boot_firmware_bytes(u64 physical, std::size_t length);

} // namespace chorale::machine
