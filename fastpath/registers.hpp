// The calling convention of the fast path: the words of a message stay in the registers in which the user put
// them, from the entry stub through the C++ function to the exit stub. Each function ends in a tail call, so
// there is no frame, nothing is spilled and nothing is restored.
//
// How the words pass a C++ function is the machine's (machine/message_parameters.hpp): as parameters of a
// convention that has registers enough, or in registers that the compiler leaves alone.
#pragma once

#include "kernel/core/thread.hpp"

#include <machine/message_parameters.hpp>

namespace chorale {

// Every function on the path takes CHORALE_MESSAGE_PARAMETERS and hands them on by CHORALE_PASS. `name` and
// `tail` are the two halves of a port's name on a call; on reply + receive and on delivery `name` is the
// local port id, `tail` the sequence number. `control`: chorus/message_registers.h.
extern "C" {

// Entered from the system-call stub with interrupts off; of `thread` is saved what its next exit puts back,
// nothing else.
CHORALE_REGISTER_CALL void fast_call(CHORALE_MESSAGE_PARAMETERS);
CHORALE_REGISTER_CALL void fast_reply_receive(CHORALE_MESSAGE_PARAMETERS);

// The only door back: saves the message registers into the frame and does the whole thing with full semantics
// (kernel/call/message_calls.cpp). Nothing may have been written before.
CHORALE_REGISTER_CALL void fast_slow(CHORALE_MESSAGE_PARAMETERS);

// To user mode as `thread`, with the registers as they are; the size in `control` becomes the result. The
// second form loads the thread pointer first, where the first does not.
CHORALE_REGISTER_CALL void fast_exit(CHORALE_MESSAGE_PARAMETERS);
CHORALE_REGISTER_CALL void fast_exit_thread_pointer(CHORALE_MESSAGE_PARAMETERS);
}

} // namespace chorale
