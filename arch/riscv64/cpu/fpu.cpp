// Saving and loading f0 to f31 and fcsr, in cpu/fpu_registers.S: nothing else of the nucleus may touch them.
#include "arch/riscv64/cpu/features.hpp"
#include "arch/riscv64/cpu/registers.hpp"

#include <machine/fpu.hpp>

namespace chorale::machine {

namespace {

constexpr u64 clean = 0x4000, dirty = 0x6000;
constexpr std::size_t area_size = 33 * sizeof(u64);

extern "C" {
void chorale_fpu_save(void* area);
void chorale_fpu_load(const void* area);
}

} // namespace

void fpu_init_cpu() { CHORALE_CLEAR_CSR("sstatus", SSTATUS_FS); }

std::size_t fpu_area_size() { return area_size; }

// All zero: the initial state.
void fpu_init_area(void* area) { __builtin_memset(area, 0, area_size); }

void fpu_save(void* area) {
    if ((CHORALE_READ_CSR("sstatus") & SSTATUS_FS) == dirty) chorale_fpu_save(area);
    CHORALE_CLEAR_CSR("sstatus", SSTATUS_FS);
}

void fpu_load(const void* area) {
    CHORALE_SET_CSR("sstatus", dirty); // the loads need FS on, whatever was there
    chorale_fpu_load(area);
    CHORALE_CLEAR_CSR("sstatus", SSTATUS_FS);
    CHORALE_SET_CSR("sstatus", clean);
}

} // namespace chorale::machine
