#include "c_os/base/sync.hpp"

#include <exec/chTime.h>

namespace chorale::c_os {

namespace {

constexpr u64 second = 1'000'000'000;

} // namespace

const KnTimeVal* time_left(Deadline deadline, KnTimeVal& left) {
    if (deadline.time == Deadline::never) return K_NOTIMEOUT;
    const u64 time = now();
    const u64 rest = deadline.time > time ? deadline.time - time : 0;
    left = {static_cast<long>(rest / second), static_cast<long>(rest % second)};
    return &left;
}

u64 now() {
    KnTimeVal time{};
    sysTime(&time);
    return static_cast<u64>(time.tmSec) * second + static_cast<u64>(time.tmNSec);
}

int wait_for(KnSem& semaphore, Deadline deadline) {
    KnTimeVal left{};
    return semP(&semaphore, time_left(deadline, left));
}

// A waker takes the waiter off the list before it counts its semaphore up, both under the mutex: who finds
// itself off the list after a wait that ended otherwise has been woken meanwhile, and must not leave its
// semaphore, which is on its stack, before that count has come.
Woken Waiters::wait(Mutex& mutex, Deadline deadline) {
    Waiter self;
    waiting_.push_back(self);
    mutex.unlock();
    const int status = wait_for(self.woken, deadline);
    mutex.lock();
    if (List<Waiter, InWaiters>::contains(self)) {
        List<Waiter, InWaiters>::remove(self);
        return status == K_ETIMEOUT ? Woken::timeout : Woken::aborted;
    }
    if (status != K_EABORT) return Woken::yes;
    // Woken and aborted at once. The nucleus tells of an abort once: a caller that waited again would do so
    // for ever, and so would whoever deletes its actor. What it was woken for is the next one's.
    wake_one();
    return Woken::aborted;
}

void Waiters::wake_one() {
    if (Waiter* const first = waiting_.pop_front()) semV(&first->woken);
}

void Waiters::wake_all() {
    while (!waiting_.empty()) wake_one();
}

} // namespace chorale::c_os
