// Message spaces: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_MIPC_LEAF_CALLS(CALL) \
    CALL(106, msgPut, leaf, user, interrupt, "K_EINVAL", CHORUS_VALUE(int, spaceLid), \
         CHORUS_VALUE(unsigned int, msgQueueId), CHORUS_VALUE(char*, msg), CHORUS_VALUE(unsigned int, prio)) \
    CALL(107, msgFree, leaf, user, interrupt, "K_EINVAL", CHORUS_VALUE(int, spaceLid), \
         CHORUS_VALUE(char*, msg)) \
    CALL(108, msgRemove, leaf, user, interrupt, "K_EINVAL", CHORUS_VALUE(int, spaceLid), \
         CHORUS_VALUE(unsigned int, msgQueueId), CHORUS_VALUE(char*, msg), CHORUS_VALUE(unsigned int, prio)) \
    CALL(109, msgPoolStat, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_VALUE(int, spaceLid), \
         CHORUS_VALUE(unsigned int, msgPoolId), CHORUS_OUT(KnMsgPoolStat, poolStat)) \
    CALL(110, msgQueueStat, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_VALUE(int, spaceLid), \
         CHORUS_VALUE(unsigned int, msgQueueId), CHORUS_OUT(KnMsgQueueStat, queueStat))

#define CHORUS_MIPC_BLOCK_CALLS(CALL) \
    CALL(233, msgSpaceCreate, block, user, thread, \
         "K_EINVAL K_EBUSY K_ENOMEM K_EFULL K_EFAULT K_EABORT K_EUNKNOWN", \
         CHORUS_VALUE(KnMsgSpaceId, spaceGid), CHORUS_VALUE(unsigned int, msgQueueNb), \
         CHORUS_VALUE(unsigned int, msgPoolNb), CHORUS_IN(KnMsgPool, msgPools)) \
    CALL(234, msgSpaceOpen, block, user, thread, "K_EINVAL K_ENOMEM K_EFULL K_EABORT K_EUNKNOWN", \
         CHORUS_VALUE(KnMsgSpaceId, spaceGid)) \
    CALL(235, msgAllocate, block, user, thread, "K_EINVAL K_ETIMEOUT K_EABORT K_EUNKNOWN K_EFAULT", \
         CHORUS_VALUE(int, spaceLid), CHORUS_VALUE(unsigned int, poolIndex), \
         CHORUS_VALUE(unsigned int, msgSize), CHORUS_IN_OPT(KnTimeVal, waitLimit), \
         CHORUS_OUT(char*, msgAddr)) \
    CALL(236, msgGet, block, user, thread, "K_EINVAL K_ETIMEOUT K_EABORT K_EUNKNOWN K_EFAULT", \
         CHORUS_VALUE(int, spaceLid), CHORUS_VALUE(unsigned int, msgQueueId), \
         CHORUS_IN_OPT(KnTimeVal, waitLimit), CHORUS_OUT(char*, msgAddr), \
         CHORUS_OUT_OPT(KnUniqueId, srcActor)) \
    CALL(237, msgGetAny, block, user, thread, "K_EINVAL K_ETIMEOUT K_EABORT K_EUNKNOWN K_EFAULT", \
         CHORUS_VALUE(int, spaceLid), CHORUS_OUT_OPT(unsigned int, msgQueueId), \
         CHORUS_IN_OPT(KnTimeVal, waitLimit), CHORUS_OUT(char*, msgAddr), \
         CHORUS_OUT_OPT(KnUniqueId, srcActor))
// clang-format on
