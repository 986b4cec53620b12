// What a trace keeps of a thread between two looks at it (kernel/trace/recorder.hpp).
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

struct Thread;

struct ThreadTrace {
    static constexpr u32 no_call = ~u32{0};

    u32 run{}; // of which trace the next ones are; those of an older one count for nothing, nor does what is
               // made with 0
    u32 call;  // in which it is, from user mode
    u32 inner; // and in supervisor mode
    bool foreign;  // `call` is another system's
    bool sends;    // the last three are known of its next message
    u32 exchanges; // Thread::exchanges then
    u64 current;   // the number of its current message then; 0: none
    u64 level;     // SupervisorState::innermost at `inner`
    u64 target[2]; // to whom a call sends
    u64 size;      // and how much, or replies
    // Whatever the trace: where what the trace has put in its place leads to.
    void (*step)(Thread&);                                  // the thread's continuation
    void (*returned)(Thread& self, u64 result, u64 cookie); // its handler's record
};

} // namespace chorale
