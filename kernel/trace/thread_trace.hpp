// What a trace keeps of a thread between two looks at it (kernel/trace/recorder.hpp).
#pragma once

#include "kernel/base/types.hpp"

namespace chorale {

struct Thread;

struct ThreadTrace {
    static constexpr u32 no_call = ~u32{0};

    u32 run{};               // of which trace the next ones are; an older one's count for nothing
    u32 call{no_call};       // in which it is
    bool foreign{};          // that is another system's
    bool sends{};            // what follows is known of the next message
    u32 exchanges{};         // Thread::exchanges then
    u64 current{};           // the number of its current message then; 0: none
    u64 target[2]{};         // to whom that call sends
    u64 size{};              // and how much, or replies
    void (*step)(Thread&){}; // its continuation is traced_step(): it is this one
    void (*returned)(Thread& self, u64 result,
                     u64 cookie){}; // its handler's record leads to handler_left(): here
};

} // namespace chorale
