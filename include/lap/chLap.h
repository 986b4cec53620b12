/* Local access points (LAPs): functions of supervisor actors that others call on their own threads.
 * ChorusOS 5.0 svLapCreate(2K), svLapDelete(2K), lapInvoke(2K), svLapBind(2K).
 *
 * Whoever has a LAP's descriptor may invoke it: 64 of its bits cannot be guessed, and they fit no other LAP,
 * ever. While the handler runs the thread's execution actor is the LAP's owner: K_MYACTOR means that one,
 * and its exception handlers are asked; the home actor stays the one that is charged. */
#ifndef LAP_CHLAP_H
#define LAP_CHLAP_H

#include <chorus/types.h>

/* Opaque; lapDescZero() makes one that is nobody's. */
typedef struct KnLapDesc {
    uint64_t ldPlace;
    uint64_t ldKey;
} KnLapDesc;

/* Runs on the invoking thread, in supervisor mode: arg from lapInvoke, cookie from svLapCreate. */
typedef void (*KnLapHdl)(void* arg, void* cookie);

#define K_LAPNAMEMAX 7 /* characters in the name of a LAP, without its NUL */

/* Options of svLapCreate. */
#define K_LAP_SAFE 1u     /* may be invoked from user mode; svLapDelete waits for those who are inside */
#define K_LAP_SETJMP 2u   /* an exception in the handler makes lapInvoke return K_EFAIL */
#define K_LAP_SAMEHOST 4u /* raw: no change of the execution actor; for timeouts and interrupts; alone */

/* Option of svLapBind: lapResolve finds the name for threads of trusted (supervisor, SYSTEM) actors only. */
#define K_LAP_PROTECTED 1u
/* Option of lapResolve. */
#define K_LAP_NOBLOCK 1u

#ifdef __cplusplus
extern "C" {
#endif

/* svLapCreate(2K): a LAP of the supervisor actor (K_MYACTOR: the home actor of the calling thread), which it
 * goes with. Errors: K_EINVAL (capability, handler, options; not a supervisor actor), K_EUNKNOWN, K_EFAULT,
 * K_EPRIV (not in supervisor mode), K_ENOMEM, K_EFULL (1,024 LAPs on the site). */
int svLapCreate(const KnCap* actorcap, KnLapHdl laphdl, void* cookie, unsigned int options,
                KnLapDesc* lapdesc);

/* svLapDelete(2K): from now on the descriptor fits nothing. Of a safe LAP: threads inside are aborted, and
 * the call returns when all of them have left, which is never when one does not heed the abort. The names
 * bound to it stay. Errors: K_EINVAL (no such LAP; or the caller is inside), K_EFAULT, K_EPRIV. */
int svLapDelete(const KnLapDesc* lapdesc);

/* lapInvoke(2K): call the handler. From supervisor mode a function call, and a bad pointer is the caller's
 * fault; from user mode only safe LAPs. Errors: K_EINVAL (no such LAP, or not safe), K_EFAULT, K_EABORT (a
 * safe LAP: deleted meanwhile), K_EFAIL (K_LAP_SETJMP: an exception in the handler; or the owner has gone),
 * K_ENOMEM (from user mode: no stack). */
int lapInvoke(const KnLapDesc* lapdesc, void* arg);

/* lapComeHome (internal): made by lapInvoke when something has waited for the thread to leave its last LAP.
 * By anybody else: nothing happens, K_OK. */
int lapComeHome(void);

/* svLapBind(2K): give the LAP a name; whoever waits for it goes on. A name that a dead LAP has left is free.
 * Errors: K_EINVAL (no such LAP, empty name, options), K_ENOMEM (name too long), K_EBUSY (the name is in
 * use), K_EFULL (128 names on the site), K_EFAULT, K_EPRIV. */
int svLapBind(const KnLapDesc* lapdesc, const char* name, unsigned int options);

/* svLapUnbind(2K): nobody finds the name any more; descriptors stay good. Errors: K_EINVAL (empty name),
 * K_ENOMEM (name too long), K_EUNKNOWN (not bound), K_EFAULT, K_EPRIV. */
int svLapUnbind(const char* name);

/* lapResolve(2K): the descriptor of the LAP of that name; waits until there is one (abortable), unless
 * options has K_LAP_NOBLOCK. Errors: K_EINVAL (empty name, options), K_ENOMEM (name too long), K_EUNKNOWN
 * (K_LAP_NOBLOCK: not bound), K_EABORT, K_EFAULT. */
int lapResolve(KnLapDesc* lapdesc, const char* name, unsigned int options);

#ifdef __cplusplus
}
#endif

/* lapDescZero, lapDescIsZero, lapDescDup(2K): no nucleus call. */
static inline void lapDescZero(KnLapDesc* lapdesc) { lapdesc->ldPlace = lapdesc->ldKey = 0; }
static inline int lapDescIsZero(const KnLapDesc* lapdesc) {
    return lapdesc->ldPlace == 0 && lapdesc->ldKey == 0;
}
static inline void lapDescDup(KnLapDesc* to, const KnLapDesc* from) { *to = *from; }

#endif
