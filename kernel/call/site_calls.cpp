// What programs leave for others: private data of actors, the system log.
#include "kernel/base/line_log.hpp"
#include "kernel/call/handlers.hpp"
#include "kernel/core/site_data.hpp"
#include "kernel/supervisor/handler.hpp"

#include <machine/user_access.hpp>

namespace chorale::calls {

// ---- private data of actors --------------------------------------------------------------------

long siteKeyCreate(Thread& self, UserOut<PdKey> key_at, UserInOpt<KnLapDesc> destructor_at) {
    if (key_at.probe() != Status::ok) return K_EFAULT;
    KnLapDesc destructor{};
    if (destructor_at.given()) {
        const Result<KnLapDesc> given = destructor_at.read();
        if (!given.ok()) return K_EFAULT;
        destructor = given.value();
    }
    const Result<PdKey> key = create_site_key(execution_actor(self), destructor);
    if (!key.ok()) return static_cast<long>(key.status());
    if (key_at.write(key.value()) == Status::ok) return K_OK;
    static_cast<void>(delete_site_key(key.value())); // the place is gone since it was probed
    return K_EFAULT;
}

long siteKeyDelete(Thread&, PdKey key) { return static_cast<long>(delete_site_key(key)); }

long siteDataSet(Thread& self, Cap capability, PdKey key, u64 value) {
    const Result<Actor*> actor = actor_of(self, capability);
    return static_cast<long>(actor.ok() ? set_site_data(*actor.value(), key, value) : actor.status());
}

long siteDataGet(Thread& self, Cap capability, PdKey key, UserOut<u64> value_at) {
    const Result<Actor*> actor = actor_of(self, capability);
    if (!actor.ok()) return static_cast<long>(actor.status());
    const Result<u64> value = site_data(*actor.value(), key);
    return static_cast<long>(value.ok() ? value_at.write(value.value()) : value.status());
}

// ---- the log -----------------------------------------------------------------------------------

long sysLogWrite(Thread&, UserBytesIn text_at, unsigned int size) {
    char text[SYSLOG_MAX_LINE];
    const unsigned count = size < sizeof text ? size : sizeof text;
    if (!machine::copy_in(text, text_at.address, count)) return K_EFAULT;
    append_to_log({text, count});
    return count;
}

// The position goes on last: what was not delivered, or not told, is read again.
long sysLogRead(Thread&, UserInOut<u64> position_at, UserBytesOut text_at, unsigned int size) {
    char text[256];
    const Result<u64> from = position_at.read();
    if (!from.ok()) return K_EFAULT;
    u64 position = from.value();
    const std::size_t count = read_log(position, text, size < sizeof text ? size : sizeof text);
    if (!machine::copy_out(text_at.address, text, count)) return K_EFAULT;
    if (position_at.write(position) == Status::ok) return static_cast<long>(count);
    static_cast<void>(position_at.write(from.value())); // of two pages the first may have been written
    return K_EFAULT;
}

} // namespace chorale::calls
