// Memory and mappings before the frame allocator is there. Boot CPU only; closed when nucleus_main() begins,
// but for device mappings, whose tables are made beforehand.
#pragma once

#include "formats/bytes.hpp"
#include "kernel/base/types.hpp"
#include "kernel/boot/memory_map.hpp"

#include <machine/boot_layout.hpp>
#include <machine/mmu.hpp>

namespace chorale::machine {

// Opens boot memory over `map`: the largest usable range that the early tables reach.
void boot_memory_open(boot::MemoryMap& map);
// Takes what was used out of the map.
void boot_memory_close(boot::MemoryMap& map);
[[nodiscard]] u64 boot_memory_used();

// Zeroed pages, contiguous. Panics when there are none: then the machine is too small to boot.
[[nodiscard]] PhysAddr boot_pages(std::size_t count);

} // namespace chorale::machine
