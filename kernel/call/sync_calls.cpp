#include "kernel/sync/sync.hpp"

#include "kernel/call/handlers.hpp"
#include "kernel/core/schedule.hpp"
#include "kernel/interrupt/level.hpp"

namespace chorale {

namespace {

// The rest of an eventPost, in steps: there may be many to look at.
void notify_step(Thread& self) {
    const Result<bool> done = wake_by_flags(self, self.work.source, self.work.done);
    self.frame.set_result(static_cast<long>(done.status()));
    if (done.ok() && !done.value()) self.continuation = notify_step;
}

} // namespace

namespace calls {

long syncSelf(Thread& self) { return static_cast<long>(owner_number(self)); }

long syncTake(Thread& self, UserInOut<KnSyncWord> word, UserInOpt<KnTimeVal> wait_limit,
              UserInOpt<KnSyncWord> release) {
    const Result<WaitLimit> limit = read_wait_limit(wait_limit);
    if (!limit.ok()) return static_cast<long>(limit.status());
    const long result = take_unit(self, word.address(), limit.value());
    if (!release.given() || result == K_EINVAL || result == K_EFAULT) return result;
    // Only now: who is given that unit finds this thread waiting. A word that is none harms only its owner.
    static_cast<void>(give_unit(self, release.address(), 1));
    return result;
}

long syncGive(Thread& self, UserInOut<KnSyncWord> word, unsigned int most) {
    constexpr u32 units = ~u32{0} >> 1;
    return give_unit(self, word.address(), most < units ? most : units);
}

long eventAwait(Thread& self, UserInOut<KnEventSet> set, unsigned int mask, int operation,
                UserInOpt<KnTimeVal> wait_limit) {
    const Result<WaitLimit> limit = read_wait_limit(wait_limit);
    if (!limit.ok()) return static_cast<long>(limit.status());
    if (mask == 0 || (operation != K_EVENT_AND && operation != K_EVENT_OR)) return K_EINVAL;
    return await_flags(self, set.address(), {mask, operation == K_EVENT_AND}, limit.value());
}

long eventNotify(Thread& self, UserInOut<KnEventSet> set) {
    if (at_interrupt_level(self)) {
        // Nothing can be put off there: as long as there are waiters.
        for (u64 since = 0;;) {
            const Result<bool> done = wake_by_flags(self, set.address(), since);
            if (!done.ok() || done.value()) return static_cast<long>(done.status());
        }
    }
    self.work.source = set.address();
    self.work.done = 0;
    notify_step(self);
    return no_result;
}

long rtMutexGet(Thread& self, UserInOut<KnRtMutex> mutex) {
    return take_ownership(self, mutex.address(), true);
}

long rtMutexTry(Thread& self, UserInOut<KnRtMutex> mutex) {
    const long result = take_ownership(self, mutex.address(), false);
    if (result == K_EBUSY) return 0;
    return result == K_OK ? 1 : result;
}

long rtMutexRel(Thread& self, UserInOut<KnRtMutex> mutex) { return give_ownership(self, mutex.address()); }

} // namespace calls
} // namespace chorale
