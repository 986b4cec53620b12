// The supervisor actor of the host machine's bank, and what anybody has done in supervisor mode through it.
//
// Programs there await nucleus calls as in user mode; their Locals lie on the thread's system stack. They and
// functions may be threads, LAPs and handlers: a function calls the nucleus by native_call().
#pragma once

#include "arch/host/user.hpp"

#include <machine/supervisor.hpp>

namespace chorale::host {

// What its first thread runs: it makes the LAP by which programs come in.
[[nodiscard]] Task<void> supervisor_root(u64);

[[nodiscard]] KnCap supervisor_actor();

// Where the program begins in supervisor mode: for threads, LAPs and handlers.
[[nodiscard]] u64 supervisor_entry(Program program);

// From user mode: `program` runs as a LAP of the supervisor actor's on this thread. What lapInvoke says.
[[nodiscard]] Task<long> in_supervisor_mode(Program program);

// In supervisor mode: a thread of a supervisor actor; its local id, or an error.
[[nodiscard]] Task<long> start_supervisor_thread(KnCap actor, Program program, CpuIndex cpu = 0,
                                                 unsigned priority = 100);

// ---- for code in supervisor mode -------------------------------------------------------------------------

// lapInvoke as supervisor actors have it: a function call.
struct InvokeLap {
    KnLapDesc lap;
    u64 argument;
    int result{};
    [[nodiscard]] bool await_ready() const { return false; }
    // The program counts as suspended meanwhile: the LAP may end the thread.
    bool await_suspend(std::coroutine_handle<>) {
        result = machine::chorale_lap_invoke(&lap, reinterpret_cast<void*>(argument));
        return false;
    }
    [[nodiscard]] int await_resume() const { return result; }
};
[[nodiscard]] inline InvokeLap invoke_lap(const KnLapDesc& lap, u64 argument = 0) { return {lap, argument}; }

// Of a function; its variables may be pointed to.
template <class... A>
[[clang::no_sanitize("function")]] long native_call(Call number, A... arguments) {
    const uword gate = machine::call_gate(static_cast<unsigned>(number));
    return reinterpret_cast<long (*)(A...)>(gate)(arguments...);
}

} // namespace chorale::host
