// The host machine's memory and MMU: one anonymous mapping plays physical memory, and each thread has a TLB
// of its own that remembers what it has walked until it is told to forget. Page tables look like those of
// x86-64, so that the real walker runs on them.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/protection.hpp"

namespace chorale::machine {

inline constexpr unsigned invalidate_page_limit = 32;
[[nodiscard]] constexpr uword user_limit() { return 0x0000'7fff'ffff'f000; }
inline constexpr uword memory_size = uword{16} << 30; // reserved, not committed

struct PageTableGeometry {
    static constexpr unsigned most_levels = 4;
    // A root is a table of the top level; level 0 maps 4 KiB.
    [[nodiscard]] static constexpr unsigned levels() { return most_levels; }
    static constexpr unsigned bits_per_level = 9;
    static constexpr unsigned entries = 1u << bits_per_level;
    static constexpr unsigned largest_leaf = 1;

    static constexpr u64 bit_present = 1, bit_write = 2, bit_user = 4, bit_device = 16, bit_accessed = 32;
    static constexpr u64 bit_large = 128, bit_global = 256, bit_copy = 512;
    static constexpr u64 bit_no_execute = u64{1} << 63;
    static constexpr u64 address_mask = 0x000f'ffff'ffff'f000;

    [[nodiscard]] static constexpr u64 make_table(PhysAddr table) {
        return table.raw() | bit_present | bit_write | bit_user;
    }
    [[nodiscard]] static constexpr u64 make_leaf(PhysAddr frame, Protection protection, unsigned level) {
        u64 entry = frame.raw() | bit_present | bit_accessed;
        if (allows(protection, Protection::write)) entry |= bit_write;
        if (allows(protection, Protection::copy)) entry = (entry & ~bit_write) | bit_copy;
        if (allows(protection, Protection::user)) entry |= bit_user;
        if (allows(protection, Protection::device)) entry |= bit_device;
        if (allows(protection, Protection::global)) entry |= bit_global;
        if (!allows(protection, Protection::execute)) entry |= bit_no_execute;
        if (level != 0) entry |= bit_large;
        return entry;
    }
    [[nodiscard]] static constexpr bool present(u64 entry) { return (entry & bit_present) != 0; }
    [[nodiscard]] static constexpr bool leaf(u64 entry, unsigned level) {
        return level == 0 || (entry & bit_large) != 0;
    }
    [[nodiscard]] static constexpr PhysAddr address(u64 entry) { return PhysAddr{entry & address_mask}; }
    [[nodiscard]] static constexpr Protection protection(u64 entry) {
        Protection bits = Protection::read;
        if ((entry & bit_write) != 0) bits = bits | Protection::write;
        if ((entry & bit_no_execute) == 0) bits = bits | Protection::execute;
        if ((entry & bit_user) != 0) bits = bits | Protection::user;
        if ((entry & bit_device) != 0) bits = bits | Protection::device;
        if ((entry & bit_global) != 0) bits = bits | Protection::global;
        if ((entry & bit_copy) != 0) bits = bits | Protection::copy;
        return bits;
    }
};

// The place of physical address 0; aligned to the largest block of frames.
[[nodiscard]] std::byte* memory_base();

template <class T = void>
[[nodiscard]] inline T* direct(PhysAddr address) {
    return static_cast<T*>(static_cast<void*>(memory_base() + address.raw()));
}
[[nodiscard]] inline PhysAddr physical(const void* direct_pointer) {
    return PhysAddr{static_cast<uword>(static_cast<const std::byte*>(direct_pointer) - memory_base())};
}

[[nodiscard]] inline u64 nucleus_root() { return 0; }
[[nodiscard]] u64 make_root(PhysAddr table, unsigned asid, bool keep);
[[nodiscard]] unsigned asid_limit();
void set_asid_limit(unsigned limit); // 1: as on a CPU without identifiers; at most 4096

void load_root(u64 root);
void invalidate_page(VirtAddr address);
inline void forget_absent_pages() {}
void invalidate_asid(unsigned asid);

inline void copy_nucleus_half(u64*) {}

// There are no devices.
[[nodiscard]] inline void* map_device(PhysAddr, std::size_t) { return nullptr; }

// What a user access by this thread reaches, through its TLB and the loaded root; nullptr: it faults.
[[nodiscard]] std::byte* user_byte(VirtAddr address, Protection access);

} // namespace chorale::machine
