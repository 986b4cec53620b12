/* The same for supervisor actors: the calls that only they may make. */
#ifndef PUBLISHED_SUPERVISOR_H
#define PUBLISHED_SUPERVISOR_H

#include <dki/f_dki.h>
#include <exec/chExec.h>
#include <exec/chPanic.h>
#include <exec/chTimeout.h>
#include <exec/chTrap.h>
#include <ipc/chIpc.h>
#include <lap/chLap.h>
#include <mem/chMem.h>
#include <sync/chSpinLock.h>
#include <vtimer/chVtimer.h>

static void handle_lap(void* argument, void* cookie) {
    (void)argument;
    (void)cookie;
}

static int handle_exception(KnThreadCtx* ctx, int excno, void* ptr) {
    (void)ctx;
    (void)ptr;
    return excno;
}

static int handle_trap(KnThreadCtx* ctx, unsigned int itno) {
    (void)ctx;
    return (int)itno;
}

static void handle_abort(KnThreadCtx* ctx) { (void)ctx; }

static void handle_message(KnMsgDesc* msg, void* cookie) {
    KnMsgHead head;
    (void)cookie;
    if (ipcSysInfo(&head) == K_OK && msg->bodySize != 0) {
        msg->bodySize = 1;
        (void)svMsgHdlReply(msg);
    }
}

static int use_message_handlers(KnCap* actor, char* cookie) {
    KnUniqueId port;
    int portli = portCreate(actor, &port);
    return svMsgHandler(actor, portli, handle_message, 4096, cookie) +
           svMsgHandler(actor, portli, NULL, 0, NULL);
}

static int use_handlers(KnCap* actor, char* name) {
    KnLapDesc lap;
    KnSysTrapDesc trap;
    trap.threadCtx = NULL;
    trap.trapNumber = 3;
    return svLapCreate(actor, handle_lap, name, K_LAP_SAFE | K_LAP_SETJMP, &lap) +
           svLapCreate(actor, handle_lap, name, K_LAP_SAMEHOST, &lap) + svLapDelete(&lap) +
           svLapBind(&lap, name, K_LAP_PROTECTED) + svLapUnbind(name) +
           svExcHandler(actor, handle_exception) + svAbortHandler(actor, handle_abort) +
           svActorExcHandlerConnect(actor, K_ACTOR_EXCVECT_MAX - 1, &lap) +
           svActorExcHandlerDisconnect(actor, 0, K_CONNECTED_LAP) +
           svActorExcHandlerGetConnected(actor, 0, &lap) +
           svActorAbortHandlerConnect(actor, K_ACTOR_ABORTVECT_LAST, &lap) +
           svActorAbortHandlerDisconnect(actor, K_ACTOR_ABORTVECT_MAX - 1, K_CONNECTED_LAP) +
           svActorAbortHandlerGetConnected(actor, 0, &lap) +
           svActorStopHandlerConnect(actor, K_ACTOR_STOPVECT_LAST, &lap) +
           svActorStopHandlerDisconnect(actor, K_ACTOR_STOPVECT_MAX - 1, &lap) +
           svActorStopHandlerGetConnected(actor, 0, &lap) + svTrapConnect(trap.trapNumber, handle_trap) +
           svTrapDisConnect(trap.trapNumber) + svActorEndNotice(actor, NULL, 0) +
           svSysTrapHandlerConnect(trap.trapNumber, &lap) +
           svSysTrapHandlerDisconnect(trap.trapNumber, &lap) +
           svSysTrapHandlerGetConnected(trap.trapNumber, &lap) + svGetInvoker(actor) +
           svSysPanic(1, name, 1, name, name, __LINE__);
}

static int use_locks(void) {
    KnSpinLock lock;
    KnSpinLockInfo info;
    KnMaskedSpinLock masked;
    KnMaskedSpinLockInfo masked_info;
    int taken;
    svSpinLockInit(&lock, &info);
    svSpinLockGet(&lock);
    svSpinLockRel(&lock);
    svMaskedLockInit(&masked, &masked_info);
    svMaskedLockGet(&masked);
    svMaskedLockRel(&masked);
    DISABLE_PREEMPT();
    ENABLE_PREEMPT();
    imsIntrMask_f();
    taken = svSpinLockTry(&lock) + svMaskedLockTry(&masked) + (int)imsIntrMaskCount_f;
    imsIntrUnmask_f();
    return taken;
}

static int use_supervisor_memory(KnCap* actor, char* text) {
    VmAddr address;
    KnPhMemChunk chunk = {0, 4096, 0};
    KnPhMemAlign align = {0, 0, 0};
    PteCntlBits bits = K_PTE_WRITABLE;
    KnError error = svPhysAlloc(&chunk, &align) + svPhysMap(&chunk, bits) + svPhysUnmap(&chunk);
    void* piece = svMemAlloc(100);
    svMemFree(piece);
    svMemUnMap(svMemMap(chunk.paddr, chunk.psize), chunk.psize);
    svPhysFree(&chunk);
    return error + svPagesAllocate(&address, 4096, K_NOWAITFORMEMORY, actor) + svPagesFree(address, 4096) +
           svCopyIn(address, text, 4) + svCopyInString(address, text, 4) + svCopyOut(text, address, 4);
}

static void handle_timeout(KnTimeout* timeout) { (void)timeout; }

static void handle_interrupt(void* cookie) { (void)cookie; }

static int use_interrupt_level(char* text) {
    static KnTimeout timeout;
    KnTimeVal limit = {0, 10 * K_NPERM};
    KnLapDesc lap;
    CpuIntr interrupt = 5;
    CpuIntrOps* operations;
    CpuIntrId id;
    KnError error = svIntrAttach(interrupt, handle_interrupt, text, &operations, &id);
    operations->enable(id);
    operations->disable(id);
    operations->mask(id);
    operations->unmask(id);
    svIntrDetach(id);
    lapDescZero(&lap);
    return error + svSysTimeoutSet(&timeout, &limit, 0, &lap) + svSysTimeoutCancel(&timeout) +
           svTimeoutGetRes(&limit) + svTimeoutSet(&timeout, handle_timeout, &limit, 0) +
           svTimeoutCancel(&timeout);
}

static void handle_virtual_timeout(KnVirtTimeout* timeout) { (void)timeout; }

static int use_virtual_time(KnCap* actor) {
    static KnVirtTimeout timeout;
    KnTimeVal limit = {0, 10 * K_NPERM};
    KnLapDesc lap;
    KnError error = virtualTimeGetRes(&limit);
    lapDescZero(&lap);
    error += svThreadVirtualTimeoutSet(actor, K_MYSELF, &timeout, &limit, K_VTIME_INTERNAL, &lap) +
             svThreadVirtualTimeoutCancel(actor, K_MYSELF, &timeout) +
             svActorVirtualTimeoutSet(actor, &timeout, &limit, K_VTIME_TOTAL, &lap) +
             svActorVirtualTimeoutCancel(actor, &timeout);
    return error +
           svVirtualTimeoutSet(actor, K_ALLACTORTHREADS, &timeout, handle_virtual_timeout, &limit,
                               K_VTIME_TOTAL) +
           svVirtualTimeoutCancel(actor, K_ALLACTORTHREADS, &timeout);
}

static int use_supervisor_calls(KnCap* actor, char* text) {
    return use_handlers(actor, text) + use_locks() + use_supervisor_memory(actor, text) +
           use_interrupt_level(text) + use_virtual_time(actor) + use_message_handlers(actor, text);
}

#endif
