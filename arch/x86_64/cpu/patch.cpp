// Puts the alternatives of machine/asm.h in place. Runs on the boot CPU alone, before the nucleus's text
// becomes read-only.
#include "arch/x86_64/cpu/features.hpp"
#include "kernel/base/log.hpp"

#include <machine/asm.h>

namespace chorale::machine {

namespace {

struct Patch {
    u8* site;
    const u8* text;
    u32 site_length, text_length;
    u64 feature;
};

extern "C" const Patch chorale_patches_begin[], chorale_patches_end[];

[[nodiscard]] bool wanted(u64 feature) {
    switch (feature) {
    case PATCH_SMAP:
        return features.smap;
    case PATCH_FSGSBASE:
        return features.fsgsbase;
    default:
        return false;
    }
}

} // namespace

void patch_nucleus() {
    constexpr u8 no_operation = 0x90;
    for (const Patch* patch = chorale_patches_begin; patch != chorale_patches_end; ++patch) {
        require(patch->text_length <= patch->site_length, "patch: the alternative is longer than its place");
        if (!wanted(patch->feature)) continue;
        for (u32 i = 0; i < patch->site_length; ++i) {
            patch->site[i] = i < patch->text_length ? patch->text[i] : no_operation;
        }
    }
}

} // namespace chorale::machine
