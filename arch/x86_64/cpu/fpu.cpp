// Saving and loading the x87, SSE and AVX registers: XSAVE where the CPU has it, else FXSAVE.
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/registers.hpp"

#include <machine/fpu.hpp>

namespace chorale::machine {

namespace {

constexpr u16 initial_control_word = 0x37f; // all x87 exceptions masked, extended precision
constexpr u32 initial_mxcsr = 0x1f80;       // all SSE exceptions masked

struct alignas(fpu_area_alignment) LegacyArea {
    u16 control_word;
    u8 before_mxcsr[22];
    u32 mxcsr;
    u8 rest[484];
    u64 header[8]; // XSAVE: zero in the first word means "initial state"
};
static_assert(sizeof(LegacyArea) == 576);

constinit const LegacyArea initial_state{.control_word = initial_control_word,
                                         .before_mxcsr = {},
                                         .mxcsr = initial_mxcsr,
                                         .rest = {},
                                         .header = {}};

void store(void* area) {
    const u64 mask = features.xsave_mask;
    if (features.xsave) {
        asm volatile("xsave64 (%0)" ::"r"(area), "a"(static_cast<u32>(mask)),
                     "d"(static_cast<u32>(mask >> 32))
                     : "memory");
    } else {
        asm volatile("fxsave64 (%0)" ::"r"(area) : "memory");
    }
}

void restore(const void* area) {
    const u64 mask = features.xsave_mask;
    if (features.xsave) {
        asm volatile("xrstor64 (%0)" ::"r"(area), "a"(static_cast<u32>(mask)),
                     "d"(static_cast<u32>(mask >> 32))
                     : "memory");
    } else {
        asm volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
    }
}

void forbid() { write_cr0(read_cr0() | cr0::task_switched); }

} // namespace

void fpu_init_cpu() {
    if (features.xsave) {
        asm volatile("xsetbv" ::"c"(0), "a"(static_cast<u32>(features.xsave_mask)),
                     "d"(static_cast<u32>(features.xsave_mask >> 32)));
    }
    asm volatile("clts");
    restore(&initial_state);
    forbid();
}

std::size_t fpu_area_size() { return features.xsave_size; }

void fpu_init_area(void* area) {
    __builtin_memset(area, 0, features.xsave_size);
    auto* legacy = static_cast<LegacyArea*>(area);
    legacy->control_word = initial_control_word;
    legacy->mxcsr = initial_mxcsr;
}

void fpu_save(void* area) {
    store(area);
    restore(&initial_state);
    forbid();
}

void fpu_load(const void* area) {
    asm volatile("clts");
    restore(area);
}

} // namespace chorale::machine
