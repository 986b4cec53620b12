// Message handlers of supervisor actors.
#include "kernel/call/handlers.hpp"
#include "kernel/call/table.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/message_handler.hpp"
#include "kernel/ipc/transfer.hpp"
#include "kernel/lap/lap.hpp"

namespace chorale::calls {

long svMsgHandler(Thread& self, Cap capability, int li, VmAddr handler, unsigned int, VmAddr cookie) {
    const Result<Actor*> found = actor_of(self, capability);
    if (!found.ok()) return static_cast<long>(found.status());
    Actor& actor = *found.value();
    if (actor.privilege != K_SUPACTOR || li < 0 || li >= static_cast<int>(Actor::port_limit)) return K_EINVAL;
    if (handler == 0) return disconnect_message_handler(self, actor, li);
    const Result<KnLapDesc> lap = create_lap(actor, handler, cookie, K_LAP_SAFE);
    if (!lap.ok()) return static_cast<long>(lap.status());
    const long result = connect_message_handler(self, actor, li, lap.value());
    if (result == no_result) return result;
    // Nobody has had its descriptor; unless the actor's deleter has found it.
    if (Lap* const unused = kill_lap(lap.value(), &self)) free_lap(*unused);
    return result;
}

// While flag_composing: as ipcReply().
long svMsgHdlReply(Thread& self, UserIn<KnMsgDesc> message_at) {
    const bool goes_on = self.has(flag_composing);
    self.clear(flag_composing);
    const Result<KnMsgDesc> body = message_at.read();
    if (!body.ok() && !goes_on) return K_EFAULT;
    Message* const message = handled_call(self);
    if (message == nullptr) return K_EINVAL;
    if (!goes_on) {
        if (body.value().bodySize > K_CMSGSIZEMAX) return K_ETOOMUCH;
        self.work.size = message->size;
        self.work.done = message->has_annex ? 1 : 0;
    }
    message->kept = false; // a reply takes its place
    const Status status = body.ok() ? compose(*message, body.value(), goes_on) : body.status();
    if (status == Status::busy) {
        self.set(flag_composing);
        self.continuation = begin_again;
        return no_result;
    }
    if (status != Status::ok) {
        message->size = static_cast<u32>(self.work.size); // still the current message, with its header
        message->has_annex = self.work.done != 0;
        return static_cast<long>(status);
    }
    note_reply(self);
    return K_OK;
}

} // namespace chorale::calls
