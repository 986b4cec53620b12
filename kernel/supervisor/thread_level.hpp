// Functions of the nucleus that supervisor actors call directly: they run on the caller's stack, as the
// caller, with interrupts on unless they say other, and may lose the CPU anywhere. So they touch nothing that
// belongs to a CPU while interrupts are on.
#pragma once

#include <chorus.h>

namespace chorale::thread_level {

int copy_in(VmAddr source, void* target, int count);
int copy_in_string(VmAddr source, char* target, int limit);
int copy_out(const void* source, VmAddr target, int count);
int copy_inside(const void* source, void* target, int count);
VmAddr symbol_address(const char* name);
void mask_interrupts();
void unmask_interrupts();
unsigned count_masks();

} // namespace chorale::thread_level
