#include "kernel/ipc/saved.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/ipc/exchange.hpp"
#include "kernel/ipc/message.hpp"

namespace chorale {

namespace {

constexpr unsigned dropped_per_step = 4;

[[nodiscard]] Message* take(Actor& actor, unsigned place) {
    return actor.saved.with([&](auto& saved) {
        Message* const message = saved[place];
        saved[place] = nullptr;
        return message;
    });
}

} // namespace

Result<int> save_current(Thread& self) {
    if (self.client != nullptr) {
        if (const Status status = slow_pair(*self.client); status != Status::ok) return status;
    }
    Message* const message = self.has(flag_serving) ? self.serving : nullptr;
    if (message == nullptr || message == self.handling) return Status::invalid;
    const Result<int> id = self.actor->saved.with([&](auto& saved) -> Result<int> {
        for (unsigned place = 0; place < saved.size(); ++place) {
            if (saved[place] != nullptr) continue;
            // relaxed: who still finds the server there makes it look in vain
            message->server.store(nullptr, std::memory_order_relaxed);
            saved[place] = message; // from here on it is whoever restores it first
            return static_cast<int>(place) + 1;
        }
        return Status::full;
    });
    if (id.ok()) static_cast<void>(end_service(self));
    return id;
}

Status restore_saved(Thread& self, int id) {
    if (id <= 0 || id > K_CMSGSAVEDMAX) return Status::invalid;
    Message* const message = take(*self.actor, static_cast<unsigned>(id - 1));
    if (message == nullptr) return Status::invalid;
    serve(self, *message);
    return Status::ok;
}

bool drop_saved_step(Actor& actor) {
    unsigned dropped = 0;
    for (unsigned place = 0; place < K_CMSGSAVEDMAX && dropped < dropped_per_step; ++place) {
        Message* const message = take(actor, place);
        if (message == nullptr) continue;
        refuse(*message, K_ECRASH);
        ++dropped;
    }
    return dropped < dropped_per_step;
}

} // namespace chorale
