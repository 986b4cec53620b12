// How processes end, and who is told. Whatever ends one - exit, akill, a fault, actorDelete by anybody - ends
// in the deletion of its actor, and the nucleus tells C_OS when that is gone: only then are its files closed
// and is the process forgotten.
#pragma once

#include "c_os/process/process.hpp"

namespace chorale::c_os {

// The thread that takes the nucleus's notices. An error is final.
[[nodiscard]] int start_reaper();
// From now on the end of the process's actor is noticed. Errors: K_E...
[[nodiscard]] int watch_end(Process& process);

// Deletes the actor. The first event that is given is the one that awaits() tells. Returns when no thread of
// it runs any more; to a thread of its own never: what that holds at the call, but for this reference, it
// holds for good.
void end_process(Ref<Process> process, EndEvent event);
// The same when a thread of its own asks, or somebody who relies on it: while somebody else is deleting the
// actor it waits for that. Who went home instead would do again what ended the process. Not under locks.
void end_process_for_good(Ref<Process> process, EndEvent event);

// A signal that nobody handles: ends the process, unless the program or the signal's nature ignores it.
void signal_process(Ref<Process> process, int signal);
// exit_group(2): only the low byte of the status is kept.
[[nodiscard]] Result<u64> end_by_exit(Process& process, u64 status);

// Waits until the process has ended. Errors: eintr.
[[nodiscard]] Result<EndEvent> await_end(Process& process);
// Waits until any child of `parent` has ended, and forgets that one. Errors: echild (it has none), eintr.
struct EndedChild {
    int id;
    KnCap capability;
    EndEvent end;
};
[[nodiscard]] Result<EndedChild> await_child(int parent);
// As wait4(2) and awaits() tell it in an int (am/await.h).
[[nodiscard]] constexpr int wait_status(EndEvent end) {
    return end.kind == EndEvent::Kind::exit ? (end.number & 0xff) << 8 : end.number & 0x7f;
}
// A child that has ended and whose end its parent knows goes out of the table.
void forget_child(Process& process, int parent);

// The system ends with this process: its exit status says whether all went well.
void end_system_with(const Process& process);
[[noreturn]] void end_system(bool well);

// For the nucleus's exception vector of each process.
[[nodiscard]] int connect_exceptions(const Process& process);
[[nodiscard]] int create_exception_handler();

} // namespace chorale::c_os
