// Time: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_TIME_LEAF_CALLS(CALL) \
    CALL(5, sysTime, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, time)) \
    CALL(6, sysTimeGetRes, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, resolution)) \
    CALL(48, sysCounterFrequency, leaf, user, thread, "K_EFAULT", CHORUS_OUT(uint64_t, frequency)) \
    CALL(49, univTime, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, curtime)) \
    CALL(50, univTimeSet, leaf, user, thread, "K_EINVAL K_EFAULT K_EPRIV", \
         CHORUS_OUT_OPT(KnTimeVal, oldtime), CHORUS_IN_OPT(KnTimeVal, newtime)) \
    CALL(51, univTimeAdjust, leaf, user, thread, "K_EINVAL K_EFAULT K_EPRIV", \
         CHORUS_OUT_OPT(KnTimeVal, olddelta), CHORUS_IN_OPT(KnTimeVal, newdelta)) \
    CALL(52, univTimeGetRes, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, resolution))

#define CHORUS_TIME_BLOCK_CALLS(CALL)
// clang-format on
