// The registers as trap.S leaves them on the stack when the nucleus itself was interrupted.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/offsets.h>

#include <cstddef>

namespace chorale::machine {

struct TrapFrame {
    u64 pc;
    u64 x[31]; // x1 to x31
    u64 status, cause, value;
    u64 reserved;

    [[nodiscard]] u64 reg(unsigned number) const { return x[number - 1]; }
};
static_assert(offsetof(TrapFrame, pc) == TRAP_PC && offsetof(TrapFrame, status) == TRAP_STATUS);
static_assert(offsetof(TrapFrame, cause) == TRAP_CAUSE && offsetof(TrapFrame, value) == TRAP_VALUE);
static_assert(sizeof(TrapFrame) == TRAP_SIZE);

// What print_registers() and backtrace() start from; set by whoever is about to panic because of a trap.
extern const TrapFrame* panic_frame;

} // namespace chorale::machine
