/* Exceptions, aborts, stops and traps, and the LAPs that handle them. ChorusOS 5.0
 * svActorExcHandlerConnect(2K), svSysTrapHandlerConnect(2K), svExcHandler(2K), svTrapConnect(2K),
 * svGetInvoker(2K). All but the types: supervisor mode only; others get K_EPRIV.
 *
 * Vectors of an actor are asked in order of their indices. A handler runs on the thread that it is about, in
 * supervisor mode, with the LAP's owner as execution actor. It may change the thread's registers in
 * *threadCtx as far as user mode itself could: general registers, pc, sp, arithmetic flags. A handler whose
 * LAP has died is passed over. Handlers stay connected when the actor that connected them goes. */
#ifndef EXEC_CHTRAP_H
#define EXEC_CHTRAP_H

#include <chorus/machine_context.h>
#include <chorus/types.h>
#include <lap/chLap.h>

/* In each actor. By convention the last of a vector is the application's own. */
#define K_ACTOR_EXCVECT_MAX 4
#define K_ACTOR_EXCVECT_LAST (K_ACTOR_EXCVECT_MAX - 1)
#define K_ACTOR_ABORTVECT_MAX 4
#define K_ACTOR_ABORTVECT_LAST (K_ACTOR_ABORTVECT_MAX - 1)
#define K_ACTOR_STOPVECT_MAX 4
#define K_ACTOR_STOPVECT_LAST (K_ACTOR_STOPVECT_MAX - 1)

/* For Disconnect: whatever is connected. */
#ifdef __cplusplus
#define K_CONNECTED_LAP (reinterpret_cast<KnLapDesc*>(intptr_t{-1}))
#else
#define K_CONNECTED_LAP ((KnLapDesc*)(intptr_t)-1)
#endif

/* Traps, the exceptions that a program asks for; the same numbers on all machines. */
#define K_TRAP_BREAKPOINT 3          /* INT3, EBREAK */
#define K_TRAP_SYSTEMCALL 8          /* SYSCALL, ECALL with a number that is not the nucleus's */
#define K_TRAP_FOREIGN_LIMIT 0x40000 /* system calls from 0 on to below this one never are */

/* What the LAP of an exception handler gets as its argument. A handler that has dealt with the exception sets
 * excHandled: the thread goes on with its registers; otherwise the next in the vector is asked. */
typedef struct KnExcDesc {
    KnThreadCtx* threadCtx;
    unsigned int excNumber; /* the machine's */
    unsigned int excHandled;
    void* excAddress; /* of a page fault: what was touched; else null */
} KnExcDesc;

/* The same for abort and stop handlers. */
typedef struct KnAbortDesc {
    KnThreadCtx* threadCtx;
} KnAbortDesc;
typedef KnAbortDesc KnStopDesc;

/* Extension: what gives a system call's result at once, from the calling thread's handlerData. It runs
 * instead of the handler, which is a K_LAP_SAFE LAP, as at interrupt level: with interrupts off, it waits for
 * nothing and calls nothing of the nucleus; a fault in it is the system's end. A table of them has an entry
 * for each number below K_TRAP_QUICK_LIMIT, null where the handler is to be called, and stays where it is for
 * as long as the LAP is there. The handler has to know these calls too: now and then one comes to it, as
 * always. */
typedef unsigned long (*KnQuickCall)(void* handlerData);
#define K_TRAP_QUICK_LIMIT 512

/* The same for a trap. The result of a system call is what the handler leaves in the context, in the register
 * where its number was (rax on x86-64), or a0 on riscv64; the program finds all others as it left them, but
 * rcx and r11 on x86-64, which SYSCALL itself overwrites. Where no handler is, the result is K_ENOTIMP. */
typedef struct KnSysTrapDesc {
    KnThreadCtx* threadCtx;
    unsigned int trapNumber;
    unsigned int resultOnly; /* extension: 0; set by a handler of K_TRAP_SYSTEMCALL that has changed no
                                register but the result, whose call then ends the quick way */
    void* handlerData; /* extension: a word of the thread that handlers of traps may read and change; null
                          in a new thread */
    const KnQuickCall* quickCalls; /* extension: null in a thread's first call and again now and then; what a
                                      handler of K_TRAP_SYSTEMCALL sets there then is its functions for the
                                      thread's next calls */
} KnSysTrapDesc;

/* What the nucleus has one set of calls for: vectors of an actor, and the site's traps. */
enum { K_EXC_HANDLER = 0, K_ABORT_HANDLER = 1, K_STOP_HANDLER = 2, K_TRAP_HANDLER = 3 };

#ifdef __cplusplus
extern "C" {
#endif

/* svHandlerConnect (extension): what svActorExcHandlerConnect and its like are made of. kind: K_EXC_HANDLER
 * to K_TRAP_HANDLER; of a trap, vectindex is its number and actorcap K_MYACTOR. Errors: K_EINVAL (kind, index
 * or trap, no such LAP, capability), K_EBUSY (a living LAP is connected), K_EUNKNOWN, K_EFAULT, K_EPRIV. */
int svHandlerConnect(unsigned int kind, const KnCap* actorcap, unsigned int vectindex,
                     const KnLapDesc* newhandler);

/* svHandlerDisconnect (extension): the same for svActorExcHandlerDisconnect and its like. Errors: K_EINVAL
 * (kind, index or trap, capability; nothing is connected, or another than curhandler, which is not
 * K_CONNECTED_LAP), K_EUNKNOWN, K_EFAULT, K_EPRIV. */
int svHandlerDisconnect(unsigned int kind, const KnCap* actorcap, unsigned int vectindex,
                        const KnLapDesc* curhandler);

/* svHandlerGetConnected (extension): *curhandler = the LAP that is connected. Errors: K_EINVAL (kind, index
 * or trap, capability; none is), K_EUNKNOWN, K_EFAULT, K_EPRIV. */
int svHandlerGetConnected(unsigned int kind, const KnCap* actorcap, unsigned int vectindex,
                          KnLapDesc* curhandler);

/* svGetInvoker(2K): the execution actor from which the handler or LAP was entered in which the caller is.
 * Errors: K_EINVAL (in none), K_EFAULT, K_EPRIV. */
int svGetInvoker(KnCap* actorcap);

#ifdef __cplusplus
}
#endif

/* svActorExcHandlerConnect(2K) …: asked for every exception of a thread whose execution actor is the actor. A
 * new actor inherits the exception and abort handlers of the actorinit of its actorCreate. */
static inline int svActorExcHandlerConnect(const KnCap* actorcap, unsigned int vectindex,
                                           const KnLapDesc* newhandler) {
    return svHandlerConnect(K_EXC_HANDLER, actorcap, vectindex, newhandler);
}
static inline int svActorExcHandlerDisconnect(const KnCap* actorcap, unsigned int vectindex,
                                              const KnLapDesc* curhandler) {
    return svHandlerDisconnect(K_EXC_HANDLER, actorcap, vectindex, curhandler);
}
static inline int svActorExcHandlerGetConnected(const KnCap* actorcap, unsigned int vectindex,
                                                KnLapDesc* curhandler) {
    return svHandlerGetConnected(K_EXC_HANDLER, actorcap, vectindex, curhandler);
}

/* svActorAbortHandlerConnect(2K) …: all of them run when an aborted thread of the actor returns into it. The
 * state is cleared before. */
static inline int svActorAbortHandlerConnect(const KnCap* actorcap, unsigned int vectindex,
                                             const KnLapDesc* newhandler) {
    return svHandlerConnect(K_ABORT_HANDLER, actorcap, vectindex, newhandler);
}
static inline int svActorAbortHandlerDisconnect(const KnCap* actorcap, unsigned int vectindex,
                                                const KnLapDesc* curhandler) {
    return svHandlerDisconnect(K_ABORT_HANDLER, actorcap, vectindex, curhandler);
}
static inline int svActorAbortHandlerGetConnected(const KnCap* actorcap, unsigned int vectindex,
                                                  KnLapDesc* curhandler) {
    return svHandlerGetConnected(K_ABORT_HANDLER, actorcap, vectindex, curhandler);
}

/* svActorStopHandlerConnect(2K) …: all of them run on a thread that threadStop or actorStop has stopped, when
 * it would go back to its program; then it stands still. */
static inline int svActorStopHandlerConnect(const KnCap* actorcap, unsigned int vectindex,
                                            const KnLapDesc* newhandler) {
    return svHandlerConnect(K_STOP_HANDLER, actorcap, vectindex, newhandler);
}
static inline int svActorStopHandlerDisconnect(const KnCap* actorcap, unsigned int vectindex,
                                               const KnLapDesc* curhandler) {
    return svHandlerDisconnect(K_STOP_HANDLER, actorcap, vectindex, curhandler);
}
static inline int svActorStopHandlerGetConnected(const KnCap* actorcap, unsigned int vectindex,
                                                 KnLapDesc* curhandler) {
    return svHandlerGetConnected(K_STOP_HANDLER, actorcap, vectindex, curhandler);
}

/* svSysTrapHandlerConnect(2K) …: one handler for each trap of the site, whoever makes it. */
static inline int svSysTrapHandlerConnect(unsigned int trapNumber, const KnLapDesc* trapLapDesc) {
    return svHandlerConnect(K_TRAP_HANDLER, K_MYACTOR, trapNumber, trapLapDesc);
}
static inline int svSysTrapHandlerDisconnect(unsigned int trapNumber, const KnLapDesc* currentTrapLapDesc) {
    return svHandlerDisconnect(K_TRAP_HANDLER, K_MYACTOR, trapNumber, currentTrapLapDesc);
}
static inline int svSysTrapHandlerGetConnected(unsigned int trapNumber, KnLapDesc* currentTrapLapDesc) {
    return svHandlerGetConnected(K_TRAP_HANDLER, K_MYACTOR, trapNumber, currentTrapLapDesc);
}

/* ---- handlers without LAPs, as in ChorusOS 4: kept for old programs, made of the calls above ---------- */

typedef int (*KnExcHdl)(KnThreadCtx* ctx, int excno, void* ptr); /* 0: dealt with */
typedef int (*KnTrapHdl)(KnThreadCtx* ctx, unsigned int itno);
typedef void (*KnHdl)(KnThreadCtx* ctx);

/* Library functions. svExcHandler(2K), svAbortHandler(2K): the last of the actor's vector; a null routine
 * disconnects. svTrapConnect(2K), svTrapDisConnect(2K): as svSysTrapHandlerConnect. The LAP that they make
 * belongs to the actor whose code calls. */
#ifdef __cplusplus
extern "C" {
#endif

int svExcHandler(const KnCap* actorcap, KnExcHdl routine);
int svAbortHandler(const KnCap* actorcap, KnHdl routine);
int svTrapConnect(unsigned int trapno, KnTrapHdl routine);
int svTrapDisConnect(unsigned int trapno);

#ifdef __cplusplus
}
#endif

#endif
