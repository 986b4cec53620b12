// The table that MAY_FAULT (machine/asm.h) fills: instructions that may fault on user memory, and where the
// CPU goes on when they do.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

struct Fixup {
    u64 at, target;
};
extern "C" const Fixup chorale_fixups_begin[], chorale_fixups_end[]; // from the linker script

// 0: the instruction at `pc` is none of them.
[[nodiscard]] inline u64 fixup_for(u64 pc) {
    for (const Fixup* fixup = chorale_fixups_begin; fixup != chorale_fixups_end; ++fixup) {
        if (fixup->at == pc) return fixup->target;
    }
    return 0;
}

} // namespace chorale::machine
