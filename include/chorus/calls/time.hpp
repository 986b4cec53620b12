// Time: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_TIME_LEAF_CALLS(CALL) \
    CALL(5, sysTime, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, time)) \
    CALL(6, sysTimeGetRes, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, resolution))

#define CHORUS_TIME_BLOCK_CALLS(CALL)
// clang-format on
