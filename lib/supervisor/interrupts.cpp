// Interrupts and timeouts with functions instead of LAPs (<dki/f_dki.h>, <exec/chTimeout.h>).
#include <dki/f_dki.h>
#include <exec/chExec.h>
#include <exec/chTimeout.h>
#include <sync/chSpinLock.h>

namespace {

void unmask(CpuIntrId id) { svIntrMask(id, 0); }
void mask(CpuIntrId id) { svIntrMask(id, 1); }
CpuIntrOps operations{unmask, mask, unmask, mask};

// One raw LAP for all of the actor's timeouts: each knows its function.
void on_timeout(void* argument, void*) {
    auto* const timeout = static_cast<KnTimeout*>(argument);
    timeout->toHandler(timeout);
}

KnLapDesc dispatcher;
KnSpinLock making;

int find_dispatcher(KnLapDesc& lap) {
    svSpinLockGet(&making);
    int result = K_OK;
    if (lapDescIsZero(&dispatcher) != 0) {
        KnCap self; // not K_MYACTOR, which is the thread's home: it may be a visitor
        result = actorSelf(&self);
        if (result == K_OK) {
            result = svLapCreate(&self, on_timeout, nullptr, K_LAP_SAMEHOST, &dispatcher);
        }
    }
    lap = dispatcher;
    svSpinLockRel(&making);
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
    const int result = find_dispatcher(lap);
    if (result != K_OK) {
        return result;
    }
    timeout->toHandler = handler;
    return svSysTimeoutSet(timeout, limit, flag, &lap);
}

KnError svTimeoutCancel(KnTimeout* timeout) { return svSysTimeoutCancel(timeout); }
}
