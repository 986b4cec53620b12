// Spin locks: interrupts off first, then the word.
#include <dki/f_dki.h>
#include <sync/chSpinLock.h>

#include <actor/machine.hpp>

extern "C" {

void svSpinLockInit(KnSpinLock* lock, KnSpinLockInfo*) {
    __atomic_store_n(&lock->locked, 0, __ATOMIC_SEQ_CST);
}

int svSpinLockTry(KnSpinLock* lock) {
    imsIntrMask_f();
    // acquire: pairs with the release in svSpinLockRel()
    if (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE) == 0) {
        return 1;
    }
    imsIntrUnmask_f();
    return 0;
}

// Interrupts come in while it waits.
void svSpinLockGet(KnSpinLock* lock) {
    while (svSpinLockTry(lock) == 0) {
        // relaxed: only a hint when to try again
        while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED) != 0) {
            chorale::machine::relax();
        }
    }
}

void svSpinLockRel(KnSpinLock* lock) {
    __atomic_store_n(&lock->locked, 0,
                     __ATOMIC_RELEASE); // release: pairs with the acquire in svSpinLockTry()
    imsIntrUnmask_f();
}

void svMaskedLockInit(KnMaskedSpinLock* lock, KnMaskedSpinLockInfo* info) { svSpinLockInit(lock, info); }
int svMaskedLockTry(KnMaskedSpinLock* lock) { return svSpinLockTry(lock); }
void svMaskedLockGet(KnMaskedSpinLock* lock) { svSpinLockGet(lock); }
void svMaskedLockRel(KnMaskedSpinLock* lock) { svSpinLockRel(lock); }

} // extern "C"
