// How the fast path's functions take a message: `preserve_none` passes twelve arguments in r12 r13 r14 r15
// rdi rsi rdx rcx r8 r9 r11 rax. The order of the parameters below is therefore the register assignment of
// chorus/machine_registers.h; the entry stub puts the thread into rcx and moves r10 to r11, both lost to
// SYSCALL anyway.
#pragma once

#define CHORALE_REGISTER_CALL __attribute__((preserve_none))

#define CHORALE_MESSAGE_PARAMETERS                                                                           \
    ::chorale::u64 w0, ::chorale::u64 w1, ::chorale::u64 w2, ::chorale::u64 w3, ::chorale::u64 w4,           \
        ::chorale::u64 w5, ::chorale::u64 w6, ::chorale::Thread *thread, ::chorale::u64 w7,                  \
        ::chorale::u64 name, ::chorale::u64 tail, ::chorale::u64 control

// The words as they came, the rest as given.
#define CHORALE_PASS(thread, name, tail, control) w0, w1, w2, w3, w4, w5, w6, thread, w7, name, tail, control

// What goes in a place that the other side does not look at: whatever costs least here.
#define CHORALE_UNUSED(value) 0
