// The system calls that C_OS serves, by number.
#pragma once

#include "c_os/calls/arguments.hpp"
#include "c_os/process/process.hpp"

#include <chorus/c_os_calls.h>
#include <span>

namespace chorale::c_os {

using Call = Result<u64> (*)(Task&, const CallArguments&);

// One that this machine's Linux does not have is never called.
struct CallEntry {
    std::string_view name;
    Call call;
};

// What each group of calls offers.
[[nodiscard]] std::span<const CallEntry> memory_call_entries();
[[nodiscard]] std::span<const CallEntry> thread_call_entries();
[[nodiscard]] std::span<const CallEntry> time_call_entries();
[[nodiscard]] std::span<const CallEntry> process_call_entries();
[[nodiscard]] std::span<const CallEntry> signal_call_entries();
[[nodiscard]] std::span<const CallEntry> system_call_entries();
// C_OS's own, by their distance from the first (chorus/c_os_calls.h).
[[nodiscard]] std::span<const Call> actor_calls();

// Once, before the first trap.
void make_call_table();
// Serves the call that stands in the task's registers. Whether it has changed none but the result's.
[[nodiscard]] bool serve_call(Task& task, KnThreadCtx& context);
// The same for a supervisor actor: what the call returns.
[[nodiscard]] long serve_supervisor_call(Task& task, const KnSystemCall& call);

} // namespace chorale::c_os
