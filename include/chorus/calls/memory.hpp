// Regions and virtual memory: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_MEMORY_LEAF_CALLS(CALL) \
    CALL(19, vmPageSize, leaf, user, thread, "")

#define CHORUS_MEMORY_BLOCK_CALLS(CALL) \
    CALL(141, rgnAllocate, block, user, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_ENOMEM K_EOVERLAP K_EADDR K_EROUND K_ESIZE", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_INOUT(KnRgnDesc, rgndesc)) \
    CALL(142, rgnFree, block, user, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_IN(KnRgnDesc, rgndesc)) \
    CALL(143, vmCopy, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EADDR", \
         CHORUS_IN_OPT(KnCap, srcactorcap), CHORUS_VALUE(VmAddr, srcaddress), CHORUS_IN_OPT(KnCap, \
         dstactorcap), \
         CHORUS_VALUE(VmAddr, dstaddress), CHORUS_VALUE(VmSize, size), CHORUS_VALUE(VmFlags, flags))
// clang-format on
