// The nucleus half of the address space: every space shares it by its top-level entries, therefore nothing is
// ever added at the top level after boot. W^X: no frame of the image's text or read-only data is writable
// through any mapping. Boot CPU only; closed when nucleus_main() begins, but for device mappings, whose
// tables are made beforehand.
#pragma once

#include "arch/common/boot_memory.hpp"

#include <machine/boot_layout.hpp>

namespace chorale::machine {

// Direct map of `memory`, image, device region. The loader of the tables is the machine's.
void make_nucleus_tables(const boot::MemoryMap& memory);
void close_nucleus_tables(); // from now on no table is added

// The table of the top level, or what stands for it: physical, and its entries.
[[nodiscard]] PhysAddr nucleus_table();
[[nodiscard]] const u64* nucleus_entries();

// Maps [begin, end) of the nucleus half with fresh zeroed memory, read-write.
void boot_map_fresh(uword begin, uword end);

// Firmware tables: readable in the direct map from now on, whatever the memory map calls them. Empty when the
// range is impossible.
[[nodiscard]] formats::Bytes boot_firmware_bytes(u64 physical, std::size_t length);

} // namespace chorale::machine
