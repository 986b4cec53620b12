// Page tables as the portable walker sees them, the nucleus's own mappings and the TLB.
// Layout of the nucleus half (every space shares it):
//   0xffff800000000000  direct map: all memory, read-write, never executable
//   0xffffffff80000000  nucleus image: text RX, rodata R, data RW
//   0xffffffffc0000000  CPU stacks, each above an unmapped guard page; then device registers, uncached
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/protection.hpp"

namespace chorale::machine {

inline constexpr uword direct_base = 0xffff'8000'0000'0000;
inline constexpr uword nucleus_base = 0xffff'ffff'8000'0000;
// User addresses end here. The last page of the half stays empty: SYSRET to 2^47 is unsafe.
[[nodiscard]] constexpr uword user_limit() { return 0x0000'7fff'ffff'f000; }

struct PageTableGeometry {
    static constexpr unsigned most_levels = 4;
    // A root is a table of the top level; level 0 maps 4 KiB.
    [[nodiscard]] static constexpr unsigned levels() { return most_levels; }
    static constexpr unsigned bits_per_level = 9;
    static constexpr unsigned entries = 1u << bits_per_level;
    static constexpr unsigned largest_leaf = 1; // level 1 maps 2 MiB

    static constexpr u64 bit_present = 1, bit_write = 2, bit_user = 4, bit_through = 8, bit_no_cache = 16;
    static constexpr u64 bit_accessed = 32, bit_dirty = 64, bit_large = 128, bit_global = 256;
    static constexpr u64 bit_copy = 512; // for software
    static constexpr u64 bit_no_execute = u64{1} << 63;
    static constexpr u64 address_mask = 0x000f'ffff'ffff'f000;

    [[nodiscard]] static constexpr u64 make_table(PhysAddr table) {
        return table.raw() | bit_present | bit_write | bit_user;
    }
    // Of the nucleus half: no user bit.
    [[nodiscard]] static constexpr u64 make_nucleus_table(PhysAddr table) {
        return table.raw() | bit_present | bit_write | bit_accessed;
    }
    [[nodiscard]] static constexpr u64 make_leaf(PhysAddr frame, Protection protection, unsigned level) {
        u64 entry = frame.raw() | bit_present | bit_accessed;
        if (allows(protection, Protection::write)) entry |= bit_write | bit_dirty;
        if (allows(protection, Protection::copy)) entry = (entry & ~bit_write) | bit_copy;
        if (allows(protection, Protection::user)) entry |= bit_user;
        if (allows(protection, Protection::device)) entry |= bit_no_cache | bit_through;
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
        auto bits = static_cast<u32>(Protection::read);
        if ((entry & bit_write) != 0) bits |= static_cast<u32>(Protection::write);
        if ((entry & bit_no_execute) == 0) bits |= static_cast<u32>(Protection::execute);
        if ((entry & bit_user) != 0) bits |= static_cast<u32>(Protection::user);
        if ((entry & bit_no_cache) != 0) bits |= static_cast<u32>(Protection::device);
        if ((entry & bit_global) != 0) bits |= static_cast<u32>(Protection::global);
        if ((entry & bit_copy) != 0) bits |= static_cast<u32>(Protection::copy);
        return static_cast<Protection>(bits);
    }
};

// The memory behind a physical address. Only for memory that the boot map held: device registers go through
// map_device.
template <class T = void>
[[nodiscard]] inline T* direct(PhysAddr address) {
    return reinterpret_cast<T*>(address.raw() + direct_base);
}
[[nodiscard]] inline PhysAddr physical(const void* direct_pointer) {
    return PhysAddr{reinterpret_cast<uword>(direct_pointer) - direct_base};
}

// Device registers, uncached, from the region that is set aside for them; nullptr when that is full.
[[nodiscard]] void* map_device(PhysAddr address, std::size_t length);

// The root of a CPU that runs no actor.
[[nodiscard]] u64 nucleus_root();

// What load_root() and resume() take. With `keep` the TLB entries of `asid` stay: the space's mappings have
// not been narrowed since it last ran on this CPU. Without PCID the asid is ignored.
[[nodiscard]] u64 make_root(PhysAddr table, unsigned asid, bool keep);
[[nodiscard]] unsigned asid_limit(); // 1: the CPU has none

inline void load_root(u64 root) { asm volatile("movq %0, %%cr3" ::"r"(root) : "memory"); }

// How many pages are worth invalidating one by one.
inline constexpr unsigned invalidate_page_limit = 32;

// On this CPU, in the space that is loaded (and global mappings), with the tables that lead there.
inline void invalidate_page(VirtAddr address) { asm volatile("invlpg (%0)" ::"r"(address.raw()) : "memory"); }
inline void forget_absent_pages() {} // no CPU of this machine remembers what was absent
// On this CPU, every translation of one address space identifier, loaded or not; global mappings stay.
void invalidate_asid(unsigned asid);

// Fills the upper half of a new root table, so that the space shares the nucleus's mappings.
void copy_nucleus_half(u64* table);

} // namespace chorale::machine
