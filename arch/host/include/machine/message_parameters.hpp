// How the fast path's functions take a message: the eight words are in no parameter, they stay in the CPU's
// registers (host::Cpu::words).
#pragma once

#define CHORALE_REGISTER_CALL

#define CHORALE_MESSAGE_PARAMETERS                                                                           \
    ::chorale::Thread *thread, ::chorale::u64 name, ::chorale::u64 tail, ::chorale::u64 control

#define CHORALE_PASS(thread, name, tail, control) thread, name, tail, control

// What goes in a place that the other side does not look at.
#define CHORALE_UNUSED(value) value
