// The incoming message-signalled interrupt controllers of the harts (RISC-V AIA specification, chapter 3):
// the supervisor's interrupt files, which each hart reaches through its own control registers.
#pragma once

#include "arch/riscv64/trap/controller.hpp"

namespace chorale::machine {

// Whether the harts' files can be used for identities 1 to `identities`.
[[nodiscard]] bool imsic_start(const boot::device_tree::Imsic& found, unsigned identities);
// Lets all identities in, as lines are masked where they come from. On that CPU; false: its hart has no file.
[[nodiscard]] bool imsic_start_cpu(CpuIndex cpu);
// The identity that came to this CPU, taken; 0: none.
[[nodiscard]] unsigned imsic_claim();
// The hart's number in the targets of messages.
[[nodiscard]] std::optional<u32> imsic_target(CpuIndex cpu);

} // namespace chorale::machine
