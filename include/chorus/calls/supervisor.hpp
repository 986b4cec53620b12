// Supervisor actors: LAPs, handlers, interrupts, physical memory: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_SUPERVISOR_LEAF_CALLS(CALL) \
    CALL(100, svLapCreate, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_ENOMEM K_EFULL", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(VmAddr, laphdl), CHORUS_VALUE(VmAddr, cookie), \
         CHORUS_VALUE(unsigned int, options), CHORUS_OUT(KnLapDesc, lapdesc)) \
    CALL(101, svLapUnbind, leaf, user, thread, "K_EINVAL K_ENOMEM K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_TEXT(name)) \
    CALL(102, svHandlerConnect, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_EBUSY", \
         CHORUS_VALUE(unsigned int, kind), CHORUS_IN_OPT(KnCap, actorcap), \
         CHORUS_VALUE(unsigned int, vectindex), CHORUS_IN(KnLapDesc, newhandler)) \
    CALL(103, svHandlerDisconnect, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_VALUE(unsigned int, kind), CHORUS_IN_OPT(KnCap, actorcap), \
         CHORUS_VALUE(unsigned int, vectindex), CHORUS_IN_OPT(KnLapDesc, curhandler)) \
    CALL(104, svHandlerGetConnected, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_VALUE(unsigned int, kind), CHORUS_IN_OPT(KnCap, actorcap), \
         CHORUS_VALUE(unsigned int, vectindex), CHORUS_OUT(KnLapDesc, curhandler))

#define CHORUS_SUPERVISOR_BLOCK_CALLS(CALL) \
    CALL(228, svLapDelete, block, user, thread, "K_EINVAL K_EFAULT K_EPRIV", CHORUS_IN(KnLapDesc, lapdesc)) \
    CALL(229, svLapBind, block, user, thread, "K_EINVAL K_ENOMEM K_EBUSY K_EFULL K_EFAULT K_EPRIV", \
         CHORUS_IN(KnLapDesc, lapdesc), CHORUS_TEXT(name), CHORUS_VALUE(unsigned int, options)) \
    CALL(230, lapResolve, block, user, thread, "K_EINVAL K_ENOMEM K_EUNKNOWN K_EABORT K_EFAULT", \
         CHORUS_OUT(KnLapDesc, lapdesc), CHORUS_TEXT(name), CHORUS_VALUE(unsigned int, options))
// clang-format on
