/* Message spaces: memory that actors share, cut into messages of a few sizes, and queues through which the
 * messages go from actor to actor without being copied. ChorusOS 5.0 MIPC(5FEA).
 *
 * A message is one actor's at a time: it is allocated from a pool, put into a queue, got from it, by
 * whichever actor, and put again or freed. A pointer is what says which: it points into the pools as the
 * actor's own address space shows them, always at a message's first byte, which is a multiple of 64. The
 * addresses differ from actor to actor; what a message says of another one must be a number, not an address.
 *
 * Only the actor that has a message may put or free it, and what is a message's state, and who has it, does
 * not lie in the pools: who writes into messages of others harms what these messages say, nothing else.
 *
 * A space lives until its creator and all who have opened it have been deleted. When an actor is deleted the
 * messages that it has go back to their pools; those that it has put stay in their queues. */
#pragma once

#include <chorus/types.h>

/* The name of a space on this site, chosen by the applications. */
typedef unsigned int KnMsgSpaceId;
#define K_PRIVATEID (~0u) /* as a name: none; nobody else opens the space */

#define K_MSG_POOLMAX 16         /* pools in a space */
#define K_MSG_QUEUEMAX 64        /* queues in a space */
#define K_MSG_NUMBERMAX 65535    /* messages in a space */
#define K_MSG_PRIOMAX 31u        /* the best priority; the worst is 0 */
#define K_MSG_OPENMAX 16         /* spaces that an actor has: kern.mipc.maxOpenSpaceNumber */
#define K_ANY_MSGPOOL (~0u)      /* msgAllocate: the pool that fits best */

/* A pool: `msgNumber` messages of `msgSize` bytes each. */
typedef struct KnMsgPool {
    unsigned int msgSize;
    unsigned int msgNumber;
} KnMsgPool;

typedef struct KnMsgPoolStat {
    unsigned int msgSize;
    unsigned int msgNumber;
    unsigned int msgFree; /* of them, allocated by nobody */
} KnMsgPoolStat;

typedef struct KnMsgQueueStat {
    unsigned int msgNumber; /* in the queue */
} KnMsgQueueStat;

#ifdef __cplusplus
extern "C" {
#endif

/* msgSpaceCreate(2K): a new space of `msgQueueNb` queues, numbered from 0, and the `msgPoolNb` pools of
 * msgPools[], which the caller's actor has opened. Its memory is there at once, all zeros, in a region of the
 * system's choice, and counts as the actor's. Returns the space's local identifier, which is positive.
 * Errors: K_EINVAL (no queues or pools, or too many; a size or a number that is 0), K_EBUSY (a space of this
 * name exists), K_ENOMEM (no memory, no room, more than K_MSG_NUMBERMAX messages), K_EFULL (the actor has
 * K_MSG_OPENMAX spaces, the site too many with names), K_EFAULT, K_EABORT (the thread is being deleted). */
int msgSpaceCreate(KnMsgSpaceId spaceGid, unsigned int msgQueueNb, unsigned int msgPoolNb,
                   const KnMsgPool* msgPools);

/* msgSpaceOpen(2K): the space of this name, its pools mapped into the caller's actor as well. Returns its
 * local identifier, the same each time that the actor asks. Errors: K_EUNKNOWN (none of this name), K_EINVAL
 * (K_PRIVATEID), K_ENOMEM (no memory, no room), K_EFULL (the actor has K_MSG_OPENMAX spaces; 64 actors have
 * this one), K_EABORT. */
int msgSpaceOpen(KnMsgSpaceId spaceGid);

/* msgAllocate(2K): a message of at least `msgSize` bytes from pool `poolIndex`, its address to *msgAddr; its
 * contents are whatever they were. K_ANY_MSGPOOL: from the pool whose messages are the smallest that are
 * large enough, the first of equals, and no other, be it empty. When there is none: waits at most *waitLimit
 * (<chorus/types.h>), first come, first served; abortable. Errors: K_EINVAL (no such space or pool, too large
 * for it, not a time), K_ETIMEOUT (K_NOBLOCK: at once), K_EABORT, K_EUNKNOWN (the space has gone meanwhile),
 * K_EFAULT. */
int msgAllocate(int spaceLid, unsigned int poolIndex, unsigned int msgSize, const KnTimeVal* waitLimit,
                char** msgAddr);

/* msgPut(2K): a message of the caller's actor to the thread that has waited longest for one of the queue,
 * else into the queue, behind those of its priority, before those of lower ones: 0 is the lowest, and what is
 * above K_MSG_PRIOMAX counts as that. Does not wait; also from interrupt handlers. Errors: K_EINVAL (no such
 * space or queue; no message of the actor's begins there). */
int msgPut(int spaceLid, unsigned int msgQueueId, char* msg, unsigned int prio);

/* msgGet(2K): the first message of the best priority in the queue is the caller's actor's from now on: its
 * address to *msgAddr, who put it to *srcActor, which may be left out. When there is none: waits at most
 * *waitLimit, first come, first served; abortable. Errors: K_EINVAL (no such space or queue, not a time),
 * K_ETIMEOUT (K_NOBLOCK: at once), K_EABORT, K_EUNKNOWN (the space has gone meanwhile), K_EFAULT. */
int msgGet(int spaceLid, unsigned int msgQueueId, const KnTimeVal* waitLimit, char** msgAddr,
           KnUniqueId* srcActor);

/* msgGetAny(2K): the same from whichever queue has the best message, of equals the first queue; which one to
 * *msgQueueId, which may be left out. Threads that wait for a certain queue come first. Errors: as msgGet. */
int msgGetAny(int spaceLid, unsigned int* msgQueueId, const KnTimeVal* waitLimit, char** msgAddr,
              KnUniqueId* srcActor);

/* msgFree(2K): a message of the caller's actor to the thread that has waited longest for one of its pool,
 * else back to the pool. Does not wait; also from interrupt handlers. Errors: K_EINVAL (no such space; no
 * message of the actor's begins there). */
int msgFree(int spaceLid, char* msg);

/* msgRemove(2K): a message that waits in the queue, put there with this priority, is taken out and is the
 * caller's actor's from now on. Does not wait; also from interrupt handlers. Errors: K_EINVAL (no such space
 * or queue, or the message is not there, or not with this priority). */
int msgRemove(int spaceLid, unsigned int msgQueueId, char* msg, unsigned int prio);

/* msgPoolStat(2K), msgQueueStat(2K): as of this moment. Errors: K_EINVAL (no such space, pool or queue),
 * K_EFAULT. */
int msgPoolStat(int spaceLid, unsigned int msgPoolId, KnMsgPoolStat* poolStat);
int msgQueueStat(int spaceLid, unsigned int msgQueueId, KnMsgQueueStat* queueStat);

#ifdef __cplusplus
}
#endif
