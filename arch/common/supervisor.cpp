// What supervisor actors need of the machine, where the real ones agree: their memory, the gates by number,
// places in the assembly.
#include <machine/supervisor.hpp>

#include "kernel/base/types.hpp"
#include "kernel/core/thread.hpp"

#include <machine/user_access.hpp>

namespace chorale::machine {

extern "C" const u8 chorale_call_gates[], chorale_handler_return[], chorale_lap_failed[],
    chorale_lap_way_home[], chorale_lap_abandoned[];

namespace {

// Not of standard layout: supported by the compilers that there are, which the assembly relies on anyway.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winvalid-offsetof"
static_assert(offsetof(Thread, supervisor) == THREAD_SUPERVISOR &&
              offsetof(Thread, direct_trap) + offsetof(DirectTrapState, record) == THREAD_DIRECT);
static_assert(offsetof(Thread, invocations) + offsetof(Invocations, frames) == THREAD_LAPS &&
              offsetof(Thread, invocations) + offsetof(Invocations, way_home) == THREAD_WAY_HOME);
#pragma clang diagnostic pop

constexpr uword call_gate_size = 8; // they stand in a row, one for each number (gates.S)

[[nodiscard]] bool in_range(VirtAddr start, std::size_t bytes) {
    return start.raw() >= supervisor_begin && start.raw() <= supervisor_end &&
           bytes <= supervisor_end - start.raw();
}

} // namespace

VirtAddr lap_failed() { return VirtAddr{reinterpret_cast<uword>(chorale_lap_failed)}; }
uword lap_way_home() { return reinterpret_cast<uword>(chorale_lap_way_home); }
uword lap_abandoned() { return reinterpret_cast<uword>(chorale_lap_abandoned); }
VirtAddr handler_return_address() { return VirtAddr{reinterpret_cast<uword>(chorale_handler_return)}; }

bool supervisor_read(void* to, VirtAddr from, std::size_t bytes) {
    return in_range(from, bytes) &&
           chorale_copy_user(to, reinterpret_cast<const void*>(from.raw()), bytes) == 0;
}

bool supervisor_write(VirtAddr to, const void* from, std::size_t bytes) {
    return in_range(to, bytes) && chorale_copy_user(reinterpret_cast<void*>(to.raw()), from, bytes) == 0;
}

uword call_gate(unsigned number) {
    return reinterpret_cast<uword>(chorale_call_gates) + number * call_gate_size;
}

} // namespace chorale::machine
