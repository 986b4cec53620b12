#include "kernel/lap/direct_trap.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/supervisor/handler_record.hpp"

#include <machine/supervisor.hpp>

#include <utility>

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
                          DirectCall::no_key};
    const VirtAddr record = self.supervisor.innermost;
    if (machine::supervisor_write(record - sizeof call, &call, sizeof call)) self.direct_trap.record = record;
}

// It may be another LAP's that was connected meanwhile: then the quick way is closed until its own is made.
// Nobody waits until a LAP that is not safe has been left: its functions are not called here.
void add_quick_calls(const Thread& self, VirtAddr descriptor, u64 key) {
    const VirtAddr record = self.direct_trap.record;
    if (record.raw() == 0 || descriptor != record + offsetof(HandlerRecord, descriptor)) return;
    const VirtAddr place = record - sizeof(DirectCall);
    DirectCall call;
    if (!machine::supervisor_read(&call, place, sizeof call) || call.key != key || !call.frame.safe()) return;
    call.quick_key = std::exchange(call.key, DirectCall::no_key);
    static_cast<void>(machine::supervisor_write(place, &call, sizeof call));
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

} // namespace chorale
