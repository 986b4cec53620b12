// Time: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_TIME_LEAF_CALLS(CALL) \
    CALL(5, sysTime, leaf, user, interrupt, "K_EFAULT", CHORUS_OUT(KnTimeVal, time)) \
    CALL(6, sysTimeGetRes, leaf, user, interrupt, "K_EFAULT", CHORUS_OUT(KnTimeVal, resolution)) \
    CALL(48, sysCounterFrequency, leaf, user, interrupt, "K_EFAULT", CHORUS_OUT(uint64_t, frequency)) \
    CALL(49, univTime, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, curtime)) \
    CALL(50, univTimeSet, leaf, user, thread, "K_EINVAL K_EFAULT K_EPRIV", \
         CHORUS_OUT_OPT(KnTimeVal, oldtime), CHORUS_IN_OPT(KnTimeVal, newtime)) \
    CALL(51, univTimeAdjust, leaf, user, thread, "K_EINVAL K_EFAULT K_EPRIV", \
         CHORUS_OUT_OPT(KnTimeVal, olddelta), CHORUS_IN_OPT(KnTimeVal, newdelta)) \
    CALL(52, univTimeGetRes, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, resolution)) \
    CALL(53, timerThreadPoolInit, leaf, user, thread, "K_EFAULT K_ENOMEM K_EFULL", \
         CHORUS_INOUT(KnThreadPool, threadPool)) \
    CALL(54, timerCreate, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_ENOMEM K_EFULL", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, clock), CHORUS_IN(KnThreadPool, threadPool), \
         CHORUS_VALUE(uintptr_t, cookie), CHORUS_OUT(int, timerLi)) \
    CALL(55, timerSet, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", CHORUS_IN_OPT(KnCap, actorcap), \
         CHORUS_VALUE(int, timerLi), CHORUS_VALUE(int, flags), CHORUS_IN_OPT(KnITimer, newit), \
         CHORUS_OUT_OPT(KnITimer, oldit)) \
    CALL(56, timerDelete, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, timerLi)) \
    CALL(57, timerGetRes, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_VALUE(int, clock), \
         CHORUS_OUT(KnTimeVal, resolution)) \
    CALL(58, sysWatchdog, leaf, system, thread, "K_EINVAL K_EFAULT K_EPRIV K_EFULL K_EBUSY", \
         CHORUS_VALUE(unsigned int, operation), CHORUS_INOUT(KnWatchdog, watchdog)) \
    CALL(59, svSysTimeoutSet, leaf, supervisor, interrupt, "K_EINVAL K_EFAULT K_EPRIV K_ENOMEM", \
         CHORUS_VALUE(VmAddr, timeout), CHORUS_IN(KnTimeVal, waitLimit), CHORUS_VALUE(int, flag), \
         CHORUS_IN(KnLapDesc, lapdesc)) \
    CALL(60, svSysTimeoutCancel, leaf, supervisor, interrupt, "K_EINVAL K_EBUSY K_EPRIV", \
         CHORUS_VALUE(VmAddr, timeout)) \
    CALL(61, svTimeoutGetRes, leaf, user, interrupt, "K_EFAULT", CHORUS_OUT(KnTimeVal, resolution)) \
    CALL(62, virtualTimeGetRes, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, resolution)) \
    CALL(63, svActorVirtualTimeoutCancel, leaf, supervisor, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(VmAddr, vtimeout))

#define CHORUS_TIME_BLOCK_CALLS(CALL) \
    CALL(176, timerThreadPoolWait, block, user, thread, "K_EINVAL K_EFAULT K_ETIMEOUT K_EABORT", \
         CHORUS_IN(KnThreadPool, threadPool), CHORUS_OUT_OPT(uintptr_t, cookie), \
         CHORUS_OUT_OPT(int, overrun), CHORUS_IN_OPT(KnTimeVal, waitLimit)) \
    CALL(177, svThreadVirtualTimeoutSet, block, supervisor, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_ENOMEM K_EFULL", CHORUS_IN_OPT(KnCap, actorcap), \
         CHORUS_VALUE(KnThreadLid, threadli), CHORUS_VALUE(VmAddr, vtimeout), CHORUS_IN(KnTimeVal, cputime), \
         CHORUS_VALUE(int, flag), CHORUS_IN(KnLapDesc, lapdesc)) \
    CALL(178, svThreadVirtualTimeoutCancel, block, supervisor, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", CHORUS_IN_OPT(KnCap, actorcap), \
         CHORUS_VALUE(KnThreadLid, threadli), CHORUS_VALUE(VmAddr, vtimeout)) \
    CALL(179, svActorVirtualTimeoutSet, block, supervisor, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_ENOMEM K_EFULL", CHORUS_IN_OPT(KnCap, actorcap), \
         CHORUS_VALUE(VmAddr, vtimeout), CHORUS_IN(KnTimeVal, cputime), CHORUS_VALUE(int, flag), \
         CHORUS_IN(KnLapDesc, lapdesc))
// clang-format on
