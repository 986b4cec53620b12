// What a script does in supervisor mode: its run has a supervisor actor of its own, whose LAP lets threads
// in, with functions that can be handlers, and physical memory that it has allocated.
//
// Whoever is in supervisor mode is trusted as the nucleus is: it can end the system in ways that are nobody's
// bug. So what is left out here is what the nucleus does not promise to survive, and only that: handlers at
// interrupt level that are no code, memory of others that is written or given away as if it were one's own,
// svSysPanic.
#pragma once

#include "arch/host/supervisor_actor.hpp"
#include "fuzz/calls_values.hpp"

#include <array>
#include <vector>

namespace chorale::fuzz {

// Of the running thread.
[[nodiscard]] bool supervising();

// A place for arguments on its system stack.
using Scratch = std::array<u8, argument_limit * argument_room>;

struct Supervision {
    KnCap actor{};
    KnLapDesc way_in{}; // its argument: where code begins
    unsigned entered{}; // programs in supervisor mode that have begun
};
inline constexpr unsigned entry_limit = 64;

// From user mode, by the root: the actor, and what it means for the arguments of calls.
[[nodiscard]] host::Task<void> make_supervision(Supervision& all, Pools& pools);
// The thread goes on at `entry` in supervisor mode; what lapInvoke says.
[[nodiscard]] host::Task<long> enter_supervisor_mode(const Supervision& all, u64 entry);
// By the root, when all actors of the run are gone: what belongs to nobody goes, too.
[[nodiscard]] host::Task<void> end_supervision(Pools& pools);

// In supervisor mode: what its arguments may not be becomes something else.
void make_bearable(unsigned number, std::span<u64, argument_limit> arguments, Pools& pools,
                   VirtAddr system_stack);

// svPhysAlloc and svPhysFree, so that it is known what is allocated.
[[nodiscard]] host::Task<long> allocate_physical(Pools& pools, Choice choice);
[[nodiscard]] host::Task<long> free_physical(Pools& pools, Choice choice);

// In supervisor mode, calls of functions: of svCopyIn, svCopyInString or svCopyOut; of a LAP.
[[nodiscard]] long copy_at_thread_level(u64 which, u64 address, u64 size);
[[nodiscard]] host::Task<long> invoke(const Pools& pools, Choice lap, u64 argument);

// A thread in supervisor mode of the execution actor.
[[nodiscard]] host::Task<long> start_in_supervisor_mode(u64 entry, unsigned priority);

} // namespace chorale::fuzz
