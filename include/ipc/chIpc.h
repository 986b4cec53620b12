/* Ports and messages. ChorusOS 5.0 portCreate(2K), ipcCall(2K) and the pages that they name.
 *
 * A message is a body of 0 to K_CMSGSIZEMAX bytes and at most one annex of exactly K_CMSGANNEXSIZE
 * bytes, both copied. Delays are in milliseconds: < 0 without limit, 0 (ipcReceive) do not wait. */
#pragma once

#include <chorus/types.h>
#include <ipc/chId.h>

#define K_CMSGSIZEMAX 65536 /* bytes of a body */
#define K_CMSGANNEXSIZE 120 /* bytes of an annex */
#define K_CPORTQUEUE 64     /* messages waiting on a port */

/* Local port ids are positive, but for these. */
#define K_DEFAULTPORT 0   /* the port that each actor has from its creation */
#define K_ANYENABLED (-2) /* ipcReceive: any port that portEnable enabled */
#define K_NONEPORT (-3)

#define K_ABORTABLE 1 /* KnMsgDesc.flags of the descriptor that receives: threadAbort ends the wait */

typedef struct KnMsgDesc {
    unsigned int flags;    /* K_ABORTABLE */
    unsigned int bodySize; /* bytes of the body, or of the room for it; a longer body is cut */
    VmAddr bodyAddr;
    VmAddr annexAddr; /* 0: no annex, or none wanted */
    KnEvtNum seqNum;  /* received: the message's number on its port, counted from 1 */
} KnMsgDesc;

typedef struct KnIpcDest {
    KnUniqueId target;
    KnUniqueId coTarget; /* port groups only */
} KnIpcDest;

/* KnMsgHead.flags[0] */
#define K_MSG_CALL 1  /* ipcCall: a reply is awaited */
#define K_MSG_ANNEX 2 /* the message has an annex */

typedef struct KnMsgHead {
    int bodySize; /* as sent */
    char flags[4];
    KnUniqueId srcPort; /* of the sender */
    KnUniqueId target;  /* the port that got it */
    KnUniqueId coTarget;
    KnTransId transId; /* ipcCall: unique for the transaction; else 0 */
    KnProtId actorId;  /* of the sending actor */
    KnProtId portId;   /* of the source port */
} KnMsgHead;

#ifdef __cplusplus
extern "C" {
#endif

/* ---- ports ------------------------------------------------------------------------------------------- */

/* portCreate(2K): a new port of the actor, disabled; *portui = its name. Returns its local id (positive).
 * Errors: K_EINVAL, K_EUNKNOWN, K_EFAULT, K_ENOMEM, K_EFULL (too many ports). */
int portCreate(const KnCap* actorcap, KnUniqueId* portui);

/* portDelete(2K): messages queued there are dropped, their callers and those being served get K_EUNKNOWN
 * or K_EFAIL; threads that wait on it get K_ENOPORT. Errors: K_EINVAL (capability, port), K_EUNKNOWN,
 * K_EFAULT. */
int portDelete(const KnCap* actorcap, int portli);

/* portEnable(2K): let K_ANYENABLED receive from the port; a lower priority value (>= 0) is served first.
 * Errors: K_EINVAL (capability, port, priority), K_EUNKNOWN, K_EFAULT. */
int portEnable(const KnCap* actorcap, int portli, int priority);

/* portDisable(2K). Errors: as portEnable; disabling a disabled port is K_OK. */
int portDisable(const KnCap* actorcap, int portli);

/* portUi(2K): the name of the caller's port portli. Errors: K_EINVAL (no such port), K_EFAULT. */
int portUi(KnUniqueId* portui, int portli);

/* portLi(2K): the local id of the caller's port of that name (K_DEFAULTPORT for the default port).
 * Errors: K_EUNKNOWN (not a port of the caller), K_EFAULT. */
int portLi(const KnUniqueId* portui);

/* ---- messages ---------------------------------------------------------------------------------------- */

/* ipcCall(2K): send reqmsg from the own port reqsrc to the port reqdest->target and wait for the reply,
 * which goes to repmsg (bodySize: room; its annexAddr: 120 bytes for an annex, or 0). Returns the size
 * of the reply's body as sent; what does not fit in the room is cut. Lends the caller's priority to the
 * thread that serves the request. Abortable if repmsg->flags has K_ABORTABLE. The descriptors are read
 * in the caller's own mode: a bad pointer to one is the caller's exception. Errors: K_EINVAL (source
 * port, delay), K_EFAULT (body or annex), K_ETOOMUCH (body too big), K_EUNKNOWN (no such port), K_EFULL
 * (its queue is full), K_ENOMEM, K_ETIMEOUT, K_EABORT, K_ENOPORT (the port was deleted before the
 * request was received), K_ECRASH (the server died before it replied), K_EFAIL (the server dropped the
 * request). */
int ipcCall(const KnMsgDesc* reqmsg, int reqsrc, const KnIpcDest* reqdest, KnMsgDesc* repmsg, int delay);

/* ipcReceive(2K): wait for a message on the own port *portli (or K_DEFAULTPORT, or K_ANYENABLED: the
 * oldest message of the enabled port of the best priority); *portli = where it came from, msg->seqNum its
 * number there, counted by each CPU for itself. The message becomes the thread's current message; a
 * previous one that awaits a reply is dropped then, not before (its sender gets K_EFAIL). Returns the size
 * of the body as sent; what does not fit in msg->bodySize is cut. Errors: K_EINVAL (port), K_EFAULT,
 * K_ENOPORT (the port was deleted), K_ENOMEM, K_ETIMEOUT, K_EABORT (with K_ABORTABLE in msg->flags). */
int ipcReceive(KnMsgDesc* msg, int* portli, int delay);

/* ipcReply(2K): reply to the current message; afterwards there is none. Does not wait. That the sender
 * is gone meanwhile is no error. Errors: K_EINVAL (no current message, or one that awaits no reply),
 * K_EFAULT, K_ETOOMUCH, K_ENOMEM. */
int ipcReply(const KnMsgDesc* msg);

/* ipcReplyReceive (extension): ipcReply(reply), then ipcReceive(msg, portli, delay), in one nucleus call
 * when the reply has at most 64 bytes and no annex and delay is < 0. When the reply fails, its error is
 * returned and nothing is received. */
int ipcReplyReceive(const KnMsgDesc* reply, KnMsgDesc* msg, int* portli, int delay);

/* ipcSend(2K): queue a copy of the message at the port msgdest->target and go on. Errors: K_EINVAL
 * (source port), K_EFAULT, K_ETOOMUCH, K_EUNKNOWN, K_EFULL, K_ENOMEM. */
int ipcSend(const KnMsgDesc* msg, int msgsrc, const KnIpcDest* msgdest);

/* ipcSysInfo(2K): the header of the current message. Errors: K_EINVAL (none), K_EFAULT. */
int ipcSysInfo(KnMsgHead* msghead);

/* The nucleus call under ipcCall for messages that do not go in registers: the same meaning, and every
 * pointer is checked by the nucleus. */
int ipcCallMessage(const KnMsgDesc* reqmsg, int reqsrc, const KnIpcDest* reqdest, KnMsgDesc* repmsg,
                   int delay);

#ifdef __cplusplus
}
#endif
