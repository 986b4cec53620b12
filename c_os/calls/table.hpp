// The system calls that C_OS serves, by number.
#pragma once

#include "c_os/calls/arguments.hpp"
#include "c_os/process/process.hpp"

#include <chorus/c_os_calls.h>
#include <exec/chTrap.h>
#include <span>
#include <trap_context.hpp>

namespace chorale::c_os {

using Call = Result<u64> (*)(Task&, const CallArguments&);

// A call that only looks, at nothing but its task: a KnQuickCall, of which the task is the handlerData.
using QuickCall = u64 (*)(const Task&);

template <QuickCall call>
unsigned long answer(void* task) {
    return call(*static_cast<const Task*>(task));
}

// The same call where it comes another way.
template <QuickCall call>
Result<u64> answer_slowly(Task& task, const CallArguments&) {
    return call(task);
}

struct QuickCallEntry {
    std::string_view name;
    KnQuickCall quick; // answer<>
    Call call;         // answer_slowly<>
};
template <QuickCall call>
constexpr QuickCallEntry quick(std::string_view name) {
    return {name, answer<call>, answer_slowly<call>};
}

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
[[nodiscard]] std::span<const QuickCallEntry> quick_call_entries();
// C_OS's own, by their distance from the first (chorus/c_os_calls.h).
[[nodiscard]] std::span<const Call> actor_calls();

// Once, before the first trap.
void make_call_table();
// The handler of the site's system-call trap (KnLapHdl): serves the call that stands in the thread's
// registers.
void serve_trap(void* description, void* cookie);
// The same for a supervisor actor: what the call returns.
[[nodiscard]] long serve_supervisor_call(Task& task, const KnSystemCall& call);

} // namespace chorale::c_os
