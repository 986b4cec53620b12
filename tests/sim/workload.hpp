// Carries a plan out, as user programs, and watches that the nucleus keeps its promises: what arrives is what
// was sent, in order; replies belong to their calls; nothing waits for ever that could go on; nothing is
// left.
#pragma once

#include "arch/host/task.hpp"
#include "tests/sim/plan.hpp"

#include <string>

namespace chorale::sim {

// The scenario of the plan; it ends with everything deleted. What went wrong is told to failed().
[[nodiscard]] host::Task<void> carry_out(const Plan& plan);

// The first failure of this process ends it, through here.
[[noreturn]] void failed(const std::string& what);

// On standard output: what each thread of the actors is doing.
void tell_threads();

// The operation under way on each thread, for the trace: "thread 3: call(1,2,0,0)".
void set_operation_listener(void (*listener)(unsigned thread, const Op& op));

} // namespace chorale::sim
