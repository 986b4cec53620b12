// What the machine's boot code found and hands to nucleus_main(). Everything here stays valid for ever.
#pragma once

#include "formats/bytes.hpp"
#include "kernel/base/types.hpp"
#include "kernel/boot/memory_map.hpp"

#include <string_view>

namespace chorale {

struct PhysRange {
    PhysAddr begin, end;
    [[nodiscard]] uword size() const { return end - begin; }
};

struct BootInfo {
    std::string_view command_line; // as the loader gave it, cut at boot::command_line_limit
    std::string_view loader;       // "PVH", or the name that the Multiboot2 loader gave itself
    const boot::MemoryMap* memory; // usable memory, without the nucleus, the bank and what boot code keeps
    formats::Bytes bank;           // empty when the loader gave none
    PhysRange bank_frames;
    PhysRange nucleus; // the image, bss included
    u64 boot_bytes;    // allocated by boot code outside the image, for the memory report
    u64 rsdp;          // physical; 0: no ACPI
    u64 total_memory;  // bytes that the firmware calls usable
};

} // namespace chorale
