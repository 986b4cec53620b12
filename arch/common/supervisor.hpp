// How supervisor actors come into the nucleus: what all machines agree on of machine/supervisor.hpp.
#pragma once

#include "kernel/base/types.hpp"

namespace chorale::machine {

[[nodiscard]] PhysAddr supervisor_root(); // a table of the top level that leads to the supervisor range

// The function that makes nucleus call `number`, with the arguments of the C calling convention.
[[nodiscard]] uword call_gate(unsigned number);

// Where a handler returns to: with what it returns, on to handler_returned() (kernel/supervisor/handler.cpp).
[[nodiscard]] VirtAddr handler_return_address();

// The nucleus's access to the supervisor range whoever is running; false: it is not mapped so. What was
// copied before stays copied.
[[nodiscard]] bool supervisor_read(void* to, VirtAddr from, std::size_t bytes);
[[nodiscard]] bool supervisor_write(VirtAddr to, const void* from, std::size_t bytes);

// Invoking LAPs: lapInvoke itself, for supervisor actors; the same with the descriptor in
// registers and always guarded: a fault ends the invocation, when the nucleus lets the thread go on at
// lap_failed() with the stack lap_kept_size below the LapFrame. Errors: K_EINVAL, K_EABORT, K_EFAIL.
// lap_way_home(): where a LapFrame returns to if the nucleus is to know of it. lap_abandoned(): the same with
// an exception, where it must not return.
extern "C" {
int chorale_lap_invoke(const void* descriptor, void* argument);
int chorale_lap_invoke_guarded(u64 place, u64 key, void* argument);
}
[[nodiscard]] VirtAddr lap_failed();
[[nodiscard]] uword lap_way_home();
[[nodiscard]] uword lap_abandoned();

} // namespace chorale::machine
