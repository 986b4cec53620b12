// What the two halves of the LAP tests tell each other. The user half invokes the LAPs of these names; a
// handler cannot read user memory, so all that it is told is in the argument, and what it finds out it has
// the nucleus write there.
#pragma once

#include <chorus.h>

namespace chorale::test {

inline constexpr const char* lap_visit = "t.visit";  // safe; the argument: a Visit*
inline constexpr const char* lap_plain = "t.plain";  // not safe
inline constexpr const char* lap_jump = "t.jump";    // safe and set-jmp; the handler faults
inline constexpr const char* lap_sleep = "t.sleep";  // safe; the handler sleeps until it is aborted
inline constexpr const char* lap_order = "t.order";  // safe; the argument: an Order, perhaps with an address
inline constexpr const char* lap_serve = "t.serve";  // safe; serves a port, until a message of 0
inline constexpr const char* lap_secret = "t.secr";  // safe and protected
inline constexpr const char* lap_doomed = "t.doom";  // safe; its actor goes when it is asked to
inline constexpr const char* lap_doomer = "t.fault"; // safe, of an actor of its own; the handler faults

// What lap_serve serves, by its argument; a reply is the message and which one it was.
inline constexpr const char* inside_ports[] = {"in.0", "in.1", "in.2", "in.3",
                                               "in.4", "in.5", "in.6", "in.7"};

struct Visit {
    KnCap self, invoker;
};

// Orders, in the low bits of an address.
enum Order : unsigned long {
    order_connect_trap,
    order_disconnect_trap,
    order_connect_exceptions, // the rest: where the thread goes on
    order_connect_aborts,
    order_disconnect,
    order_sleepers_inside,  // fails (the handler faults) unless nobody is in lap_sleep
    order_connect_routines, // handlers without LAPs, for all three; the rest: where the thread goes on
    order_disconnect_routines,
    order_bits = 7,
};

// System calls for the trap handler, which answers with a sum; but for one.
inline constexpr unsigned long foreign_call = 1000;
inline constexpr unsigned long refused_call = foreign_call + 1;

} // namespace chorale::test
