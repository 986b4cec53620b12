// A random program of message calls: some actors, ports and threads, and what each thread does. Made from a
// seed, so that nothing of it depends on how long anything takes: there is one CPU, threads are FIFO, no two
// have the same priority, and no two time limits can come to their ends in another order (Op::bit).
//
// Equal priorities are left out: the fast path gives the CPU from the client to its server and back, ahead of
// others of that priority, where the slow path puts either behind them. Neither order is promised. Nor is the
// one in which messages of several CPUs come to a port, to which a local call may be ahead of those on their
// way: what several CPUs do is the simulator's (tests/sim).
#pragma once

#include "kernel/base/types.hpp"

#include <string>
#include <vector>

namespace chorale::equivalence {

inline constexpr unsigned port_slots = 5, group_slots = 2, save_slots = 3;
inline constexpr u8 any_port = 0xff;    // instead of a slot: K_ANYENABLED
inline constexpr u8 first_group = 0x80; // a slot from here on is a group, its mode in the bits above 0
inline constexpr u8 no_limit = 0xff;
inline constexpr u64 limit_unit = 8, longest_limits = limit_unit << 23; // milliseconds: one; more than all

enum class Kind : u8 {
    call,          // in registers, `c` times `size` bytes to port or group `a`; `b` & 1: abortable, & 2: no
                   // room but those
    call_message,  // by descriptors; `b` & 1: annex, & 2: given, & 4: abortable, & 8: little room
    send,          // `b` & 1: annex, & 2: given
    receive,       // from port `a`; `b` & 1: abortable, & 2: the body is kept, & 4: little room
    reply_receive, // the reply in registers, then port `a`; `b` as receive, without & 2
    serve,         // receives on port `a`, then replies and receives `b` times
    reply,         // by descriptor; `b` & 1: annex, & 2: given
    get_data,
    save,        // the current message, in save slot `a`
    restore,     // from save slot `a`
    look,        // at the current message's header
    create_port, // in slot `a`
    delete_port,
    enable_port, // priority `b`
    disable_port,
    migrate_port, // to actor `b`; `c` & 1: with its messages
    join_group,   // port `a`, group `b`
    leave_group,
    abort,       // thread `a`
    kill_thread, // `a`
    kill_actor,  // `a`
    suspend,     // thread `a`
    resume,
    bind,     // thread `a`, to where it is
    priority, // of thread `a`: `size`
    fpu,
    pause,
    delay,
};

struct Op {
    Kind kind{};
    u8 a{}, b{}, c{};
    u32 size{};
    // A time limit of 8 * 2^bit milliseconds; no two operations of a plan have the same bit, so no two sums
    // of them are equal: the order in which limits end does not depend on the microseconds between.
    u8 bit = no_limit;
};

struct ThreadPlan {
    unsigned actor{}, priority{};
    std::vector<Op> ops;
};

struct Plan {
    u64 seed{};
    unsigned actors{};
    bool used{};                 // another program has run on this nucleus before
    std::vector<unsigned> ports; // the actor of each slot's port, at first
    std::vector<ThreadPlan> threads;
};

[[nodiscard]] Plan make_plan(u64 seed);
[[nodiscard]] std::string text(const Op& op);
[[nodiscard]] std::string text(const Plan& plan);

} // namespace chorale::equivalence
