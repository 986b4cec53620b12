// Page tables as the portable walker sees them, the nucleus's own mappings and the TLB.
// Sv48 where the CPU has it, else Sv39. Layout of the nucleus half (every space shares it, the same in both):
//   0xffffffc000000000  direct map: all memory below 128 GiB, read-write, never executable
//   0xffffffff80000000  nucleus image: text RX, rodata R, data RW
//   0xffffffffc0000000  CPU stacks, with unmapped space below each; then device registers
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/mem/protection.hpp"

#include <machine/asm.h>
#include <machine/offsets.h>

namespace chorale::machine {

inline constexpr uword direct_base = 0xffff'ffc0'0000'0000;
inline constexpr uword nucleus_base = 0xffff'ffff'8000'0000;

// Written once by boot code, before there is any space.
struct Paging {
    unsigned levels{3};
    uword user_limit{uword{1} << 38};
    uword image_offset{}; // virtual minus physical address of the image
    unsigned asids{1};
    u64 mode{u64{8} << 60}; // of satp
};
extern Paging paging;

// User addresses end here: what the address bits of the mode leave to the lower half.
[[nodiscard]] inline uword user_limit() { return paging.user_limit; }

struct PageTableGeometry {
    static constexpr unsigned most_levels = 4;
    // A root is a table of the top level; level 0 maps 4 KiB.
    [[nodiscard]] static unsigned levels() { return paging.levels; }
    static constexpr unsigned bits_per_level = 9;
    static constexpr unsigned entries = 1u << bits_per_level;
    static constexpr unsigned largest_leaf = 1; // level 1 maps 2 MiB

    static constexpr u64 bit_present = 1, bit_read = 2, bit_write = 4, bit_execute = 8, bit_user = 16;
    static constexpr u64 bit_global = 32, bit_accessed = 64, bit_dirty = 128;
    static constexpr u64 bit_device =
        256;                             // for software: the physical address alone decides how it is cached
    static constexpr u64 bit_copy = 512; // for software, too
    static constexpr u64 rights = bit_read | bit_write | bit_execute;
    static constexpr unsigned address_shift = 10;
    static constexpr u64 address_mask = (u64{1} << 54) - 1; // above: extensions

    [[nodiscard]] static constexpr u64 make_table(PhysAddr table) {
        return (table.raw() >> page_bits) << address_shift | bit_present;
    }
    [[nodiscard]] static constexpr u64 make_nucleus_table(PhysAddr table) { return make_table(table); }
    // Accessed and dirty are set beforehand: a CPU may leave them to software, and fault.
    [[nodiscard]] static constexpr u64 make_leaf(PhysAddr frame, Protection protection, unsigned) {
        u64 entry = (frame.raw() >> page_bits) << address_shift | bit_present | bit_read | bit_accessed;
        if (allows(protection, Protection::write)) entry |= bit_write | bit_dirty;
        if (allows(protection, Protection::copy)) entry = (entry & ~bit_write) | bit_copy;
        if (allows(protection, Protection::execute)) entry |= bit_execute;
        if (allows(protection, Protection::user)) entry |= bit_user;
        if (allows(protection, Protection::device)) entry |= bit_device;
        if (allows(protection, Protection::global)) entry |= bit_global;
        return entry;
    }
    [[nodiscard]] static constexpr bool present(u64 entry) { return (entry & bit_present) != 0; }
    [[nodiscard]] static constexpr bool leaf(u64 entry, unsigned level) {
        return level == 0 || (entry & rights) != 0;
    }
    [[nodiscard]] static constexpr PhysAddr address(u64 entry) {
        return PhysAddr{((entry & address_mask) >> address_shift) << page_bits};
    }
    [[nodiscard]] static constexpr Protection protection(u64 entry) {
        auto bits = static_cast<u32>(Protection::read);
        if ((entry & bit_write) != 0) bits |= static_cast<u32>(Protection::write);
        if ((entry & bit_execute) != 0) bits |= static_cast<u32>(Protection::execute);
        if ((entry & bit_user) != 0) bits |= static_cast<u32>(Protection::user);
        if ((entry & bit_device) != 0) bits |= static_cast<u32>(Protection::device);
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

// Device registers, from the region that is set aside for them; nullptr when that is full.
[[nodiscard]] void* map_device(PhysAddr address, std::size_t length);

// The root of a CPU that runs no actor.
[[nodiscard]] u64 nucleus_root();

// What load_root() and resume() take: a value of satp. `keep` is ignored: invalidations go to every CPU that
// may hold entries of the space, whether it is loaded or not.
[[nodiscard]] u64 make_root(PhysAddr table, unsigned asid, bool keep);
[[nodiscard]] unsigned asid_limit(); // 1: the CPU has none

// Without identifiers boot code leaves the fence in, and what other spaces left in the TLB is forgotten; with
// them it becomes a no-operation.
inline void load_root(u64 root) {
    asm volatile("csrw satp, %0\n"
                 "997: sfence.vma\n"
                 ".pushsection .patches, \"a\"\n"
                 ".quad 997b, %1\n"
                 ".popsection" ::"r"(root),
                 "i"(PATCH_ASID)
                 : "memory");
}

// None: a fence for one address leaves the tables that lead there in the hart's cache, and they may be freed.
inline constexpr unsigned invalidate_page_limit = 0;
inline void invalidate_page(VirtAddr) { asm volatile("sfence.vma" ::: "memory"); }
// What this hart has found absent it looks up anew: another hart may have mapped it meanwhile. Whoever can
// take a fault does without (spurious() in trap.cpp).
inline void forget_absent_pages() { asm volatile("sfence.vma" ::: "memory"); }
// On this CPU, every translation of one address space identifier, loaded or not; global mappings stay.
void invalidate_asid(unsigned asid);

// Fills the upper half of a new root table, so that the space shares the nucleus's mappings.
void copy_nucleus_half(u64* table);

} // namespace chorale::machine
