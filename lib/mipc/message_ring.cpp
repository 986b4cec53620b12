// Message rings: what is not inline. A sleeper's bell holds one unit at most. One that was rung for a sleep
// which ended otherwise (time limit, abort) stays, and ends the next sleep at once: the sleeper looks again,
// finds nothing, and sleeps.
#include "sync/word.hpp"

#include <mipc/chMsgRing.h>

using namespace chorale;

namespace {

// The lap that `at` is in: where it ends, and what makes addresses of its positions.
KnMsgRingLap lap_of(KnMsgRing* ring, unsigned long at, unsigned long size) {
    const unsigned long begin = at & ~(size - 1);
    return {begin + size, K_MSGRING_ADDRESS(ring + 1) - begin};
}

} // namespace

extern "C" {

KnMsgRingLap msgRingRoom(KnMsgRing* ring, unsigned long at, unsigned long size) {
    KnMsgRingLap lap = lap_of(ring, at, size);
    // acquire: G of the table in the header
    const unsigned long room = __atomic_load_n(&ring->emptied, __ATOMIC_ACQUIRE) + size;
    if (room < lap.until) lap.until = room;
    return lap;
}

KnMsgRingLap msgRingTold(KnMsgRing* ring, unsigned long at, unsigned long size) {
    KnMsgRingLap lap = lap_of(ring, at, size);
    __atomic_store_n(&ring->emptied, at, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ring->producer.asleep, __ATOMIC_SEQ_CST) != 0) [[unlikely]]
        msgRingRouse(&ring->producer);
    if (at + size / 4 < lap.until) lap.until = at + size / 4;
    return lap;
}

int msgRingRouse(KnMsgRingSleeper* sleeper) {
    // One of those who see it asleep rings. seq_cst: it is among what the header's last paragraph orders.
    if (__atomic_exchange_n(&sleeper->asleep, 0, __ATOMIC_SEQ_CST) == 0) return K_OK;
    return give_one(sleeper->bell) ? K_OK : give_slowly(sleeper->bell, 1);
}

int msgRingSleep(KnMsgRingSleeper* self, const unsigned long* word, unsigned long nothingNew,
                 const KnTimeVal* waitLimit) {
    int result = K_OK;
    __atomic_store_n(&self->asleep, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == nothingNew && !take_one(self->bell))
        result = syncTake(&self->bell, waitLimit, nullptr);
    // relaxed: who misses it rings in vain. After K_EFAULT the ring is no longer there.
    if (result != K_EFAULT) __atomic_store_n(&self->asleep, 0, __ATOMIC_RELAXED);
    return result;
}
}
