// Takes out what this machine does not need (machine/asm.h). Runs on the boot hart alone, before the
// nucleus's text becomes read-only.
#include "arch/riscv64/cpu/patch.hpp"

#include "kernel/base/log.hpp"

#include <machine/asm.h>
#include <machine/cpu.hpp>
#include <machine/mmu.hpp>

namespace chorale::machine {

namespace {

struct Patch {
    u16* site; // instructions lie on any multiple of two
    u64 feature;
};

extern "C" const Patch chorale_patches_begin[], chorale_patches_end[];

[[nodiscard]] bool wanted(u64 feature) { return feature == PATCH_ASID && paging.asids > 1; }

} // namespace

void patch_nucleus() {
    constexpr u16 no_operation[2] = {0x0013, 0x0000},
                  fence[2] = {0x0073, 0x1200}; // addi x0, x0, 0; sfence.vma
    for (const Patch* patch = chorale_patches_begin; patch != chorale_patches_end; ++patch) {
        require(patch->site[0] == fence[0] && patch->site[1] == fence[1],
                "patch: something else is at the site");
        if (!wanted(patch->feature)) continue;
        patch->site[0] = no_operation[0];
        patch->site[1] = no_operation[1];
    }
    synchronize_instructions();
}

} // namespace chorale::machine
