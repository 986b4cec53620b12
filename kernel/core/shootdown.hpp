// TLB entries of other CPUs that must go before this one goes on: flush_at_once() (kernel/mem/space.hpp).
// Tours (kernel/core/remote.hpp) do the same for ranges while the thread waits; here the CPU waits, so that a
// page can be copied in the middle of a call.
#pragma once

namespace chorale {

// What other CPUs ask of this one. From the doorbell's interrupt, and while this CPU waits for others itself.
void answer_flushes();

} // namespace chorale
