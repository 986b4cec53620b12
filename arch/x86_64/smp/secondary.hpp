// The boot-time side of machine/smp.hpp.
#pragma once

#include "kernel/base/types.hpp"
#include "kernel/boot/memory_map.hpp"

namespace chorale::machine {

// Picks the page below 1 MiB where secondary CPUs wake up, clear of the bank.
void choose_trampoline(const boot::MemoryMap& memory, u64 bank_begin, u64 bank_length);

// Numbers the CPUs of the firmware's table, at most `limit`; returns how many there are, this one included.
unsigned find_cpus(unsigned limit);

} // namespace chorale::machine
