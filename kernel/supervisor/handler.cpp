// The record of an interrupted thread, and the ways over it and back. On the system stack, from high to low:
//
//     what the thread had there (nothing, when it was in user mode)
//     Handler::data
//     HandlerRecord, whose first part is the handler's KnThreadCtx
//     handler_return_address()
//     the handler's frames
#include "kernel/supervisor/handler_record.hpp"

#include "kernel/base/log.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/deletion.hpp"
#include "kernel/core/entry.hpp"
#include "kernel/core/per_cpu.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/lap/direct_trap.hpp"
#include "kernel/lap/handlers.hpp"
#include "kernel/supervisor/system_stack.hpp"

#include <machine/call.hpp>
#include <machine/supervisor.hpp>

namespace chorale {

namespace {

[[nodiscard]] u64 word_of(const HandlerWord& word, VirtAddr record) {
    switch (word.kind) {
    case HandlerWord::Kind::context:
        return record.raw();
    case HandlerWord::Kind::descriptor:
        return record.raw() + offsetof(HandlerRecord, descriptor);
    case HandlerWord::Kind::value:
        break;
    }
    return word.value;
}

// Where the next record of the thread goes, below so many bytes of data. Errors: no_memory.
[[nodiscard]] Result<VirtAddr> place_for_record(Thread& self, u32 data_size) {
    VirtAddr top{self.frame.sp};
    if (!in_supervisor_mode(self)) {
        if (self.supervisor.stack == nullptr) {
            const Result<SystemStack*> stack = take_system_stack(0);
            if (!stack.ok()) return stack.status();
            self.supervisor.stack = stack.value();
        }
        top = self.supervisor.stack->top;
    }
    return VirtAddr{round_down(top.raw() - data_size - sizeof(HandlerRecord), alignof(HandlerRecord))};
}

[[nodiscard]] Status write_record(Thread& self, const Handler& handler, VirtAddr place) {
    HandlerRecord record{self.frame, {}, self.supervisor, handler.returned, handler.cookie};
    for (unsigned i = 0; i < Handler::descriptor_words; ++i)
        record.descriptor[i] = word_of(handler.descriptor[i], place);
    const u64 return_address = machine::handler_return_address().raw();
    const bool written =
        machine::supervisor_write(place, &record, sizeof record) &&
        (handler.data_size == 0 ||
         machine::supervisor_write(place + sizeof record, handler.data, handler.data_size)) &&
        machine::supervisor_write(place - handler.room - sizeof return_address, &return_address,
                                  sizeof return_address);
    return written ? Status::ok : Status::fault;
}

} // namespace

Result<VirtAddr> place_for_data(Thread& self, u32 size) {
    const Result<VirtAddr> record = place_for_record(self, size);
    if (!record.ok()) return record;
    return record.value() + sizeof(HandlerRecord);
}

Status enter_handler(Thread& self, const Handler& handler) {
    const Result<VirtAddr> place = place_for_record(self, handler.data_size);
    if (!place.ok()) return place.status();
    if (self.direct_trap.record.raw() != 0 && !in_supervisor_mode(self))
        leave_direct_trap(self); // this one takes its record's place
    if (const Status status = write_record(self, handler, place.value()); status != Status::ok) return status;
    u64 arguments[Handler::arguments];
    for (unsigned i = 0; i < Handler::arguments; ++i)
        arguments[i] = word_of(handler.argument[i], place.value());
    self.frame.call_handler(handler.entry, place.value() - handler.room, machine::handler_return_address(),
                            arguments);
    self.supervisor.innermost = place.value();
    self.supervisor.execution = handler.owner;
    self.supervisor.below = self.invocations.frames.load();
    self.set(flag_supervisor);
    return Status::ok;
}

void end_handler(Thread& self, u64 result) {
    HandlerRecord record;
    if (!machine::supervisor_read(&record, self.supervisor.innermost, sizeof record)) {
        log("thread {}: the record of a handler is gone: actor deleted", self.lid);
        self.supervisor.innermost = VirtAddr{};
        static_cast<void>(delete_actor(self, *self.actor));
        return;
    }
    SystemStack* const stack = self.supervisor.stack;
    self.supervisor = record.before;
    self.supervisor.stack = stack;
    self.frame = record.frame;
    const bool home = !in_handler(self);
    const bool user = home && self.supervisor.base == SupervisorState::Base::user;
    if (user) self.clear(flag_supervisor);
    self.frame.after_handler(user);
    if (record.returned != nullptr) record.returned(self, result, record.cookie);
    leave_abandoned(self);
    if (home && self.has(flag_awaited)) static_cast<void>(come_home(self));
}

bool interrupted_level(SupervisorState& level) {
    const VirtAddr at = level.innermost + offsetof(HandlerRecord, before);
    return level.innermost.raw() != 0 && machine::supervisor_read(&level, at, sizeof level);
}

Actor* invoker(const Thread& self) {
    SupervisorState before = self.supervisor;
    if (!interrupted_level(before)) return nullptr;
    const LapFrame* const frame = self.supervisor.below;
    if (frame != nullptr && frame != before.below) return frame->owner();
    return before.execution != nullptr ? before.execution : self.actor;
}

// From the machine's handler_return_address(), with interrupts off, on the CPU's stack.
extern "C" {
[[noreturn]] CHORALE_NO_RETURN_CALL void handler_returned(u64 result);
void handler_returned(u64 result) {
    Thread& self = *this_cpu().current;
    if (in_handler(self)) {
        end_handler(self, result);
    } else {
        // Somebody jumped here: to the wrong place, with the nucleus's privilege.
        on_exception({"return from no handler", 0, 0, 0, self.frame.pc});
    }
    leave();
}
}

} // namespace chorale
