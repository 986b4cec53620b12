/* Spin locks, for supervisor actors. ChorusOS 5.0 svSpinLockInit(2K), svMaskedLockInit(2K).
 *
 * A lock lies in memory of the supervisor space. Its holder has interrupts masked, so nothing takes its CPU
 * away; both kinds do that here, the masked one by contract. Sections are short, and the only nucleus calls
 * in them are those that never block. Library functions: the nucleus is not entered. */
#pragma once

#include <chorus/types.h>

typedef struct KnSpinLock {
    unsigned int locked;
} KnSpinLock;
typedef KnSpinLock KnMaskedSpinLock;

typedef struct KnSpinLockInfo {
    const char* name; /* reserved */
} KnSpinLockInfo;
typedef KnSpinLockInfo KnMaskedSpinLockInfo;

#ifdef __cplusplus
extern "C" {
#endif

/* Init: free. info is reserved and may be null. Get: wait until the lock is free and take it. Try: 1 when it
 * was free and is taken now, else 0. Rel: by the holder; preemption that has become due comes then. */
void svSpinLockInit(KnSpinLock* lockaddr, KnSpinLockInfo* info);
void svSpinLockGet(KnSpinLock* lockaddr);
int svSpinLockTry(KnSpinLock* lockaddr);
void svSpinLockRel(KnSpinLock* lockaddr);

void svMaskedLockInit(KnMaskedSpinLock* lockaddr, KnMaskedSpinLockInfo* info);
void svMaskedLockGet(KnMaskedSpinLock* lockaddr);
int svMaskedLockTry(KnMaskedSpinLock* lockaddr);
void svMaskedLockRel(KnMaskedSpinLock* lockaddr);

#ifdef __cplusplus
}
#endif
