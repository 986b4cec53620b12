// Loading page tables, and what the TLB is to forget.
#include "arch/x86_64/boot/paging.hpp"

#include "arch/common/nucleus_tables.hpp"
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/registers.hpp"

#include <machine/supervisor.hpp>

namespace chorale::machine {

extern "C" {
extern u64 chorale_nucleus_table_address; // physical; secondaries load it from assembly
u64 chorale_nucleus_table_address = 0;
}

void load_nucleus_tables() {
    chorale_nucleus_table_address = nucleus_table().raw();
    load_root(chorale_nucleus_table_address);
}

unsigned largest_nucleus_leaf() { return features.large_1g ? 2 : 1; }

u64 nucleus_root() { return make_root(PhysAddr{chorale_nucleus_table_address}, 0, true); }

u64 make_root(PhysAddr table, unsigned asid, bool keep) {
    constexpr u64 no_flush = u64{1} << 63;
    if (!features.pcid) return table.raw();
    return table.raw() | asid | (keep ? no_flush : 0);
}

unsigned asid_limit() { return features.pcid ? 1u << 12 : 1; }

void invalidate_asid(unsigned asid) {
    constexpr u64 no_flush = u64{1} << 63, asid_bits = 0xfff;
    const u64 current = read_cr3();
    if (!features.pcid || (current & asid_bits) == asid) {
        load_root(current);
    } else if (features.invpcid) {
        const u64 descriptor[2] = {asid, 0};
        constexpr u64 one_context = 1;
        asm volatile("invpcid %0, %1" ::"m"(descriptor), "r"(one_context) : "memory");
    } else {
        load_root(make_root(PhysAddr{chorale_nucleus_table_address}, asid, false));
        load_root(current | no_flush);
    }
}

PhysAddr supervisor_root() { return PhysAddr{chorale_nucleus_table_address}; }

// Turning global pages off forgets everything.
void invalidate_all() {
    const u64 bits = read_cr4();
    write_cr4(bits ^ cr4::global_pages);
    write_cr4(bits);
    if ((bits & cr4::global_pages) == 0) load_root(read_cr3());
}

void copy_nucleus_half(u64* table) {
    constexpr unsigned half = PageTableGeometry::entries / 2;
    __builtin_memcpy(table + half, nucleus_entries() + half, half * sizeof(u64));
}

} // namespace chorale::machine
