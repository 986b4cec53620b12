// Actors and threads: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_CORE_LEAF_CALLS(CALL) \
    CALL(2, nullCall, leaf, user, thread, "") \
    CALL(3, threadSelf, leaf, user, thread, "") \
    CALL(4, actorSelf, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnCap, actorcap)) \
    CALL(12, threadCreate, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_ENOMEM K_EFULL", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_OUT(KnThreadLid, threadli), \
         CHORUS_VALUE(KnThreadStatus, status), \
         CHORUS_IN_OPT(KnThreadDefSched, schedparam), CHORUS_IN(KnDefaultStartInfo_f, startinfo)) \
    CALL(13, threadAborted, leaf, user, thread, "") \
    CALL(14, actorCreate, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_ENOMEM K_EFULL", \
         CHORUS_IN_OPT(KnCap, actorinit), CHORUS_OUT(KnCap, actorcap), CHORUS_VALUE(KnActorPrivilege, \
         privilege), \
         CHORUS_VALUE(KnActorStatus, status)) \
    CALL(15, actorName, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_OUT_BYTES(oldname), CHORUS_TEXT(newname)) \
    CALL(21, cpuSelf, leaf, user, thread, "") \
    CALL(22, actorPrivilege, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_OUT_OPT(KnActorPrivilege, oldpriv), \
         CHORUS_IN_OPT(KnActorPrivilege, newpriv)) \
    CALL(23, threadName, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli), CHORUS_OUT_BYTES(oldname), \
         CHORUS_TEXT(newname)) \
    CALL(24, threadPrivateLoad, leaf, user, thread, "any", CHORUS_VALUE(unsigned int, slot)) \
    CALL(25, threadPrivateStore, leaf, user, thread, "any", CHORUS_VALUE(unsigned int, slot), \
         CHORUS_VALUE(long, value)) \
    CALL(26, siteKeyCreate, leaf, system, thread, "K_EFULL K_EFAULT K_EPRIV", CHORUS_OUT(PdKey, pkey), \
         CHORUS_IN_OPT(KnLapDesc, destructor)) \
    CALL(27, siteKeyDelete, leaf, system, thread, "K_EINVAL K_EPRIV", CHORUS_VALUE(PdKey, key)) \
    CALL(28, siteDataSet, leaf, system, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(PdKey, key), CHORUS_VALUE(uint64_t, value)) \
    CALL(29, siteDataGet, leaf, system, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(PdKey, key), CHORUS_OUT(uint64_t, value)) \
    CALL(30, actorPi, leaf, system, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_OUT_OPT(KnProtId, oldpi), CHORUS_IN_OPT(KnProtId, newpi))

#define CHORUS_CORE_BLOCK_CALLS(CALL) \
    CALL(133, threadDelay, block, user, thread, "K_EINVAL K_EFAULT K_ETIMEOUT K_EABORT", \
         CHORUS_IN_OPT(KnTimeVal, waitLimit)) \
    CALL(134, threadActivate, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli)) \
    CALL(135, threadDelete, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_EBUSY", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli)) \
    CALL(136, threadAbort, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli)) \
    CALL(137, threadBind, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli), CHORUS_VALUE(KnCpuId, \
         newcpunb), \
         CHORUS_OUT_OPT(KnCpuId, oldcpunb), CHORUS_VALUE(KnBindId, bindid)) \
    CALL(138, threadScheduler, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli), \
         CHORUS_OUT_OPT(KnThreadDefSched, oldparam), \
         CHORUS_IN_OPT(KnThreadDefSched, newparam)) \
    CALL(139, actorDelete, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_EBUSY", \
         CHORUS_IN_OPT(KnCap, actorcap)) \
    CALL(146, actorStop, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap)) \
    CALL(147, actorStart, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap)) \
    CALL(148, actorStat, block, system, thread, "K_EINVAL K_EFAULT K_EPRIV", \
         CHORUS_VALUE(unsigned int, options), CHORUS_OUT_BYTES(stat), CHORUS_VALUE(unsigned int, buffsize)) \
    CALL(149, threadStop, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli)) \
    CALL(150, threadStart, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli)) \
    CALL(151, threadSuspend, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli)) \
    CALL(152, threadResume, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli)) \
    CALL(153, threadContext, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli), \
         CHORUS_VALUE(unsigned int, type), CHORUS_OUT_BYTES(oldcontext), CHORUS_IN_BYTES(newcontext)) \
    CALL(154, threadStat, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(unsigned int, options), CHORUS_OUT_BYTES(stat), \
         CHORUS_VALUE(unsigned int, buffsize)) \
    CALL(156, threadTimes, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli), \
         CHORUS_OUT_OPT(KnTimeVal, internal), CHORUS_OUT_OPT(KnTimeVal, external))
// clang-format on
