// Loading page tables, and what the TLB is to forget.
#include "arch/riscv64/boot/paging.hpp"

#include "arch/common/nucleus_tables.hpp"
#include "arch/riscv64/cpu/features.hpp"
#include "arch/riscv64/cpu/registers.hpp"
#include "arch/riscv64/cpu/sbi.hpp"

#include <machine/supervisor.hpp>

namespace chorale::machine {

constinit Paging paging{};

extern "C" {
extern u64 chorale_nucleus_satp; // secondaries load it from assembly
u64 chorale_nucleus_satp = 0;
}

namespace {

constexpr u64 mode_sv48 = u64{9} << 60;
constexpr unsigned asid_shift = 44, asid_bits = 16;
// Fewer identifiers than this might run out, and spaces without one need the fence: then none are used.
constexpr unsigned fewest_asids = 2048;

// Sv48 has one more level: all of the nucleus half is behind the last entry of its root.
alignas(page_size) constinit u64 sv48_root[PageTableGeometry::entries]{};

void enter(u64 satp) {
    CHORALE_WRITE_CSR("satp", satp);
    asm volatile("sfence.vma" ::: "memory");
}

// A mode that the hart does not have leaves satp as it is.
[[nodiscard]] bool use_sv48() {
    sv48_root[PageTableGeometry::entries - 1] = PageTableGeometry::make_nucleus_table(nucleus_table());
    const u64 wanted = mode_sv48 | image_physical(sv48_root).raw() >> page_bits;
    enter(wanted);
    if (CHORALE_READ_CSR("satp") != wanted) return false;
    paging.levels = 4;
    paging.user_limit = uword{1} << 47;
    paging.mode = mode_sv48;
    return true;
}

// The bits of an identifier that can be set are those that there are.
[[nodiscard]] unsigned count_asids() {
    const u64 before = CHORALE_READ_CSR("satp");
    constexpr u64 all = (u64{1} << asid_bits) - 1;
    enter(before | all << asid_shift);
    const u64 kept = CHORALE_READ_CSR("satp") >> asid_shift & all;
    enter(before);
    const auto count = static_cast<unsigned>(kept) + 1;
    return count >= fewest_asids ? count : 1;
}

} // namespace

void probe_mmu() { paging.asids = count_asids(); }

void load_nucleus_tables() {
    if (!features.sv48 || !use_sv48()) enter(paging.mode | nucleus_table().raw() >> page_bits);
    chorale_nucleus_satp = CHORALE_READ_CSR("satp");
}

u64 nucleus_root() { return chorale_nucleus_satp; }

u64 make_root(PhysAddr table, unsigned asid, bool) {
    return paging.mode | (paging.asids > 1 ? u64{asid} << asid_shift : 0) | table.raw() >> page_bits;
}

unsigned asid_limit() { return paging.asids; }

void invalidate_asid(unsigned asid) {
    if (paging.asids > 1) {
        asm volatile("sfence.vma zero, %0" ::"r"(u64{asid}) : "memory");
    } else {
        asm volatile("sfence.vma" ::: "memory");
    }
}

PhysAddr supervisor_root() { return paging.levels == 4 ? image_physical(sv48_root) : nucleus_table(); }

void copy_nucleus_half(u64* table) {
    constexpr unsigned half = PageTableGeometry::entries / 2, last = PageTableGeometry::entries - 1;
    if (paging.levels == 4) {
        table[last] = sv48_root[last];
        return;
    }
    __builtin_memcpy(table + half, nucleus_entries() + half, half * sizeof(u64));
}

void publish_nucleus_mapping(uword begin, uword bytes) {
    asm volatile("sfence.vma" ::: "memory");
    before_firmware_call();
    constexpr u64 all_harts = ~u64{0};
    enum : u64 { remote_sfence_vma = 1 };
    // Whoever is started later fences by itself; the firmware's call returns when all harts have.
    if (sbi_has(sbi_rfence)) (void)sbi_call(sbi_rfence, remote_sfence_vma, 0, all_harts, begin, bytes);
}

} // namespace chorale::machine
