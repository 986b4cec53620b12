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
#define K_CMSGSAVEDMAX 32   /* messages saved by the threads of an actor */

/* Local port ids are positive, but for these. */
#define K_DEFAULTPORT 0   /* the port that each actor has from its creation */
#define K_ANYENABLED (-2) /* ipcReceive: any port that portEnable enabled */
#define K_NONEPORT (-3)     /* ipcSave */

/* portMigrate: the messages in the port's queue */
#define K_WITHMSG 1    /* go with it */
#define K_WITHOUTMSG 2 /* are deleted */

#define K_ABORTABLE 1 /* KnMsgDesc.flags of the descriptor that receives: threadAbort ends the wait */

/* Extension: KnMsgDesc.flags of a descriptor that sends (ipcCall, ipcSend, ipcReply). The sender gives the
 * whole pages of a page-aligned body up: their frames go to the receiver, without a copy when its room is
 * page-aligned too, and what is read or written there afterwards begins as zeros. That is so when all of them
 * are private memory of the sender's, allocated by rgnAllocate, there already and not locked, and no thread
 * waits for a synchronisation object in them; otherwise the body is copied and the pages stay. The last part
 * of a page is always copied. After an error (K_EFULL, K_EUNKNOWN) the sender has the pages again, as long as
 * its quota has room for them; a request that has been sent keeps them (K_ETIMEOUT, K_EABORT). The copies of
 * a broadcast leave them where they are. */
#define K_MSG_GIVE 0x100

typedef struct KnMsgDesc {
    unsigned int flags;    /* K_ABORTABLE, K_MSG_GIVE */
    unsigned int bodySize; /* bytes of the body, or of the room for it; a longer body is cut */
    VmAddr bodyAddr;
    VmAddr annexAddr; /* 0: no annex, or none wanted */
    KnEvtNum seqNum;  /* received: the message's number on its port, counted from 1 */
} KnMsgDesc;

typedef struct KnIpcDest {
    KnUniqueId target;   /* a port, or a group of ports in its mode (ipcTarget) */
    KnUniqueId coTarget; /* groups only: K_FUNCUMODE, K_FUNCXMODE */
} KnIpcDest;

/* A message handler. msg lies on its stack: bodySize (as sent), bodyAddr (0: the body is got by
 * ipcGetData), annexAddr (0: none), seqNum. */
typedef void (*KnMsgHdl)(KnMsgDesc* msg, void* cookie);

/* KnMsgHead.flags[0] */
#define K_MSG_CALL 1  /* ipcCall: a reply is awaited */
#define K_MSG_ANNEX 2 /* the message has an annex */

typedef struct KnMsgHead {
    int bodySize; /* as sent */
    char flags[4];
    KnUniqueId srcPort; /* of the sender */
    KnUniqueId target;  /* as it was addressed: the port that got it, or a group that it is in */
    KnUniqueId coTarget; /* as given with a group, by the calls that have a KnIpcDest */
    KnTransId transId; /* ipcCall: unique for the transaction; else 0 */
    KnProtId actorId;  /* of the sending actor */
    KnProtId portId;   /* of the source port */
} KnMsgHead;

/* portStat: what psFlags says. */
#define K_PORT_ENABLED 1 /* portEnable, with psPriority */
#define K_PORT_HANDLER 2 /* svMsgHandler: a handler takes its messages */

typedef struct KnPortStat {
    KnUniqueId psUi;
    int psPortLi;
    unsigned int psFlags;
    int psPriority;
    unsigned int psQueued; /* messages that wait */
    KnEvtNum psReceived;   /* as portGetSeqNum tells */
    unsigned int psGroups; /* how many of psGroup count */
    KnUniqueId psGroup[16]; /* K_CPORTGROUPS: the groups that it is in, the latest first */
} KnPortStat;

#ifdef __cplusplus
extern "C" {
#endif

/* ---- ports ------------------------------------------------------------------------------------------- */

/* portCreate(2K): a new port of the actor, disabled; *portui = its name. Returns its local id (positive).
 * Errors: K_EINVAL, K_EUNKNOWN, K_EFAULT, K_ENOMEM, K_EFULL (too many ports). */
int portCreate(const KnCap* actorcap, KnUniqueId* portui);

/* portDeclare(2K): the same with the name *portui, which uiBuild made of K_UIPORT or K_UIPORT_STATPORT; of
 * the latter only for this site. For SYSTEM actors and supervisor threads. Errors: as portCreate; K_EINVAL
 * (also: no such name), K_EBUSY (a port has it), K_EPRIV. */
int portDeclare(const KnCap* actorcap, const KnUniqueId* portui);

/* portDelete(2K): messages queued there are dropped, their callers get K_ENOPORT, as do threads that wait
 * on it; requests that have been received are replied to as before; threads in its message handler are
 * aborted, and have left it when the call returns. Errors: K_EINVAL (capability, port), K_EUNKNOWN,
 * K_EFAULT, K_EBUSY (from within its handler). */
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

/* portPi(2K): *oldpi = the protection identifier that is stamped on messages sent from the port, then the new
 * one is *newpi; NULL skips. A new port has its actor's. For SYSTEM actors and supervisor threads. Errors:
 * K_EINVAL (capability, port), K_EUNKNOWN, K_EFAULT, K_EPRIV. */
int portPi(const KnCap* actorcap, int portli, KnProtId* oldpi, const KnProtId* newpi);

/* portGetSeqNum(2K): *seqnum = how many messages have been received through the port since it has been in its
 * actor. Errors: K_EINVAL (capability, port), K_EUNKNOWN, K_EFAULT. */
int portGetSeqNum(const KnCap* actorcap, int portli, KnEvtNum* seqnum);

/* portStat (extension): one KnPortStat for each port of the actor, as many as fit in buffsize bytes, lowest
 * local id first. options: 0. Returns the number of ports, which may be more. Ports that come or go meanwhile
 * may be left out. SYSTEM actors and supervisor threads only: to know a port's name is to be able to send to
 * it. Errors: K_EINVAL (capability, options), K_EUNKNOWN, K_EFAULT, K_EPRIV. */
int portStat(const KnCap* actorcap, unsigned int options, KnPortStat* stat, unsigned int buffsize);

/* portMigrate(2K): the port portli of srcactorcap goes to dstactorcap, with its name, its groups, its
 * protection identifier and, with K_WITHMSG, its queue; with K_WITHOUTMSG the callers of queued
 * messages get K_ENOPORT. Returns its local id there; *seqnum (may be NULL) = the messages received so
 * far, plus one. It is disabled and counts from 0; threads that wait on it get K_ENOPORT, messages sent
 * meanwhile are queued. Messages that have been received stay with who received them. Errors: K_EINVAL
 * (options, capability, port; the default port; a K_UIPORT_STATPORT name; one with a message handler;
 * from an actor to itself), K_EUNKNOWN (an actor is no more; when dstactorcap goes meanwhile the port
 * goes with it), K_EFULL (dstactorcap has too many ports), K_EFAULT. */
int portMigrate(int options, const KnCap* srcactorcap, int portli, const KnCap* dstactorcap,
                KnEvtNum* seqnum);

/* ---- groups of ports --------------------------------------------------------------------------------- */

/* grpAllocate: options */
#define K_DYNAMIC 0  /* a new group, known to who is told of it; the stamp is not looked at */
#define K_STATUSER 1 /* the group of that stamp: the same capability for everybody */
#define K_STATSYS 2  /* the same, for SYSTEM actors and supervisor threads */

#define K_CGROUPPORTS 256 /* ports in a group */
#define K_CPORTGROUPS 16  /* groups that a port is in; half of them if others than its own actor insert it */

/* grpAllocate(2K): *groupcap = the capability of a group. It is a name only: nothing has to be given back.
 * Errors: K_EINVAL (options), K_EFAULT, K_EPRIV (K_STATSYS). */
int grpAllocate(int options, KnCap* groupcap, int stamp);

/* grpPortInsert(2K): the port is in the group from now on, until it is removed or deleted; it stays when it
 * migrates. One that is there already: K_OK. Errors: K_EINVAL (capability), K_EUNKNOWN (no such port),
 * K_EPRIV (a K_STATSYS group), K_EFULL (ports of the group, groups of the port), K_ENOMEM, K_EFAULT. */
int grpPortInsert(const KnCap* groupcap, const KnUniqueId* portui);

/* grpPortRemove(2K). Errors: K_EINVAL (capability, a port that is not in the group), K_EUNKNOWN (no such
 * port), K_EPRIV, K_EFAULT. */
int grpPortRemove(const KnCap* groupcap, const KnUniqueId* portui);

/* ---- messages ---------------------------------------------------------------------------------------- */

/* ipcCall(2K): send reqmsg from the own port reqsrc to the port reqdest->target, or to one port of that group
 * (ipcTarget; K_EINVAL when it means all), and wait for the reply,
 * which goes to repmsg (bodySize: room; its annexAddr: 120 bytes for an annex, or 0). Returns the size
 * of the reply's body as sent; what does not fit in the room is cut. Lends the caller's priority to the
 * thread that serves the request. Other threads leave the request's body alone until the reply: a large one
 * may be read when it is received. Abortable if repmsg->flags has K_ABORTABLE: then threadAbort aborts the
 * thread that serves the request, too, for as long as it serves it. delay: milliseconds; < 0 no limit; 0 for
 * a server that answers before this thread would run again. A caller that gives up (K_ETIMEOUT, K_EABORT)
 * takes nothing back: the request stays where it is, is received, and costs its credits until then (ipcSend);
 * the reply goes nowhere. The descriptors are read in the caller's own mode: a bad pointer to one is the
 * caller's exception. Errors: K_EINVAL (source port, a broadcast), K_EFAULT (body or annex), K_ETOOMUCH (body
 * too big), K_EUNKNOWN (no such port), K_EFULL (its queue is full), K_ENOMEM, K_ETIMEOUT, K_EABORT,
 * K_ENOPORT (the port was deleted before the request was received), K_ECRASH (the server died before it
 * replied), K_EFAIL (the server dropped the request). */
int ipcCall(const KnMsgDesc* reqmsg, int reqsrc, const KnIpcDest* reqdest, KnMsgDesc* repmsg, int delay);

/* ipcReceive(2K): wait for a message on the own port *portli (or K_DEFAULTPORT, or K_ANYENABLED: the
 * oldest message of the enabled port of the best priority); *portli = where it came from, msg->seqNum
 * its number there, counted by each CPU for itself. The message becomes the thread's current message; a
 * previous one that awaits a reply is dropped then, not before (its sender gets K_EFAIL). Returns the
 * size of the body as sent; what does not fit in msg->bodySize is cut; with msg->bodyAddr NULL it stays
 * with the nucleus until ipcGetData. While it waits, the room for the body may get parts of messages
 * that do not come after all. Errors: K_EINVAL (port; one with a message handler), K_EFAULT (when a message
 * has come: it is current, without its body and annex), K_ENOPORT (the port was deleted), K_ENOMEM,
 * K_ETIMEOUT, K_EABORT (with K_ABORTABLE in msg->flags). */
int ipcReceive(KnMsgDesc* msg, int* portli, int delay);

/* ipcReply(2K): reply to the current message; afterwards there is none. Does not wait. That the sender
 * is gone meanwhile is no error. Errors: K_EINVAL (no current message, or one that awaits no reply),
 * K_EFAULT, K_ETOOMUCH, K_ENOMEM. */
int ipcReply(const KnMsgDesc* msg);

/* ipcReplyReceive (extension): ipcReply(reply), then ipcReceive(msg, portli, delay), in one nucleus call
 * when the reply has at most 64 bytes and no annex and delay is < 0. msg->bodyAddr is not NULL: what comes in
 * registers is not kept. When the reply fails, its error is returned and nothing is received. */
int ipcReplyReceive(const KnMsgDesc* reply, KnMsgDesc* msg, int* portli, int delay);

/* ipcGetData(2K): the body of the current message, which was received with bodyAddr NULL, goes to
 * msg->bodyAddr, once; the nucleus keeps it no longer then. Of msg only bodyAddr and bodySize count. Returns
 * the number of bytes copied: what does not fit in msg->bodySize is cut. May be interrupted by others, does
 * not wait. Errors: K_EINVAL (no current message, or one whose body is not kept), K_EFAULT (it is still
 * kept). */
int ipcGetData(const KnMsgDesc* msg);

/* ipcSave(2K): put the current message aside; portli is K_NONEPORT. Afterwards there is none. Returns an id,
 * positive, with which any thread of the caller's actor can restore it. Errors: K_EINVAL (portli, no current
 * message), K_EFULL (K_CMSGSAVEDMAX are saved in the actor), K_ENOMEM; it is still current then. */
int ipcSave(int portli);

/* ipcRestore(2K): make the saved message current, and its id free. A current message is dropped (its sender
 * gets K_EFAIL). Errors: K_EINVAL (no such message is saved in the actor); the current one is kept then. */
int ipcRestore(int msgid);

/* ipcSend(2K): queue a copy of the message at the port msgdest->target, or at one port or each port of that
 * group (ipcTarget), and go on. Ports of a broadcast that cannot take it are left out; it is an error when
 * none could. A message that no thread waits for costs the caller's actor one credit, and one more for each
 * page of a body of more than 64 bytes, until it is received or dropped; so does ipcCall, but not one of at
 * most 64 bytes from the default port without annex and time limit. Errors: K_EINVAL (source port), K_EFAULT,
 * K_ETOOMUCH, K_EUNKNOWN, K_EFULL (K_CPORTQUEUE), K_ENOMEM (also: the actor has too few credits left;
 * KnActorStatistics tells). */
int ipcSend(const KnMsgDesc* msg, int msgsrc, const KnIpcDest* msgdest);

/* ipcSysInfo(2K): the header of the current message. Errors: K_EINVAL (none), K_EFAULT. */
int ipcSysInfo(KnMsgHead* msghead);

/* ---- message handlers --------------------------------------------------------------------------------- */

/* svMsgHandler(2K): from now on the messages of the port portli of the supervisor actor are the
 * handler's, each on the thread that sends it: ipcCall and ipcSend return when it has returned. It runs
 * as a LAP of the actor does (lap/chLap.h); svGetInvoker tells the client. Its message is the current
 * one: ipcSysInfo tells of it, a body of more than 64 bytes is got by ipcGetData; svMsgHdlReply
 * replies, ipcReply and ipcSave do not (K_EINVAL). A call that it does not reply to fails with K_EFAIL,
 * one in which it faults with K_ECRASH; a call's time limit does not end it, and an abort of the client
 * ends waits in it. Threads that wait on the port get K_EINVAL. For messages that are queued the
 * handler runs on the calling thread, before svMsgHandler returns. NULL: the port is an ordinary one
 * again; returns when nobody is in the handler any more. stacksize is not looked at. For supervisor
 * threads. Errors: K_EINVAL (capability, port, not a supervisor actor's; NULL: no handler is connected,
 * or the caller is in it), K_EUNKNOWN (also: the port went meanwhile), K_EFAULT, K_EPRIV, K_EBUSY (it
 * has a handler, or another thread is connecting or disconnecting one), K_ENOMEM, K_EFULL (too many
 * LAPs). */
int svMsgHandler(const KnCap* actorcap, int portli, KnMsgHdl handler, unsigned int stacksize, void* cookie);

/* svMsgHdlReply(2K): from within the handler: the reply of the current message, which goes when the
 * handler returns; afterwards there is no current message. Body and annex are copied now. Errors:
 * K_EINVAL (not in a handler, no current message of its, or one that awaits no reply), K_EFAULT,
 * K_ETOOMUCH, K_ENOMEM, K_EPRIV. */
int svMsgHdlReply(const KnMsgDesc* msg);

/* The nucleus call under ipcCall for messages that do not go in registers: the same meaning, and every
 * pointer is checked by the nucleus. */
int ipcCallMessage(const KnMsgDesc* reqmsg, int reqsrc, const KnIpcDest* reqdest, KnMsgDesc* repmsg,
                   int delay);

/* The same under ipcSend. */
int ipcSendMessage(const KnMsgDesc* msg, int msgsrc, const KnIpcDest* msgdest);

#ifdef __cplusplus
}
#endif
