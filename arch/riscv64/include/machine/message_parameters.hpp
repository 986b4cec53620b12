// How the fast path's functions take a message: the eight words are in no parameter. Four stay in s2 to s5,
// which a function keeps anyway, and four in t3 to t6, which the nucleus is compiled without. tools/cost sees
// to it that no C++ function touches them.
#pragma once

#define CHORALE_REGISTER_CALL

#define CHORALE_MESSAGE_PARAMETERS                                                                           \
    ::chorale::Thread *thread, ::chorale::u64 name, ::chorale::u64 tail, ::chorale::u64 control

#define CHORALE_PASS(thread, name, tail, control) thread, name, tail, control

// What goes in a place that the other side does not look at: whatever costs least here.
#define CHORALE_UNUSED(value) value
