// Mutexes of both kinds. At most twelve instructions each way while nobody waits (bench: mutex).
#include "word.hpp"

#include <sync/chMutex.h>
#include <sync/chRtMutex.h>

using namespace chorale;

extern "C" {

int mutexInit(KnMutex* mutex) {
    set_units(mutex->mtWord, 1);
    return K_OK;
}

int mutexGet(KnMutex* mutex) {
    if (take_one(mutex->mtWord)) [[likely]] {
        return K_OK;
    }
    return syncTake(&mutex->mtWord, K_NOTIMEOUT_NOABORT, nullptr);
}

int mutexRel(KnMutex* mutex) {
    if (give_one(mutex->mtWord)) [[likely]] {
        return K_OK;
    }
    return give_slowly(mutex->mtWord, 1);
}

int mutexTry(KnMutex* mutex) { return take_one(mutex->mtWord) ? 1 : 0; }

int rtMutexInit(KnRtMutex* mutex) {
    *mutex = K_KNRTMUTEX_INITIALIZER;
    return K_OK;
}
}
