// Ports and messages: part of the call list (chorus/calls.hpp).
#pragma once

// clang-format off
#define CHORUS_IPC_LEAF_CALLS(CALL) \
    CALL(7, portCreate, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_ENOMEM K_EFULL", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_OUT(KnUniqueId, portui)) \
    CALL(8, portDisable, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, portli)) \
    CALL(9, portUi, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_OUT(KnUniqueId, portui), \
         CHORUS_VALUE(int, portli)) \
    CALL(10, portLi, leaf, user, thread, "K_EUNKNOWN K_EFAULT", CHORUS_IN(KnUniqueId, portui)) \
    CALL(11, ipcSysInfo, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_OUT(KnMsgHead, msghead))

#define CHORUS_IPC_BLOCK_CALLS(CALL) \
    CALL(128, ipcCallMessage, block, user, thread, \
         "K_EINVAL K_EFAULT K_ETOOMUCH K_EUNKNOWN K_EFULL K_ENOMEM K_ETIMEOUT K_EABORT K_ENOPORT K_ECRASH " \
         "K_EFAIL", \
         CHORUS_IN(KnMsgDesc, reqmsg), CHORUS_VALUE(int, reqsrc), CHORUS_IN(KnIpcDest, reqdest), \
         CHORUS_INOUT(KnMsgDesc, repmsg), CHORUS_VALUE(int, delay)) \
    CALL(129, ipcReceiveMessage, block, user, thread, \
         "K_EINVAL K_EFAULT K_ENOPORT K_ENOMEM K_ETIMEOUT K_EABORT", \
         CHORUS_INOUT(KnMsgDesc, msg), CHORUS_VALUE(int, portli), CHORUS_VALUE(int, delay)) \
    CALL(130, ipcReply, block, user, thread, "K_EINVAL K_EFAULT K_ETOOMUCH K_ENOMEM", \
         CHORUS_IN(KnMsgDesc, msg)) \
    CALL(131, ipcSend, block, user, thread, "K_EINVAL K_EFAULT K_ETOOMUCH K_EUNKNOWN K_EFULL K_ENOMEM", \
         CHORUS_IN(KnMsgDesc, msg), CHORUS_VALUE(int, msgsrc), CHORUS_IN(KnIpcDest, msgdest)) \
    CALL(132, portDelete, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, portli)) \
    CALL(145, portEnable, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, portli), CHORUS_VALUE(int, priority))
// clang-format on
