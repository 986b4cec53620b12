// Semaphores: counting ones, and those of threads.
#include "word.hpp"

#include <exec/chThreadSem.h>
#include <sync/chSem.h>

using namespace chorale;

extern "C" {

int semInit(KnSem* sem, unsigned int count) {
    if (count > K_SEMCOUNTMAX) {
        return K_EINVAL;
    }
    set_units(sem->smWord, count);
    return K_OK;
}

int semP(KnSem* sem, const KnTimeVal* waitLimit) {
    if (take(sem->smWord)) [[likely]] {
        return K_OK;
    }
    return syncTake(&sem->smWord, waitLimit, nullptr);
}

int semV(KnSem* sem) {
    if (give(sem->smWord)) [[likely]] {
        return K_OK;
    }
    return give_slowly(sem->smWord, most_units);
}

int threadSemInit(KnThSem* sem) {
    sem->tsOwner = syncSelf();
    set_units(sem->tsWord, 0);
    return K_OK;
}

int threadSemWait(KnThSem* sem, const KnTimeVal* waitLimit) {
    if (sem->tsOwner != syncSelf()) {
        return K_EINVAL;
    }
    if (take_one(sem->tsWord)) {
        return K_OK;
    }
    return syncTake(&sem->tsWord, waitLimit, nullptr);
}

int threadSemPost(KnThSem* sem) {
    if (give_one(sem->tsWord)) {
        return K_OK;
    }
    return give_slowly(sem->tsWord, 1);
}
}
