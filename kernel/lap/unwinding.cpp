// Invocations that end with an error instead of a return: after a fault, or because the code to return to has
// gone. A thread in supervisor mode has levels, one for each handler that runs on it and one below them; it
// leaves a level by the handler's return only, so that what was interrupted is put back.
#include "kernel/core/actor.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/lap/direct_trap.hpp"
#include "kernel/lap/handlers.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/supervisor.hpp>

namespace chorale {

[[gnu::noinline]] const LapFrame* fail_invocation(Thread& self) {
    const LapFrame* frame = self.invocations.frames.load();
    while (frame != self.supervisor.below && !frame->guarded()) frame = frame->outer;
    if (frame == self.supervisor.below) return nullptr;
    const VirtAddr place{reinterpret_cast<uword>(frame)};
    if (place + sizeof(DirectCall) == self.direct_trap.record) leave_direct_trap(self); // it is used up
    self.invocations.frames.store(frame->outer);
    self.frame.pc = machine::lap_failed().raw();
    self.frame.sp = reinterpret_cast<uword>(frame) - machine::lap_kept_size;
    return frame;
}

bool fail_abandoned(Thread& self) {
    while (in_abandoned_frame(self))
        if (fail_invocation(self) == nullptr) return false;
    return true;
}

void leave_abandoned(Thread& self) {
    if (!fail_abandoned(self)) self.frame.pc = machine::lap_abandoned();
}

// A frame's return address is in the code of the next outer one of its level, if there is any.
void abandon_frames(Thread& self, const Actor& gone) {
    SupervisorState level = self.supervisor;
    LapFrame* inner = nullptr; // of the same level
    for (LapFrame* frame = self.invocations.frames.load(); frame != nullptr; frame = frame->outer) {
        while (frame == level.below) {
            if (!interrupted_level(level)) return; // the way back is lost: end_handler()
            inner = nullptr;
        }
        if (frame->owner() == &gone) {
            frame->abandon(*self.actor);
            if (inner != nullptr) inner->return_address = machine::lap_abandoned();
        }
        inner = frame;
    }
    leave_abandoned(self);
}

} // namespace chorale
