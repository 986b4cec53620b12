#include "kernel/ipc/port_migration.hpp"

#include "kernel/core/actor.hpp"
#include "kernel/core/deletion.hpp"
#include "kernel/core/remote.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/ipc/delivery.hpp"
#include "kernel/ipc/port.hpp"

#include <machine/user_access.hpp>

namespace chorale {

namespace {

// Of LongWork: target_actor, its place there (outcome), messages received (done), to be refused (size), and
// where to tell.
void tell_number(Thread& self) {
    const auto number = static_cast<KnEvtNum>(self.work.done + 1);
    // The place was probed; losing it now is its owner's doing.
    if (self.work.count_at.raw() != 0)
        static_cast<void>(machine::copy_out(self.work.count_at, &number, sizeof number));
    self.frame.set_result(self.work.outcome);
}

// Until everybody has been evicted. `self` cannot end in between: its Request is out, or about to be.
void evict_step(Thread& self) {
    tour(
        self,
        [](Thread& asker) {
            if (!dismiss(*asker.fetch_port, asker.work.done, asker.work.size))
                asker.question.result = K_EBUSY;
        },
        [](Thread& asker, long result) {
            Port& port = *asker.fetch_port;
            if (result == K_EBUSY) {
                evict_step(asker);
            } else if (attach_port(port, asker.work.target_actor, static_cast<int>(asker.work.outcome))) {
                wake_with(asker, tell_number);
            } else {
                forget_port(port);
                static_cast<void>(delete_port(asker, port, K_EUNKNOWN));
            }
        });
}

} // namespace

long migrate_port(Thread& self, Actor& from, int li, Actor& to, bool with_messages, VirtAddr count_at) {
    const Result<int> place = keep_place(to);
    if (!place.ok()) return static_cast<long>(place.status());
    Port* port{};
    if (!detach_port(from, li, port)) {
        give_up_place(to, place.value());
        return K_EINVAL;
    }
    self.fetch_port = port;
    self.work.target_actor = to.capability;
    self.work.outcome = place.value();
    self.work.done = 0;
    self.work.size = with_messages ? 0 : all_messages;
    self.work.count_at = count_at;
    evict_step(self);
    return no_result;
}

} // namespace chorale
