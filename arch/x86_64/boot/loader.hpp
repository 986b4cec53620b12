// What the loader left in memory, copied out of its reach. The readers run on the early tables, which map 4
// GiB: whatever a loader puts higher counts as missing. Invariant: every address and length from the loader
// is checked against that limit before it is used.
#pragma once

#include "formats/bytes.hpp"
#include "kernel/base/types.hpp"
#include "kernel/boot/command_line.hpp"
#include "kernel/boot/memory_map.hpp"

#include <machine/mmu.hpp>

#include <string_view>

namespace chorale::machine {

inline constexpr u32 pvh_magic = 0x336e'c578; // as start.S passes it on
inline constexpr u32 multiboot2_magic = 0x36d7'6289;

struct LoaderInfo {
    static constexpr std::size_t memory_capacity = 256;
    static constexpr std::size_t loader_name_capacity = 48;
    static constexpr std::size_t root_pointer_capacity = 64;

    char command_line[boot::command_line_limit + 1]; // one more than is accepted: a line too long is seen
    std::size_t command_line_length;
    char loader[loader_name_capacity];
    std::size_t loader_length;
    boot::FirmwareRange memory[memory_capacity];
    std::size_t memory_count;
    std::size_t memory_dropped; // entries beyond the capacity
    u64 bank_begin, bank_length;
    u64 rsdp; // physical; 0: not told
    std::byte
        root_pointer[root_pointer_capacity]; // a copy of the structure, where the loader gave that instead
    std::size_t root_pointer_length;

    void add_memory(u64 base, u64 length, u32 type);
    void set_command_line(std::string_view text);
    void set_loader(std::string_view text);
};

// Bytes at a physical address, or nothing when they do not all lie below 4 GiB.
[[nodiscard]] inline formats::Bytes early_bytes(u64 address, u64 length) {
    constexpr u64 reach = u64{4} << 30;
    if (address == 0 || !formats::fits(address, length, reach)) return {};
    return {direct<const std::byte>(PhysAddr{address}), length};
}

// The text at `bytes`, up to its NUL or the end.
[[nodiscard]] std::string_view terminated(formats::Bytes bytes);

// False: there is nothing usable; `problem` says why.
[[nodiscard]] bool read_pvh(u64 address, LoaderInfo& info, std::string_view& problem);
[[nodiscard]] bool read_multiboot2(u64 address, LoaderInfo& info, std::string_view& problem);

} // namespace chorale::machine
