// The calling convention of the fast path: the words of a message stay in the registers in which the user put
// them, from the entry stub through the C++ function to the exit stub. Each function ends in a tail call, so
// there is no frame, nothing is spilled and nothing is restored.
//
// `preserve_none` passes twelve arguments in r12 r13 r14 r15 rdi rsi rdx rcx r8 r9 r11 rax. The order of the
// parameters below is therefore the register assignment of include/chorus/message_registers.h; the entry stub
// puts the thread into rcx and moves r10 to r11, both lost to SYSCALL anyway. On a machine without that
// convention the same parameter list is the contract and its entry stub does what its registers need.
#pragma once

#include "kernel/core/thread.hpp"

#define CHORALE_REGISTER_CALL __attribute__((preserve_none))

namespace chorale {

// Parameters of every function on the path. `name` and `tail` are the two halves of a port's name on a call;
// on reply + receive and on delivery `name` is the local port id, `tail` the sequence number. `control`:
// message_registers.h.
#define CHORALE_MESSAGE_PARAMETERS                                                                           \
    ::chorale::u64 w0, ::chorale::u64 w1, ::chorale::u64 w2, ::chorale::u64 w3, ::chorale::u64 w4,           \
        ::chorale::u64 w5, ::chorale::u64 w6, ::chorale::Thread *thread, ::chorale::u64 w7,                  \
        ::chorale::u64 name, ::chorale::u64 tail, ::chorale::u64 control

extern "C" {

// Entered from the system-call stub with interrupts off, on the CPU's stack, pc, sp, flags, rbx and rbp of
// `thread` saved, nothing else.
CHORALE_REGISTER_CALL void fast_call(CHORALE_MESSAGE_PARAMETERS);
CHORALE_REGISTER_CALL void fast_reply_receive(CHORALE_MESSAGE_PARAMETERS);

// The only door back: saves the message registers into the frame and does the whole thing with full semantics
// (kernel/call/message_calls.cpp). Nothing may have been written before.
CHORALE_REGISTER_CALL void fast_slow(CHORALE_MESSAGE_PARAMETERS);

// To user mode as `thread`, with the registers as they are; the size in `control` becomes the result. The
// second form loads the thread pointer first.
CHORALE_REGISTER_CALL void fast_exit(CHORALE_MESSAGE_PARAMETERS);
CHORALE_REGISTER_CALL void fast_exit_thread_pointer(CHORALE_MESSAGE_PARAMETERS);
}

} // namespace chorale
