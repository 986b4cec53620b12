// Supervisor actors: LAPs, handlers, interrupts, physical memory: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_SUPERVISOR_LEAF_CALLS(CALL) \
    CALL(92, svSysPanic, leaf, supervisor, thread, "K_EPRIV", CHORUS_VALUE(unsigned int, panicNo), \
         CHORUS_IN_BYTES(args), CHORUS_VALUE(unsigned int, argsSize), CHORUS_TEXT(mess), \
         CHORUS_TEXT(fileName), CHORUS_VALUE(int, lineNumber)) \
    CALL(93, svPhysAlloc, leaf, supervisor, thread, "K_EINVAL K_ESIZE K_ENOMEM K_EFAULT K_EPRIV", \
         CHORUS_INOUT(KnPhMemChunk, chunk), CHORUS_IN_OPT(KnPhMemAlign, align)) \
    CALL(94, svPhysFree, leaf, supervisor, thread, "K_EINVAL K_EFAULT K_EPRIV", \
         CHORUS_IN(KnPhMemChunk, chunk)) \
    CALL(95, svIntrConnect, leaf, supervisor, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_ENOMEM K_EPRIV", \
         CHORUS_VALUE(CpuIntr, intr), CHORUS_VALUE(VmAddr, handler), CHORUS_VALUE(VmAddr, cookie), \
         CHORUS_OUT(CpuIntrId, intrId)) \
    CALL(96, svIntrMask, leaf, supervisor, interrupt, "K_EINVAL K_EPRIV", CHORUS_VALUE(CpuIntrId, intrId), \
         CHORUS_VALUE(int, masked)) \
    CALL(97, svActorEndNotice, leaf, supervisor, thread, \
         "K_EINVAL K_EUNKNOWN K_EBUSY K_ENOMEM K_EFAULT K_EPRIV", CHORUS_IN_OPT(KnCap, actorcap), \
         CHORUS_IN_OPT(KnUniqueId, portui), CHORUS_VALUE(uint64_t, cookie)) \
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
         CHORUS_VALUE(unsigned int, vectindex), CHORUS_OUT(KnLapDesc, curhandler)) \
    CALL(105, svGetInvoker, leaf, user, thread, "K_EINVAL K_EFAULT K_EPRIV", CHORUS_OUT(KnCap, actorcap))

#define CHORUS_SUPERVISOR_BLOCK_CALLS(CALL) \
    CALL(216, svPagesAllocate, block, supervisor, interrupt, \
         "K_EINVAL K_EUNKNOWN K_ESIZE K_ENOMEM K_EFAULT K_EPRIV", CHORUS_OUT(VmAddr, address), \
         CHORUS_VALUE(VmSize, size), CHORUS_VALUE(VmFlags, flags), CHORUS_IN_OPT(KnCap, actcap)) \
    CALL(217, svPagesFree, block, supervisor, thread, "K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM K_EPRIV", \
         CHORUS_VALUE(VmAddr, address), CHORUS_VALUE(VmSize, size)) \
    CALL(218, svPhysMap, block, supervisor, thread, \
         "K_EINVAL K_EROUND K_ESIZE K_EADDR K_ENOMEM K_EFAULT K_EPRIV", \
         CHORUS_INOUT(KnPhMemChunk, chunk), CHORUS_VALUE(PteCntlBits, cntlBits)) \
    CALL(219, svPhysUnmap, block, supervisor, thread, \
         "K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM K_EFAULT K_EPRIV", CHORUS_IN(KnPhMemChunk, chunk)) \
    CALL(220, svIntrDetach, block, supervisor, thread, "K_EINVAL K_EPRIV", CHORUS_VALUE(CpuIntrId, intrId)) \
    CALL(228, svLapDelete, block, user, thread, "K_EINVAL K_EFAULT K_EPRIV", CHORUS_IN(KnLapDesc, lapdesc)) \
    CALL(229, svLapBind, block, user, thread, "K_EINVAL K_ENOMEM K_EBUSY K_EFULL K_EFAULT K_EPRIV", \
         CHORUS_IN(KnLapDesc, lapdesc), CHORUS_TEXT(name), CHORUS_VALUE(unsigned int, options)) \
    CALL(230, lapResolve, block, user, thread, "K_EINVAL K_ENOMEM K_EUNKNOWN K_EABORT K_EFAULT", \
         CHORUS_OUT(KnLapDesc, lapdesc), CHORUS_TEXT(name), CHORUS_VALUE(unsigned int, options)) \
    CALL(231, lapInvoke, block, user, thread, "K_EINVAL K_EFAULT K_EABORT K_EFAIL K_ENOMEM", \
         CHORUS_IN(KnLapDesc, lapdesc), CHORUS_VALUE(VmAddr, arg)) \
    CALL(232, lapComeHome, block, user, thread, "") \
    CALL(221, svMsgHandler, block, supervisor, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_EBUSY K_ENOMEM K_EFULL", CHORUS_IN_OPT(KnCap, actorcap), \
         CHORUS_VALUE(int, portli), CHORUS_VALUE(VmAddr, handler), CHORUS_VALUE(unsigned int, stacksize), \
         CHORUS_VALUE(VmAddr, cookie)) \
    CALL(222, svMsgHdlReply, block, supervisor, thread, \
         "K_EINVAL K_EFAULT K_ETOOMUCH K_ENOMEM K_EPRIV", CHORUS_IN(KnMsgDesc, msg))
// clang-format on
