// Monitors. Only its owner writes mnOwner while it is set, so a thread that reads its own number there has
// the monitor, and one that reads anything else has not.
#include "word.hpp"

#include <sync/chMonitor.h>

using namespace chorale;

namespace {

// relaxed, both: a thread finds its own number only where it has put it itself
int owner_of(const KnMonitor* monitor) { return __atomic_load_n(&monitor->mnOwner, __ATOMIC_RELAXED); }
void set_owner(KnMonitor* monitor, int owner) {
    __atomic_store_n(&monitor->mnOwner, owner, __ATOMIC_RELAXED);
}

int lock(KnMonitor* monitor, int self, unsigned depth) {
    const int error =
        take_one(monitor->mnLock) ? K_OK : syncTake(&monitor->mnLock, K_NOTIMEOUT_NOABORT, nullptr);
    if (error == K_OK) {
        set_owner(monitor, self);
        monitor->mnDepth = depth;
    }
    return error;
}

} // namespace

extern "C" {

KnError monitorInit(KnMonitor* monitor) {
    *monitor = K_KNMONITOR_INITIALIZER;
    return K_OK;
}

KnError monitorGet(KnMonitor* monitor) {
    const int self = syncSelf();
    if (owner_of(monitor) != self) {
        return lock(monitor, self, 1);
    }
    ++monitor->mnDepth;
    return K_OK;
}

KnError monitorRel(KnMonitor* monitor) {
    if (owner_of(monitor) != syncSelf()) {
        return K_EINVAL;
    }
    if (--monitor->mnDepth != 0) {
        return K_OK;
    }
    set_owner(monitor, 0);
    return give_one(monitor->mnLock) ? K_OK : give_slowly(monitor->mnLock, 1);
}

KnError monitorWait(KnMonitor* monitor, const KnTimeVal* waitLimit) {
    const int self = syncSelf();
    if (owner_of(monitor) != self) {
        return K_EINVAL;
    }
    const unsigned depth = monitor->mnDepth;
    ++monitor->mnWaiting;
    set_owner(monitor, 0);
    const int result = syncTake(&monitor->mnCondition, waitLimit, &monitor->mnLock);
    if (result == K_EINVAL || result == K_EFAULT) {
        set_owner(monitor, self); // it was not given up
    } else if (const int error = lock(monitor, self, depth); error != K_OK) {
        return error;
    }
    --monitor->mnWaiting;
    return result;
}

KnError monitorNotify(KnMonitor* monitor) {
    if (owner_of(monitor) != syncSelf()) {
        return K_EINVAL;
    }
    return monitor->mnWaiting == 0 ? K_OK : give_slowly(monitor->mnCondition, 0);
}

// Nobody can begin to wait meanwhile.
KnError monitorNotifyAll(KnMonitor* monitor) {
    if (owner_of(monitor) != syncSelf()) {
        return K_EINVAL;
    }
    int result = monitor->mnWaiting == 0 ? 0 : 1;
    while (result > 0) {
        result = syncGive(&monitor->mnCondition, 0);
    }
    return result;
}
}
