// What the two halves of the trap tests tell each other: system calls that a handler of the supervisor actor
// takes. The number chooses what it does, the first argument is its argument.
#pragma once

#include <chorus.h>

namespace chorale::test {

inline constexpr const char* lap_traps = "t.traps"; // safe, set-jmp; the argument: a TrapOrder
inline constexpr const char* lap_idle = "t.idle";   // safe; does nothing

enum TrapOrder : unsigned long {
    traps_connect,
    traps_connect_quick,  // the handler names quick functions
    traps_connect_unsafe, // so does this one, which is no safe LAP: they are not called
    traps_disconnect,
    traps_connect_other, // the handler is a LAP of another actor, made for it
    traps_inside,        // fails (the handler faults) unless nobody is in the handler
    traps_new_lap,       // the handler's LAP is deleted, and another one connected
    traps_new_actor,     // the handler's actor is deleted, and one of another actor connected
    traps_delete_actor,  // the handler's actor is deleted
    traps_ghosts         // fails if a handler ran that was to be gone
};

// What the handler does; the result.
enum TrapCall : unsigned long {
    trap_sum = 2000, // one more than the argument
    trap_swap,       // the thread's word from before, which becomes the argument
    trap_burn,       // takes the CPU for so many rounds; one more than the argument
    trap_sleep,      // waits for so many milliseconds; one more than the argument
    trap_wait,       // waits until it is aborted: K_EABORT
    trap_fault,      // faults, after it has set the result to 1
    trap_registers,  // adds 1 to some registers: result as trap_sum
    trap_nested,     // invokes another LAP, and looks who it is: 1 if it is who it should be
    trap_suicide,    // has the handler's actor deleted, after it has set the result to 1
    trap_late,       // a virtual timeout comes while the handler runs: 1, or an error
    trap_late_seen,  // how many such timeouts' handlers have run
    trap_calls_end,
    trap_slowly = 64 // added: the handler does not say that it changed the result only
};

// Numbers of quick functions.
inline constexpr unsigned long trap_peek = 7;  // one more than the thread's word; the handler says the same
inline constexpr unsigned long trap_blind = 8; // there is none: the handler, as trap_sum
inline constexpr unsigned long trap_last = K_TRAP_QUICK_LIMIT - 1; // how often they have run; the handler: 0
inline constexpr unsigned long trap_beyond = K_TRAP_QUICK_LIMIT;   // as trap_blind

} // namespace chorale::test
