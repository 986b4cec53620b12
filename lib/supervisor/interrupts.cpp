// Interrupts and timeouts with functions instead of LAPs (<dki/f_dki.h>, <exec/chTimeout.h>,
// <vtimer/chVtimer.h>).
#include <dki/f_dki.h>
#include <exec/chExec.h>
#include <exec/chTimeout.h>
#include <sync/chSpinLock.h>
#include <vtimer/chVtimer.h>

namespace {

void unmask(CpuIntrId id) { svIntrMask(id, 0); }
void mask(CpuIntrId id) { svIntrMask(id, 1); }
CpuIntrOps operations{unmask, mask, unmask, mask};

// One raw LAP for all of the actor's timeouts: each knows its function.
void on_timeout(void* argument, void*) {
    auto* const timeout = static_cast<KnTimeout*>(argument);
    timeout->toHandler(timeout);
}

void on_virtual_timeout(void* argument, void*) {
    auto* const timeout = static_cast<KnVirtTimeout*>(argument);
    timeout->vtHandler(timeout);
}

// A LAP that is made when it is first needed.
struct Dispatcher {
    KnLapHdl handler;
    unsigned options;
    KnSpinLock making;
    KnLapDesc lap;
};
Dispatcher timeouts{on_timeout, K_LAP_SAMEHOST, {}, {}};
Dispatcher virtual_timeouts{on_virtual_timeout, 0, {}, {}};

int find_lap(Dispatcher& dispatcher, KnLapDesc& lap) {
    KnCap self; // not K_MYACTOR, which is the thread's home: it may be a visitor
    int result = K_OK;
    svSpinLockGet(&dispatcher.making);
    if (lapDescIsZero(&dispatcher.lap) != 0) {
        result = actorSelf(&self);
        if (result == K_OK) {
            result = svLapCreate(&self, dispatcher.handler, nullptr, dispatcher.options, &dispatcher.lap);
        }
    }
    lap = dispatcher.lap;
    svSpinLockRel(&dispatcher.making);
    return result;
}

} // namespace

extern "C" {

KnError svIntrAttach(CpuIntr intr, CpuIntrHandler handler, void* cookie, CpuIntrOps** ops, CpuIntrId* id) {
    if (ops != nullptr) {
        *ops = &operations;
    }
    return svIntrConnect(intr, handler, cookie, id);
}

KnError svTimeoutSet(KnTimeout* timeout, KnToHdl handler, const KnTimeVal* limit, int flag) {
    KnLapDesc lap;
    if (timeout == nullptr || handler == nullptr) {
        return K_EINVAL;
    }
    const int result = find_lap(timeouts, lap);
    if (result != K_OK) {
        return result;
    }
    timeout->toHandler = handler;
    return svSysTimeoutSet(timeout, limit, flag, &lap);
}

KnError svTimeoutCancel(KnTimeout* timeout) { return svSysTimeoutCancel(timeout); }

int svVirtualTimeoutSet(const KnCap* actor, KnThreadLid thread, KnVirtTimeout* timeout, KnVirtToHdl handler,
                        const KnTimeVal* time, int flag) {
    KnLapDesc lap;
    if (timeout == nullptr || handler == nullptr) {
        return K_EINVAL;
    }
    const int result = find_lap(virtual_timeouts, lap);
    if (result != K_OK) {
        return result;
    }
    timeout->vtHandler = handler;
    return thread == K_ALLACTORTHREADS ? svActorVirtualTimeoutSet(actor, timeout, time, flag, &lap)
                                       : svThreadVirtualTimeoutSet(actor, thread, timeout, time, flag, &lap);
}

int svVirtualTimeoutCancel(const KnCap* actor, KnThreadLid thread, KnVirtTimeout* timeout) {
    return thread == K_ALLACTORTHREADS ? svActorVirtualTimeoutCancel(actor, timeout)
                                       : svThreadVirtualTimeoutCancel(actor, thread, timeout);
}
}
