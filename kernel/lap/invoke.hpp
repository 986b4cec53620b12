// Entering and leaving a LAP, at thread level: interrupts are on, the thread may be preempted between any two
// instructions and go on on another CPU. Nothing here knows which CPU it is on; only the thread itself
// writes its list of frames, and its execution actor.
#pragma once

#include "kernel/core/thread.hpp"
#include "kernel/lap/lap.hpp"

#include <machine/cpu.hpp>

namespace chorale {

// Makes `frame`, which is linked by one store when all is in it.
inline void push_frame(Thread& self, LapFrame& frame, Lap* safe, Actor* owner) {
    frame = {self.invocations.frames.load(), safe, owner, self.supervisor.execution, 0};
    machine::compiler_barrier(); // the nucleus of this CPU may look at any moment
    self.invocations.frames.store(&frame);
}

inline void pop_frame(Thread& self, const LapFrame& frame) {
    self.supervisor.execution = frame.invoker;
    machine::compiler_barrier();
    self.invocations.frames.store(frame.outer);
    machine::compiler_barrier();
}

// A to C of the protocol in lap.hpp: whether the thread may go on into the handler. If so, leave_safe() is
// due.
[[nodiscard]] inline bool enter_safe(Thread& self, LapFrame& frame, const KnLapDesc& descriptor,
                                     LapTarget& target) {
    target = find_lap(descriptor);
    if (target.lap == nullptr || (target.options & K_LAP_SAFE) == 0) return false;
    push_frame(self, frame, target.lap, target.owner);
    // seq_cst: B of the protocol
    target.lap->inside.fetch_add(1, std::memory_order_seq_cst);
    if (find_lap(descriptor).lap != nullptr) {
        self.supervisor.execution = target.owner;
        return true;
    }
    // release: pairs with the acquire in wait_step() (deletion.cpp)
    target.lap->inside.fetch_sub(1, std::memory_order_release);
    pop_frame(self, frame);
    return false;
}

// Whether the LAP still lives.
inline bool leave_safe(Thread& self, const LapFrame& frame, const KnLapDesc& descriptor) {
    const bool lives = find_lap(descriptor).lap != nullptr;
    // release: pairs with the acquire in wait_step(); before the frame goes, so that the thread is found as
    // long as it is waited for
    frame.lap->inside.fetch_sub(1, std::memory_order_release);
    pop_frame(self, frame);
    return lives;
}

} // namespace chorale
