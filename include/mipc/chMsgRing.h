/* Message rings (extension): a stream of 64-bit words from one producer to one consumer, in memory that both
 * have: a message of a message space, a region that rgnMapFromActor made, or a variable of one actor. For
 * packet work, where a word says which packet it is. Putting and getting are a few instructions, all of them
 * here; the nucleus is asked only when one side sleeps.
 *
 *   KnMsgRing* ring = ...;                       K_MSGRINGSIZE(1024) bytes, the same ones for both
 *   msgRingInit(ring, 1024);                     one of them, before the other begins
 *
 *   KnMsgProducer out;                           KnMsgConsumer in;
 *   msgRingProducer(&out, ring, 1024);           msgRingConsumer(&in, ring, 1024);
 *   while (!msgRingPut(&out, word))              while (!msgRingGet(&in, &word))
 *       msgRingAwaitRoom(&out, K_NOTIMEOUT);         msgRingAwait(&in, K_NOTIMEOUT);
 *   msgRingWake(&out);
 *
 * Bursts go without a copy: msgRingReserve says where the next words of the ring are, the producer writes
 * them there, msgRingCommit publishes all of them with one store; msgRingPeek and msgRingRelease are the
 * consumer's side. Put and Commit do not wake a consumer that sleeps. msgRingWake does, after a burst or
 * after each word: while the consumer is awake it costs one store and one look.
 *
 * The two need not trust each other. Handles lie in each side's own memory, with everything that decides
 * which memory is touched: whatever the peer writes into the ring, the other side stays inside it, and gets
 * wrong words, no words, or waits that end early. It sleeps no longer than its time limit. A word is read
 * once.
 *
 * A position counts bytes since the ring was made and never starts anew; `place` + position is the address of
 * its word during one lap. `filled` and `emptied` are positions, each written by one side and read by the
 * other only when what it knew is used up:
 *
 *   producer                                    consumer
 *     A  the word                                 C  filled (acquire)
 *     B  filled = behind it (release)             D  the word
 *     G  emptied (acquire)                        E  reads the word before it tells
 *     H  another word in its place                F  emptied = behind it (seq_cst, which releases)
 * C that sees B's value: A is before D. G that sees F's value: E is before H.
 *
 * Nobody sleeps through a word: before it sleeps, the consumer writes that it does, then looks at `filled`;
 * the producer writes `filled`, then looks whether the consumer sleeps. All four are seq_cst, so one of them
 * sees the other's store. The same the other way round, for a producer that waits for room.
 * (tests/models/ring.pml) */
#pragma once

#include <sync/chSync.h>

#define K_MSGRINGMIN 8UL /* words that a ring may hold: a power of two */
#define K_MSGRINGMAX (1UL << 24)
#define K_MSGRINGALIGN 64UL                                      /* its address is a multiple of this */
#define K_MSGRINGSIZE(words) (sizeof(KnMsgRing) + 8UL * (words)) /* bytes */

/* Who sleeps and how it is woken; read by the other side, written only around a sleep. */
typedef struct KnMsgRingSleeper {
    unsigned int asleep;
    KnSyncWord bell;
} KnMsgRingSleeper;

/* Two lines, far enough apart that no CPU fetches one with the other, and a third that hardly changes. */
typedef struct KnMsgRing {
    unsigned long filled; /* the producer's */
    unsigned long unusedFilled[7];
    KnMsgRingSleeper consumer, producer;
    unsigned long unusedSleepers[6];
    unsigned long emptied; /* the consumer's */
    unsigned long unusedEmptied[15];
    /* the words */
} KnMsgRing;

/* Where a side is, in its own memory. A handle that stays a local variable stays in registers. */
typedef struct KnMsgProducer {
    unsigned long at;    /* position of the next word */
    unsigned long limit; /* up to there is room, as far as is known, and this lap */
    unsigned long place; /* plus a position of this lap: an address */
    unsigned long size;  /* of a lap, in bytes */
    KnMsgRing* ring;
} KnMsgProducer;

typedef struct KnMsgConsumer {
    unsigned long at;    /* position of the next word */
    unsigned long limit; /* up to there are words, as far as is known */
    unsigned long tell;  /* the position at which the producer is told, at the latest the end of the lap */
    unsigned long place; /* as the producer's */
    unsigned long size;
    KnMsgRing* ring;
} KnMsgConsumer;

/* A call would need the handle in memory. */
#define K_MSGRING_INLINE __attribute__((always_inline)) static inline

#ifdef __cplusplus
#define K_MSGRING_WORD(address) (reinterpret_cast<unsigned long*>(address))
#define K_MSGRING_READ(address) (reinterpret_cast<const volatile unsigned long*>(address)) /* once */
#define K_MSGRING_ADDRESS(ring) (reinterpret_cast<unsigned long>(ring))
extern "C" {
#else
#define K_MSGRING_WORD(address) ((unsigned long*)(address))
#define K_MSGRING_READ(address) ((const volatile unsigned long*)(address))
#define K_MSGRING_ADDRESS(ring) ((unsigned long)(ring))
#endif

/* ---- a ring and its two ends ------------------------------------------------------------------------- */

/* The rare part of what follows, for a handle's own numbers: not for programs. */
typedef struct KnMsgRingLap {
    unsigned long until; /* a limit, or when to tell */
    unsigned long place;
} KnMsgRingLap;

/* msgRingRoom (internal): up to where there is room behind `at`, after a look at how far the consumer is. */
KnMsgRingLap msgRingRoom(KnMsgRing* ring, unsigned long at, unsigned long size);

/* msgRingTold (internal): tells the producer that all before `at` is its own again; it wakes if it waits. */
KnMsgRingLap msgRingTold(KnMsgRing* ring, unsigned long at, unsigned long size);

/* msgRingRouse, msgRingSleep (internal): when there is a sleeper, and when there is nothing to do. */
int msgRingRouse(KnMsgRingSleeper* sleeper);
int msgRingSleep(KnMsgRingSleeper* self, const unsigned long* word, unsigned long nothingNew,
                 const KnTimeVal* waitLimit);

/* What a ring may be: K_OK or K_EINVAL. */
K_MSGRING_INLINE int msgRingCheck(const KnMsgRing* ring, unsigned long words) {
    return words < K_MSGRINGMIN || words > K_MSGRINGMAX || (words & (words - 1)) != 0 ||
                   K_MSGRING_ADDRESS(ring) % K_MSGRINGALIGN != 0
               ? K_EINVAL
               : K_OK;
}

/* msgRingInit: an empty ring of `words` words, which nobody uses yet. Errors: K_EINVAL (not a power of two
 * from K_MSGRINGMIN to K_MSGRINGMAX, alignment). */
K_MSGRING_INLINE int msgRingInit(KnMsgRing* ring, unsigned long words) {
    if (msgRingCheck(ring, words) != K_OK) return K_EINVAL;
    __builtin_memset(ring, 0, sizeof(*ring));
    return K_OK;
}

/* msgRingProducer, msgRingConsumer: the caller's handle for its end of the ring, of which it knows that it
 * has `words` words. A ring that was in use is gone on with where the last handle was: a consumer gets again
 * what the one before had not told (msgRingTell). Errors: as msgRingInit. */
K_MSGRING_INLINE int msgRingProducer(KnMsgProducer* producer, KnMsgRing* ring, unsigned long words) {
    unsigned long at;
    if (msgRingCheck(ring, words) != K_OK) return K_EINVAL;
    /* relaxed: the caller's own word; what it says decides only where in the ring one begins */
    at = __atomic_load_n(&ring->filled, __ATOMIC_RELAXED) & ~7UL;
    producer->at = producer->limit = at;
    producer->size = 8 * words;
    producer->place = K_MSGRING_ADDRESS(ring + 1) - (at & ~(producer->size - 1));
    producer->ring = ring;
    return K_OK;
}
K_MSGRING_INLINE int msgRingConsumer(KnMsgConsumer* consumer, KnMsgRing* ring, unsigned long words) {
    unsigned long at;
    if (msgRingCheck(ring, words) != K_OK) return K_EINVAL;
    /* relaxed: as the producer's */
    at = __atomic_load_n(&ring->emptied, __ATOMIC_RELAXED) & ~7UL;
    consumer->at = consumer->limit = at;
    consumer->size = 8 * words;
    consumer->place = K_MSGRING_ADDRESS(ring + 1) - (at & ~(consumer->size - 1));
    consumer->tell = (at | (consumer->size / 4 - 1)) + 1;
    consumer->ring = ring;
    return K_OK;
}

/* ---- the producer ------------------------------------------------------------------------------------ */

/* Whether there is room, after a look at how far the consumer is. */
K_MSGRING_INLINE int msgRingLookForRoom(KnMsgProducer* producer) {
    const KnMsgRingLap lap = msgRingRoom(producer->ring, producer->at, producer->size);
    producer->limit = lap.until;
    producer->place = lap.place;
    return producer->at < producer->limit;
}

/* msgRingPut: one word into the ring, to be seen by a consumer that looks. 1, or 0: the ring is full. */
K_MSGRING_INLINE int msgRingPut(KnMsgProducer* producer, unsigned long word) {
    if (__builtin_expect(producer->at >= producer->limit, 0) && !msgRingLookForRoom(producer)) return 0;
    producer->at += 8;
    *K_MSGRING_WORD(producer->place + producer->at - 8) = word;
    __atomic_store_n(&producer->ring->filled, producer->at, __ATOMIC_RELEASE); /* release: B of the table */
    return 1;
}

/* msgRingReserve: where the next words go, and in *count how many of the *count that are wanted fit there; 0:
 * the ring is full. Fewer may fit than there is room for, as the place ends with the lap: where both sides
 * always take the same power of two, each gets none or all. Nothing is kept: a later Reserve may be for more.
 */
K_MSGRING_INLINE unsigned long* msgRingReserve(KnMsgProducer* producer, unsigned long* count) {
    unsigned long room = producer->limit - producer->at;
    if (producer->at >= producer->limit || room < 8 * *count)
        room = msgRingLookForRoom(producer) ? producer->limit - producer->at : 0;
    if (*count > room / 8) *count = room / 8;
    return K_MSGRING_WORD(producer->place + producer->at);
}

/* msgRingCommit: publish so many words, at most as many as were reserved. */
K_MSGRING_INLINE void msgRingCommit(KnMsgProducer* producer, unsigned long count) {
    producer->at += 8 * count;
    __atomic_store_n(&producer->ring->filled, producer->at, __ATOMIC_RELEASE); /* release: B of the table */
}

/* msgRingWake: if the consumer sleeps, it wakes. Due after what it must not sleep through. */
K_MSGRING_INLINE void msgRingWake(KnMsgProducer* producer) {
    KnMsgRing* const ring = producer->ring;
    __atomic_store_n(&ring->filled, producer->at, __ATOMIC_SEQ_CST);
    if (__builtin_expect(__atomic_load_n(&ring->consumer.asleep, __ATOMIC_SEQ_CST) != 0, 0))
        msgRingRouse(&ring->consumer);
}

/* msgRingAwaitRoom: wait until there may be room (Put and Reserve tell), at most *waitLimit. The consumer is
 * woken first. Abortable. K_OK, K_ETIMEOUT (K_NOBLOCK: at once), K_EABORT, K_EINVAL (not a time), K_EFAULT.
 */
K_MSGRING_INLINE int msgRingAwaitRoom(KnMsgProducer* producer, const KnTimeVal* waitLimit) {
    msgRingWake(producer);
    return msgRingLookForRoom(producer) ? K_OK
                                        : msgRingSleep(&producer->ring->producer, &producer->ring->emptied,
                                                       producer->limit - producer->size, waitLimit);
}

/* ---- the consumer ------------------------------------------------------------------------------------ */

/* msgRingTell: the producer may have the room of all words that were taken; if it waits for room, it wakes.
 * Get does so by itself each quarter of a lap, so that three quarters are never missing, and Await before it
 * sleeps. */
K_MSGRING_INLINE void msgRingTell(KnMsgConsumer* consumer) {
    const KnMsgRingLap lap = msgRingTold(consumer->ring, consumer->at, consumer->size);
    consumer->tell = lap.until;
    consumer->place = lap.place;
}

/* Whether there are words, after a look at how far the producer is. */
K_MSGRING_INLINE int msgRingLookForWords(KnMsgConsumer* consumer) {
    /* acquire: C of the table */
    consumer->limit = __atomic_load_n(&consumer->ring->filled, __ATOMIC_ACQUIRE);
    return consumer->at < consumer->limit;
}

/* msgRingGet: the next word. 1, or 0: there is none. */
K_MSGRING_INLINE int msgRingGet(KnMsgConsumer* consumer, unsigned long* word) {
    if (consumer->at >= consumer->limit && !msgRingLookForWords(consumer)) return 0;
    consumer->at += 8;
    *word = *K_MSGRING_READ(consumer->place + consumer->at - 8);
    if (__builtin_expect(consumer->at >= consumer->tell, 0)) msgRingTell(consumer);
    return 1;
}

/* msgRingPeek: where the next words are, and in *count how many of the *count that are wanted are there; 0:
 * the ring is empty. They stay until msgRingRelease. Like msgRingReserve it ends with the lap. The producer
 * can still change them: who does not trust it copies before it checks. */
K_MSGRING_INLINE unsigned long* msgRingPeek(KnMsgConsumer* consumer, unsigned long* count) {
    const unsigned long lap = consumer->size - (consumer->at & (consumer->size - 1));
    unsigned long there = consumer->limit - consumer->at;
    if (consumer->at >= consumer->limit || there < 8 * *count)
        there = msgRingLookForWords(consumer) ? consumer->limit - consumer->at : 0;
    if (there > lap) there = lap;
    if (*count > there / 8) *count = there / 8;
    return K_MSGRING_WORD(consumer->place + consumer->at);
}

/* msgRingRelease: so many words, at most as many as were seen, are the producer's again. */
K_MSGRING_INLINE void msgRingRelease(KnMsgConsumer* consumer, unsigned long count) {
    consumer->at += 8 * count;
    msgRingTell(consumer);
}

/* msgRingAwait: wait until there may be words (Get and Peek tell), at most *waitLimit. Abortable. Results: as
 * msgRingAwaitRoom. */
K_MSGRING_INLINE int msgRingAwait(KnMsgConsumer* consumer, const KnTimeVal* waitLimit) {
    /* relaxed: the consumer's own word; a producer that writes there as well has no need to be told */
    if (__atomic_load_n(&consumer->ring->emptied, __ATOMIC_RELAXED) != consumer->at) msgRingTell(consumer);
    return msgRingLookForWords(consumer)
               ? K_OK
               : msgRingSleep(&consumer->ring->consumer, &consumer->ring->filled, consumer->limit, waitLimit);
}

#ifdef __cplusplus
}
#endif
