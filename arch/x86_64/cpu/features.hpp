// What this machine's CPUs can do, decided once by the boot CPU. The others are taken to be the same.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

struct Features {
    bool smep, smap, umip, nx, pcid, invpcid, fsgsbase, global_pages, xsave, avx, avx512, x2apic;
    bool tsc_deadline, invariant_tsc, large_1g, rdrand, rdseed, machine_check, hypervisor;
    u64 xsave_mask;      // XCR0
    u32 xsave_size;      // bytes of the save area
    u32 tsc_khz_from_id; // 0: CPUID does not say
};

extern Features features;

// Fills `features`; stops the boot when something is missing that the nucleus cannot do without.
void detect_features();
// Swaps the instructions marked in machine/asm.h. Only while the nucleus's text is still writable.
void patch_nucleus();
// Sets the control registers of this CPU for what `features` has.
void enable_features();

} // namespace chorale::machine
