// Synchronisation: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_SYNC_LEAF_CALLS(CALL) \
    CALL(40, syncSelf, leaf, user, thread, "") \
    CALL(41, syncGive, leaf, user, interrupt, "K_EINVAL K_EFAULT", CHORUS_INOUT(KnSyncWord, word), \
         CHORUS_VALUE(unsigned int, most)) \
    CALL(42, rtMutexRel, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_INOUT(KnRtMutex, mutex)) \
    CALL(43, rtMutexTry, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_INOUT(KnRtMutex, mutex))

#define CHORUS_SYNC_BLOCK_CALLS(CALL) \
    CALL(164, syncTake, block, user, thread, "K_EINVAL K_EFAULT K_ETIMEOUT K_EABORT", \
         CHORUS_INOUT(KnSyncWord, word), CHORUS_IN_OPT(KnTimeVal, waitLimit), \
         CHORUS_IN_OPT(KnSyncWord, release)) \
    CALL(165, eventAwait, block, user, thread, "K_EINVAL K_EFAULT K_ETIMEOUT K_EABORT", \
         CHORUS_INOUT(KnEventSet, eventSet), CHORUS_VALUE(unsigned int, mask), CHORUS_VALUE(int, operation), \
         CHORUS_IN_OPT(KnTimeVal, waitLimit)) \
    CALL(166, eventNotify, block, user, interrupt, "K_EINVAL K_EFAULT", CHORUS_INOUT(KnEventSet, eventSet)) \
    CALL(167, rtMutexGet, block, user, thread, "K_EINVAL K_EFAULT K_EBUSY", CHORUS_INOUT(KnRtMutex, mutex))
// clang-format on
