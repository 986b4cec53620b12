// Control and status registers, by name. Nothing here outlives one instruction.
#pragma once

#include "kernel/base/types.hpp"

#include <machine/asm.h>

namespace chorale::machine {

// The names that the assembler knows, and those that it may not.
#define CHORALE_CSR_stimecmp "0x14d"

#define CHORALE_READ_CSR(name)                                                                               \
    __extension__({                                                                                          \
        ::chorale::u64 csr_value;                                                                            \
        asm volatile("csrr %0, " name : "=r"(csr_value)::"memory");                                          \
        csr_value;                                                                                           \
    })
#define CHORALE_CSR_OPERATION(instruction, name, value)                                                      \
    [&](::chorale::u64 csr_value) {                                                                          \
        asm volatile(instruction " " name ", %0" ::"r"(csr_value) : "memory");                               \
    }(value)
#define CHORALE_WRITE_CSR(name, value) CHORALE_CSR_OPERATION("csrw", name, value)
#define CHORALE_SET_CSR(name, bits) CHORALE_CSR_OPERATION("csrs", name, bits)
#define CHORALE_CLEAR_CSR(name, bits) CHORALE_CSR_OPERATION("csrc", name, bits)

// Bits of sie and sip, and the codes of scause that go with them.
enum Cause : u64 { cause_software = 1, cause_timer = 5, cause_external = 9 };
inline constexpr u64 interrupt_bit = u64{1} << 63;

} // namespace chorale::machine
