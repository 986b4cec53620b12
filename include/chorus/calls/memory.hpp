// Regions and virtual memory: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_MEMORY_LEAF_CALLS(CALL) \
    CALL(19, vmPageSize, leaf, user, thread, "") \
    CALL(64, rgnSetInherit, leaf, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_IN(KnRgnDesc, rgndesc)) \
    CALL(65, rgnSetOpaque, leaf, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_IN(KnRgnDesc, rgndesc)) \
    CALL(66, vmStat, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnVmStat, stat)) \
    CALL(67, vmSetPar, leaf, system, thread, "K_EINVAL K_EFAULT K_EPRIV", CHORUS_IN(KnVmPar, par)) \
    CALL(68, vmPhysAddr, leaf, system, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EADDR K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(VmAddr, virtaddress), CHORUS_OUT(PhAddr, physaddr)) \
    CALL(69, vmUnLock, leaf, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(VmAddr, address), CHORUS_VALUE(VmSize, size), \
         CHORUS_VALUE(VmFlags, flags))

#define CHORUS_MEMORY_BLOCK_CALLS(CALL) \
    CALL(141, rgnAllocate, block, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_ENOMEM K_EOVERLAP K_EADDR K_EROUND K_ESIZE", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_INOUT(KnRgnDesc, rgndesc)) \
    CALL(142, rgnFree, block, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM K_EABORT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_IN(KnRgnDesc, rgndesc)) \
    CALL(143, vmCopy, block, user, thread, "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, srcactorcap), CHORUS_VALUE(VmAddr, srcaddress), CHORUS_IN_OPT(KnCap, \
         dstactorcap), \
         CHORUS_VALUE(VmAddr, dstaddress), CHORUS_VALUE(VmSize, size), CHORUS_VALUE(VmFlags, flags)) \
    CALL(188, rgnSetProtect, block, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM K_EABORT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_IN(KnRgnDesc, rgndesc)) \
    CALL(189, rgnSetPaging, block, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_IN(KnRgnDesc, rgndesc)) \
    CALL(190, rgnDup, block, user, thread, "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, tgtactorcap), CHORUS_IN_OPT(KnCap, srcactorcap), CHORUS_VALUE(VmFlags, flags)) \
    CALL(191, rgnInitFromActor, block, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EOVERLAP K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, tgtactorcap), CHORUS_INOUT(KnRgnDesc, tgtrgndesc), \
         CHORUS_IN_OPT(KnCap, srcactorcap), CHORUS_IN(KnRgnDesc, srcrgndesc)) \
    CALL(192, rgnMapFromActor, block, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EOVERLAP K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, tgtactorcap), CHORUS_INOUT(KnRgnDesc, tgtrgndesc), \
         CHORUS_IN_OPT(KnCap, srcactorcap), CHORUS_IN(KnRgnDesc, srcrgndesc)) \
    CALL(193, rgnStat, block, user, thread, "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_IN(KnRgnDesc, rgndesc), CHORUS_OUT_BYTES(stat), \
         CHORUS_VALUE(unsigned int, buffsize)) \
    CALL(194, vmLock, block, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(VmAddr, address), CHORUS_VALUE(VmSize, size), \
         CHORUS_VALUE(VmFlags, flags)) \
    CALL(195, rgnMap, block, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_ENOMEM K_EOVERLAP K_EADDR K_EROUND K_ESIZE", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_INOUT(KnRgnDesc, rgndesc), CHORUS_IN(KnObjDesc, segdesc)) \
    CALL(196, rgnInit, block, user, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_ENOMEM K_EOVERLAP K_EADDR K_EROUND K_ESIZE", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_INOUT(KnRgnDesc, rgndesc), CHORUS_IN(KnObjDesc, segdesc)) \
    CALL(197, sgFlush, block, user, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_ENOMEM K_EROUND K_ESIZE K_EABORT K_ENOPORT K_ECRASH K_EFAIL", \
         CHORUS_IN(KnObjDesc, segdesc), CHORUS_VALUE(VmFlags, flags)) \
    CALL(198, sgRead, block, user, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_EADDR K_ENOMEM K_ESIZE K_EABORT K_ENOPORT K_ECRASH K_EFAIL", \
         CHORUS_IN(KnObjDesc, srcsegdesc), CHORUS_IN_OPT(KnCap, dstactorcap), \
         CHORUS_VALUE(VmAddr, dstaddress), CHORUS_VALUE(VmFlags, flags)) \
    CALL(199, sgWrite, block, user, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_EADDR K_ENOMEM K_ESIZE K_EABORT K_ENOPORT K_ECRASH K_EFAIL", \
         CHORUS_IN(KnObjDesc, dstsegdesc), CHORUS_IN_OPT(KnCap, srcactorcap), \
         CHORUS_VALUE(VmAddr, srcaddress), CHORUS_VALUE(VmFlags, flags)) \
    CALL(200, lcOpen, block, system, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_ENOMEM K_EFULL K_EPRIV", \
         CHORUS_IN(KnCap, sgcap), CHORUS_VALUE(VmFlags, flags), CHORUS_OUT(int, cachelip)) \
    CALL(201, lcClose, block, system, thread, "K_EINVAL K_EPRIV", CHORUS_VALUE(int, cacheli)) \
    CALL(202, lcCap, block, system, thread, "K_EINVAL K_EFAULT K_EPRIV", CHORUS_VALUE(int, cacheli), \
         CHORUS_OUT(KnCap, cachecap)) \
    CALL(203, lcRead, block, system, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_EADDR K_ENOMEM K_ESIZE K_EABORT K_ENOPORT K_ECRASH K_EFAIL " \
         "K_EPRIV", \
         CHORUS_VALUE(int, srccacheli), CHORUS_VALUE(VmOffset, srcoffset), \
         CHORUS_IN_OPT(KnCap, dstactorcap), CHORUS_VALUE(VmAddr, dstaddress), \
         CHORUS_INOUT(VmSize, sizep)) \
    CALL(204, lcWrite, block, system, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_EADDR K_ENOMEM K_ESIZE K_EABORT K_ENOPORT K_ECRASH K_EFAIL " \
         "K_EPRIV", \
         CHORUS_VALUE(int, dstcacheli), CHORUS_VALUE(VmOffset, dstoffset), \
         CHORUS_IN_OPT(KnCap, srcactorcap), CHORUS_VALUE(VmAddr, srcaddress), \
         CHORUS_INOUT(VmSize, sizep)) \
    CALL(205, vmMap, block, system, thread, \
         "K_EINVAL K_EPRIV K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EOVERLAP K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, srcactorcap), CHORUS_VALUE(VmAddr, srcaddress), CHORUS_IN_OPT(KnCap, \
         dstactorcap), \
         CHORUS_VALUE(VmAddr, dstaddress), CHORUS_VALUE(VmSize, size), CHORUS_VALUE(VmFlags, flags))
// clang-format on
