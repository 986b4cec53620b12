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
    CALL(11, ipcSysInfo, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_OUT(KnMsgHead, msghead)) \
    CALL(31, uiIsLocal, leaf, user, thread, "K_EFAULT", CHORUS_IN(KnUniqueId, ui)) \
    CALL(32, uiLocalSite, leaf, user, thread, "K_EFAULT", CHORUS_OUT(int, site)) \
    CALL(33, grpAllocate, leaf, user, thread, "K_EINVAL K_EFAULT K_EPRIV", CHORUS_VALUE(int, options), \
         CHORUS_OUT(KnCap, groupcap), CHORUS_VALUE(int, stamp)) \
    CALL(34, grpPortInsert, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EPRIV K_EFULL K_ENOMEM K_EFAULT", \
         CHORUS_IN(KnCap, groupcap), CHORUS_IN(KnUniqueId, portui)) \
    CALL(35, portDeclare, leaf, system, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_ENOMEM K_EFULL K_EBUSY K_EPRIV", CHORUS_IN_OPT(KnCap, actorcap), \
         CHORUS_IN(KnUniqueId, portui)) \
    CALL(44, ipcSave, leaf, user, thread, "K_EINVAL K_EFULL K_ENOMEM", CHORUS_VALUE(int, portli)) \
    CALL(45, ipcRestore, leaf, user, thread, "K_EINVAL", CHORUS_VALUE(int, msgid)) \
    CALL(46, portPi, leaf, system, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, portli), CHORUS_OUT_OPT(KnProtId, oldpi), \
         CHORUS_IN_OPT(KnProtId, newpi)) \
    CALL(47, portGetSeqNum, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, portli), CHORUS_OUT(KnEvtNum, seqnum))

#define CHORUS_IPC_BLOCK_CALLS(CALL) \
    CALL(155, ipcCallMessage, block, user, thread, \
         "K_EINVAL K_EFAULT K_ETOOMUCH K_EUNKNOWN K_EFULL K_ENOMEM K_ETIMEOUT K_EABORT K_ENOPORT K_ECRASH " \
         "K_EFAIL", \
         CHORUS_IN(KnMsgDesc, reqmsg), CHORUS_VALUE(int, reqsrc), CHORUS_IN(KnIpcDest, reqdest), \
         CHORUS_INOUT(KnMsgDesc, repmsg), CHORUS_VALUE(int, delay)) \
    CALL(129, ipcReceiveMessage, block, user, thread, \
         "K_EINVAL K_EFAULT K_ENOPORT K_ENOMEM K_ETIMEOUT K_EABORT", \
         CHORUS_INOUT(KnMsgDesc, msg), CHORUS_VALUE(int, portli), CHORUS_VALUE(int, delay)) \
    CALL(130, ipcReply, block, user, thread, "K_EINVAL K_EFAULT K_ETOOMUCH K_ENOMEM", \
         CHORUS_IN(KnMsgDesc, msg)) \
    CALL(131, ipcSendMessage, block, user, thread, \
         "K_EINVAL K_EFAULT K_ETOOMUCH K_EUNKNOWN K_EFULL K_ENOMEM", \
         CHORUS_IN(KnMsgDesc, msg), CHORUS_VALUE(int, msgsrc), CHORUS_IN(KnIpcDest, msgdest)) \
    CALL(132, portDelete, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EBUSY", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, portli)) \
    CALL(157, grpPortRemove, block, user, thread, "K_EINVAL K_EUNKNOWN K_EPRIV K_EFAULT", \
         CHORUS_IN(KnCap, groupcap), CHORUS_IN(KnUniqueId, portui)) \
    CALL(145, portEnable, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, portli), CHORUS_VALUE(int, priority)) \
    CALL(160, ipcGetData, block, user, thread, "K_EINVAL K_EFAULT", CHORUS_IN(KnMsgDesc, msg)) \
    CALL(161, portMigrate, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EFULL", \
         CHORUS_VALUE(int, options), CHORUS_IN_OPT(KnCap, srcactorcap), CHORUS_VALUE(int, portli), \
         CHORUS_IN_OPT(KnCap, dstactorcap), CHORUS_OUT_OPT(KnEvtNum, seqnum)) \
    CALL(162, portStat, block, system, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(unsigned int, options), CHORUS_OUT_BYTES(stat), \
         CHORUS_VALUE(unsigned int, buffsize))
// clang-format on
