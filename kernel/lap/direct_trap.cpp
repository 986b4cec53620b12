#include "kernel/lap/direct_trap.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/supervisor/handler_record.hpp"

#include <machine/supervisor.hpp>

namespace chorale {

static_assert(offsetof(LapFrame, return_address) == LAP_FRAME_RETURN && sizeof(LapFrame) == LAP_FRAME_SIZE);
static_assert(offsetof(LapFrame, outer) == LAP_FRAME_OUTER &&
              offsetof(LapFrame, owner_and_kind) == LAP_FRAME_OWNER &&
              offsetof(LapFrame, lap) == LAP_FRAME_LAP);

namespace {

[[nodiscard]] VirtAddr place_of_data(const Thread& self) {
    return self.direct_trap.record + offsetof(HandlerRecord, descriptor) +
           offsetof(KnSysTrapDesc, handlerData);
}

} // namespace

// The frame returns to where a handler returns.
void prepare_direct_trap(Thread& self, const KnLapDesc& descriptor) {
    const LapTarget target = find_lap(descriptor);
    if (target.lap == nullptr) return;
    const uword owner_and_kind = reinterpret_cast<uword>(target.owner) | target.options | LAP_GUARDED;
    const DirectCall call{{nullptr, owner_and_kind, target.lap, machine::handler_return_address().raw()},
                          descriptor.ldKey,
                          target.handler,
                          target.cookie,
                          0};
    const VirtAddr record = self.supervisor.innermost;
    if (machine::supervisor_write(record - sizeof call, &call, sizeof call)) self.direct_trap.record = record;
}

void leave_direct_trap(Thread& self) {
    self.direct_trap.handler_data = handler_data(self);
    self.direct_trap.record = VirtAddr{};
}

uword handler_data(const Thread& self) {
    uword data = self.direct_trap.handler_data;
    if (self.direct_trap.record.raw() != 0)
        static_cast<void>(machine::supervisor_read(&data, place_of_data(self), sizeof data));
    return data;
}

// From the quick way, with interrupts off, on the CPU's stack: B has failed and A is undone. The thread is
// back in user mode, behind the call, and takes the slow way, which makes a new record if there is a LAP.
extern "C" {
[[noreturn]] CHORALE_NO_RETURN_CALL void chorale_direct_trap_missed();
void chorale_direct_trap_missed() {
    Thread& self = *this_cpu().current;
    end_handler(self, 0);
    on_foreign_call();
}
}

} // namespace chorale
