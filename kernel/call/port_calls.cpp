// What is done with a port beside messages: its protection identifier, its count, its actor; and with the
// current message beside the reply.
#include "kernel/call/handlers.hpp"
#include "kernel/call/table.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/port.hpp"
#include "kernel/ipc/port_migration.hpp"
#include "kernel/ipc/saved.hpp"
#include "kernel/ipc/transfer.hpp"

namespace chorale::calls {

// ---- ports -------------------------------------------------------------------------------------

long portPi(Thread& self, Cap capability, int li, UserOutOpt<KnProtId> old_identifier,
            UserInOpt<KnProtId> new_identifier) {
    const Result<Port*> port = port_of(self, capability, li);
    if (!port.ok()) return static_cast<long>(port.status());
    ProtectionIdentifier& identifier = port.value()->protection;
    const KnProtId now = identifier;
    const Result<KnProtId> wanted = new_identifier.given() ? new_identifier.read() : Result<KnProtId>{now};
    if (!wanted.ok()) return K_EFAULT;
    if (old_identifier.given() && old_identifier.write(now) != Status::ok) return K_EFAULT;
    if (new_identifier.given()) identifier.set(wanted.value());
    return K_OK;
}

long portGetSeqNum(Thread& self, Cap capability, int li, UserOut<KnEvtNum> number) {
    const Result<Port*> port = port_of(self, capability, li);
    if (!port.ok()) return static_cast<long>(port.status());
    u64 received = 0;
    for (CpuIndex cpu = 0; cpu < cpu_count(); ++cpu) received += port.value()->slot(cpu).received;
    return static_cast<long>(number.write(static_cast<KnEvtNum>(received)));
}

long portMigrate(Thread& self, int options, Cap source, int li, Cap destination,
                 UserOutOpt<KnEvtNum> number) {
    const Result<Actor*> from = actor_of(self, source), to = actor_of(self, destination);
    if (!from.ok()) return static_cast<long>(from.status());
    if (!to.ok()) return static_cast<long>(to.status());
    const bool known = options == K_WITHMSG || options == K_WITHOUTMSG;
    const bool number_of_a_port = li > K_DEFAULTPORT && li < static_cast<int>(Actor::port_limit);
    if (!known || !number_of_a_port || from.value() == to.value()) return K_EINVAL;
    if (number.given() && number.probe() != Status::ok) return K_EFAULT;
    return migrate_port(self, *from.value(), li, *to.value(), options == K_WITHMSG, number.address());
}

// ---- the current message -----------------------------------------------------------------------

long ipcSave(Thread& self, int li) {
    if (li != K_NONEPORT) return K_EINVAL;
    const Result<int> id = save_current(self);
    return id.ok() ? id.value() : static_cast<long>(id.status());
}

long ipcRestore(Thread& self, int id) { return static_cast<long>(restore_saved(self, id)); }

// flag_composing: as in ipcReply().
long ipcGetData(Thread& self, UserIn<KnMsgDesc> message_at) {
    const bool goes_on = self.has(flag_composing);
    self.clear(flag_composing);
    const Result<KnMsgDesc> room = message_at.read();
    if (!room.ok()) return K_EFAULT;
    Message* const message = self.has(flag_serving) ? self.serving : nullptr;
    if (message == nullptr || !message->kept) return K_EINVAL;
    const u32 size = room.value().bodySize;
    const Status status = take_kept(*message, VirtAddr{room.value().bodyAddr}, size, goes_on);
    if (status == Status::ok) return size < message->size ? size : message->size;
    if (status != Status::busy) return static_cast<long>(status);
    self.set(flag_composing);
    self.continuation = begin_again;
    return no_result;
}

} // namespace chorale::calls
