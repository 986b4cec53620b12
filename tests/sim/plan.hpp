// What a simulated run does: some actors, some threads, and for each thread a list of operations. A plan is
// made from a seed, can be printed, and can be cut down to what still shows a failure.
#pragma once

#include "kernel/base/types.hpp"

#include <string>
#include <vector>

namespace chorale::sim {

inline constexpr unsigned cpus = 4;
inline constexpr unsigned port_slots = 6;
inline constexpr unsigned object_slots = 3; // of each kind of synchronisation object

enum class Kind : u8 {
    create_port, // in slot `a`, unless there is one
    delete_port, // of slot `a`
    serve,       // `b` requests on the port of slot `a`, which must be the actor's own
    call,        // the port of slot `a`, `b` times, by registers
    call_large,  // the same with a body of `value` bytes and, when `b` is odd, an annex; at most `c` ms
    send,        // `b` messages of `value` bytes
    receive_any, // `b` messages on whatever port is enabled, each within `c` ms
    enable,      // the port of slot `a`
    bind,        // the thread number `a` goes to CPU `b`
    abort,       // the thread number `a`
    kill_thread, // number `a`
    kill_actor,  // number `a`
    priority,    // of thread number `a`: `value`, in class `b`
    region,      // allocates `b` pages, lets a neighbour touch them, frees them
    touch,       // reads and writes what a neighbour has allocated, `b` times
    copy,        // vmCopy of `value` bytes to actor number `a`
    fpu,         // leaves a pattern in the floating-point registers, looks for it later
    delay,       // `value` microseconds
    work,        // `b` steps in user mode
    yield,
    hold,      // thread number `a`: stop, start, suspend, resume (`b`), or both halves in a row (4, 5)
    unbind,    // thread number `a` may run wherever there is nothing to do
    spawn,     // starts the thread number `a` once more
    mutex,     // number `a`: gets and releases it `b` times, `c` steps between
    rt_mutex,  // number `a`; `b` % 4: meanwhile 1, 2: calls the port of slot `c`; 3: gets number `c`, too
    semaphore, // number `a`, `value` times: P (`b` odd), each within `c` * 20 us, or V
    events,    // set `a`: waits (`b` % 4 = 0), within `c` * 20 us, clears (1), or posts
    monitor,   // number `a`: waits (`b` % 4 = 0), within `c` * 20 us, just enters (1), or notifies
    meet,      // by events of set `a`, `value` times, another thread; `b`: which of the two it is
};

struct Op {
    Kind kind{};
    u8 a{}, b{}, c{};
    u32 value{};
};

struct ThreadPlan {
    unsigned actor{}, cpu{}, priority{};
    std::vector<Op> ops;
};

struct Plan {
    u64 seed{};
    unsigned actors{};
    std::vector<ThreadPlan> threads;
};

[[nodiscard]] Plan make_plan(u64 seed);
[[nodiscard]] std::string text(const Plan& plan);
[[nodiscard]] std::string text(const Op& op);
[[nodiscard]] std::size_t size(const Plan& plan); // operations

} // namespace chorale::sim
