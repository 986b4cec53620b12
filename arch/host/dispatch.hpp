// A CPU of the host machine at work: user mode, the ways into the nucleus, and back.
#pragma once

#include "arch/host/cpu.hpp"

namespace chorale::host {

// Plays `cpu` from here on: `first` runs on its empty stack, then whatever the nucleus resumes. Returns when
// an engine calls leave_cpu().
void play(Cpu& cpu, void (*first)());
[[noreturn]] void leave_cpu();

// A nucleus call of an interrupt handler's.
[[nodiscard]] long call_at_interrupt_level(unsigned number, const u64* arguments);

// What waits for this CPU is handled as by the hardware: the nucleus's handlers are called.
void handle_interrupts(u32 interrupts, bool alarm);

} // namespace chorale::host
