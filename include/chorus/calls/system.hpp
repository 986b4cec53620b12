// The system: environment, console, statistics, a trace, the end: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_SYSTEM_LEAF_CALLS(CALL) \
    CALL(16, sysGetEnv, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_ENOMEM K_EFAULT", \
         CHORUS_TEXT(envName), CHORUS_OUT_BYTES(envValue), CHORUS_INOUT(unsigned int, size)) \
    CALL(17, sysSetEnv, leaf, user, thread, "K_EINVAL K_ENOMEM K_EFAULT", CHORUS_TEXT(envName), \
         CHORUS_TEXT(envValue)) \
    CALL(18, sysUnsetEnv, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", CHORUS_TEXT(envName)) \
    CALL(20, sysStatistics, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnSysStatistics, statistics)) \
    CALL(80, sysCpuStatistics, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_VALUE(KnCpuId, cpunb), \
         CHORUS_OUT(KnCpuStatistics, statistics)) \
    CALL(81, actorStatistics, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_OUT(KnActorStatistics, statistics)) \
    CALL(82, threadStatistics, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli), \
         CHORUS_OUT(KnThreadStatistics, statistics)) \
    CALL(85, sysPoll, leaf, user, thread, "K_EFAULT", CHORUS_OUT_BYTES(buf)) \
    CALL(83, sysLogWrite, leaf, user, thread, "K_EFAULT", CHORUS_IN_BYTES(text), \
         CHORUS_VALUE(unsigned int, size)) \
    CALL(84, sysLogRead, leaf, system, thread, "K_EFAULT K_EPRIV", CHORUS_INOUT(uint64_t, position), \
         CHORUS_OUT_BYTES(buf), CHORUS_VALUE(unsigned int, size))

#define CHORUS_SYSTEM_BLOCK_CALLS(CALL) \
    CALL(140, sysReboot, block, system, thread, "K_EINVAL K_EFAULT K_EPRIV", CHORUS_IN_OPT(KnRebootDesc, \
         rebootdesc)) \
    CALL(208, sysRead, block, user, thread, "K_EFAULT K_EABORT", CHORUS_OUT_BYTES(buf), \
         CHORUS_VALUE(unsigned int, nchar)) \
    CALL(209, traceStart, block, system, thread, "K_EINVAL K_ENOMEM K_EBUSY K_EPRIV", \
         CHORUS_VALUE(unsigned int, records)) \
    CALL(210, traceRead, block, system, thread, "K_EINVAL K_EFAULT K_EUNKNOWN K_EPRIV", \
         CHORUS_VALUE(unsigned int, cpu), CHORUS_OUT_BYTES(records), CHORUS_VALUE(unsigned int, count)) \
    CALL(211, traceStop, block, system, thread, "K_EUNKNOWN K_EPRIV") \
    CALL(144, sysWrite, block, user, thread, "K_EFAULT", CHORUS_IN_BYTES(buf), \
         CHORUS_VALUE(unsigned int, nchar))
// clang-format on
