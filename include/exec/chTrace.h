/* A live trace: what each CPU does, and for whom: calls and their results, messages, switches of threads,
 * interrupts and faults. An extension of this system.
 *
 * Each CPU has a ring of records that it writes by itself, the oldest first. A full ring loses what comes
 * then, not what is there, and K_TRACE_LOST says how much. Between CPUs the times tell the order: sysTime
 * never goes back from one CPU to another. One trace runs at a time. While it runs, small messages and system
 * calls take the general way instead of the quickest: programs get the same results, later. While none runs,
 * it costs nothing.
 *
 * Not recorded are calls that end in the program (a mutex that is free; sysTime by the counter), nor
 * lapInvoke of a thread in supervisor mode; of its small messages (K_TRACE_IPC_CALL and the like) one sees
 * the messages only. What a program passes on to a message handler of an actor is sent and not received: the
 * handler runs on the sender's thread. */
#pragma once

#include <chorus/types.h>

/* KnTraceRecord.kind. `actor` is the home actor of the thread that the record is about, and `thread` its
 * local id there; K_TRACE_ACTOR, K_TRACE_ACTOR_END: the actor that it is about, and -1. Where no thread runs
 * (K_TRACE_IDLE, K_TRACE_LOST, some interrupts): 0 and -1. No actor has the number 0. What a kind does not
 * name is 0. */
#define K_TRACE_ACTOR 1     /* it exists, or has a new name: value holds the name, 32 bytes, zeros behind */
#define K_TRACE_ACTOR_END 2 /* its name and its number are free again */
/* The thread enters the nucleus call `call` (its index in chorus/calls.hpp); value: its first four arguments.
 * A handler of a system call, too, makes calls of its own, on the thread, before that has its result.
 * Of the calls that have a message in registers, K_TRACE_BY_REGISTERS(call): the name of the port (uiHead,
 * uiTail), bytes of the body, 0. K_TRACE_REPLY_RECEIVE and K_TRACE_RECEIVE: the local id of the port to
 * receive on, 0, bytes of the reply, 0. */
#define K_TRACE_CALL 3
#define K_TRACE_SYSTEM_CALL 4 /* the same, of another system's calls (exec/chTrap.h; C_OS: Linux's) */
/* The call has ended: `result`, and `call` once more; of K_TRACE_SYSTEM_CALL value[0] is 1. Calls that do not
 * come back (an exception, threadDelete of the caller) have no such record, nor one begun before the trace.
 */
#define K_TRACE_RESULT 5
#define K_TRACE_RUN 6  /* the CPU goes on with this thread; another one had it, or none */
#define K_TRACE_IDLE 7 /* the CPU has nothing to do */
/* A message: value[0]: a number that is the same in both records, and that no other message has; [1], [2]:
 * the name that it was sent to (uiHead, uiTail): a port, or a group; [3]: bytes of the body. A reply is a
 * message of its own, to no port (zeros): its number is that of the request, with K_TRACE_REPLY. One that was
 * refused, or that waits for ever, is never received; one that came before the trace began was never sent.
 * The copies of a broadcast have one number. */
#define K_TRACE_SENT 8
#define K_TRACE_RECEIVED 9
/* value[0]: the line of a device, or one of K_TRACE_TIMER, K_TRACE_DOORBELL, which are told when the nucleus
 * looks around next: before what has come of them. */
#define K_TRACE_INTERRUPT 10
/* A page fault: value[0] address; [1] pc, or 0: of the nucleus, on the thread's behalf. An exception, which
 * handlers are offered: the same (address 0: it has none), and [2] is 1; a page fault that nobody could mend
 * has both. */
#define K_TRACE_FAULT 11
#define K_TRACE_LOST 12 /* value[0]: records lost here, because the ring was full */

/* value[0] of K_TRACE_INTERRUPT */
#define K_TRACE_TIMER UINT64_MAX          /* the CPU's own timer */
#define K_TRACE_DOORBELL (UINT64_MAX - 1) /* another CPU's */

#define K_TRACE_REPLY (UINT64_C(1) << 63) /* value[0] of K_TRACE_SENT and K_TRACE_RECEIVED: a reply */

/* KnTraceRecord.call of messages that go in registers, which programs call ipcCall, ipcReplyReceive, ipcSend
 * and ipcReceive; with descriptors of their own the nucleus has others (ipcCallMessage, ipcReply,
 * ipcSendMessage). The first two are in no list. */
#define K_TRACE_IPC_CALL 0
#define K_TRACE_REPLY_RECEIVE 1
#define K_TRACE_SEND 128
#define K_TRACE_RECEIVE 129
#define K_TRACE_BY_REGISTERS(call) ((call) == K_TRACE_IPC_CALL || (call) == K_TRACE_SEND)

#define K_TRACE_RECORDS 4096      /* of each CPU, unless traceStart says otherwise */
#define K_TRACE_RECORDS_MAX 65536 /* and at most: 4 MiB */

typedef struct KnTraceRecord {
    uint64_t time;      /* nanoseconds since boot, as sysTime tells */
    unsigned int kind;  /* K_TRACE_… */
    unsigned int actor; /* a number, the actor's while it lives: K_TRACE_ACTOR tells its name */
    int thread;         /* local id in that actor; -1: none */
    unsigned int call;
    int64_t result;
    uint64_t value[4];
} KnTraceRecord; /* 64 bytes */

#ifdef __cplusplus
extern "C" {
#endif

/* traceStart (extension): from now on every CPU records, in a ring of so many records: the next power of two,
 * 64 at the least; 0: K_TRACE_RECORDS. The first records on the CPU of the caller are a K_TRACE_ACTOR for
 * each living actor, as far as there is room, among what else happens there. What a trace before has left is
 * gone. The trace ends by traceStop, or with the actor of the calling thread; the memory is that actor's, and
 * is given back when it ends, or the next trace starts. For SYSTEM actors and supervisor threads. Errors:
 * K_EINVAL (more than K_TRACE_RECORDS_MAX), K_ENOMEM (also: the actor may not have so much), K_EBUSY (a trace
 * runs, or is about to start or to end), K_EPRIV. */
int traceStart(unsigned int records);

/* traceRead (extension): take the oldest records of that CPU, at most count and 64 of them. Returns how many;
 * 0: there are none now. Does not wait. Readers of the same CPU's records at once share them. While no trace
 * runs: what the last one has left; then 0. For SYSTEM actors and supervisor threads. Errors: K_EINVAL (no
 * such CPU), K_EFAULT (none is taken), K_EUNKNOWN (no trace was started, or its actor has ended), K_EPRIV. */
int traceRead(unsigned int cpu, KnTraceRecord* records, unsigned int count);

/* traceStop (extension): the trace ends: no CPU writes a record any more when the call returns. The rings
 * stay, to be read, until the next traceStart or the end of the actor that started it. Any SYSTEM actor or
 * supervisor thread may do so. Errors: K_EUNKNOWN (no trace runs), K_EPRIV. */
int traceStop(void);

#ifdef __cplusplus
}
#endif
