// The one list of nucleus calls. From it come the dispatch table (kernel/call/table.cpp), the user stubs
// (lib/chorus/stubs.cpp), the trace names and, later, manual pages and the fuzzer's grammar.
//
// An entry: CALL(number, name, flow, privilege, level, errors, arguments…)
//   flow       fast   0 and 1: the register message path (docs/fast-path.md)
//              leaf   never blocks: runs on the short entry, its result comes back in the same registers
//              block  may block or switch threads: runs on the full entry
//   privilege  user | system (SYSTEM actors and supervisor threads only)
//   level      thread | interrupt (may also be called from interrupt handlers)
//   errors     every code that the call itself can return
//   arguments  in order, at most six: value<T>, in<T>, in_opt<T>, out<T>, out_opt<T>, inout<T>, in_bytes,
//              out_bytes, text
//
// Numbers are dense within their class: fast 0–1, leaf 2–63, block 64–127.
#pragma once

#include <chorus.h>

#include <cstddef>
#include <cstdint>

namespace chorus {

enum class Flow : std::uint8_t { fast, leaf, block };
enum class Privilege : std::uint8_t { user, system };
enum class Level : std::uint8_t { thread, interrupt };
enum class Direction : std::uint8_t { value, in, in_opt, out, out_opt, inout, in_bytes, out_bytes, text };

struct ArgumentInfo {
    Direction direction{};
    const char* name{};
    const char* type{};
    std::size_t size{};  // of the object or of the value; 0 where another argument gives the length
};

inline constexpr unsigned first_leaf_call = 2;
inline constexpr unsigned first_block_call = 64;
inline constexpr unsigned call_limit = 128;

}  // namespace chorus

#define CHORUS_VALUE(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::value, #name, #type, sizeof(type) }
#define CHORUS_IN(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::in, #name, #type, sizeof(type) }
#define CHORUS_IN_OPT(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::in_opt, #name, #type, sizeof(type) }
#define CHORUS_OUT(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::out, #name, #type, sizeof(type) }
#define CHORUS_OUT_OPT(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::out_opt, #name, #type, sizeof(type) }
#define CHORUS_INOUT(type, name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::inout, #name, #type, sizeof(type) }
#define CHORUS_IN_BYTES(name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::in_bytes, #name, "const void*", 0 }
#define CHORUS_OUT_BYTES(name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::out_bytes, #name, "void*", 0 }
#define CHORUS_TEXT(name) \
    ::chorus::ArgumentInfo { ::chorus::Direction::text, #name, "const char*", 0 }

// clang-format off
#define CHORUS_LEAF_CALLS(CALL) \
    CALL(2, nullCall, leaf, user, thread, "") \
    CALL(3, threadSelf, leaf, user, thread, "") \
    CALL(4, actorSelf, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnCap, actorcap)) \
    CALL(5, sysTime, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, time)) \
    CALL(6, sysTimeGetRes, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnTimeVal, resolution)) \
    CALL(7, portCreate, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_ENOMEM K_EFULL", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_OUT(KnUniqueId, portui)) \
    CALL(8, portDisable, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, portli)) \
    CALL(9, portUi, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_OUT(KnUniqueId, portui), \
         CHORUS_VALUE(int, portli)) \
    CALL(10, portLi, leaf, user, thread, "K_EUNKNOWN K_EFAULT", CHORUS_IN(KnUniqueId, portui)) \
    CALL(11, ipcSysInfo, leaf, user, thread, "K_EINVAL K_EFAULT", CHORUS_OUT(KnMsgHead, msghead)) \
    CALL(12, threadCreate, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_ENOMEM K_EFULL", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_OUT(KnThreadLid, threadli), \
         CHORUS_VALUE(KnThreadStatus, status), \
         CHORUS_IN_OPT(KnFifoThParms, schedparam), CHORUS_IN(KnDefaultStartInfo_f, startinfo)) \
    CALL(13, threadAborted, leaf, user, thread, "") \
    CALL(14, actorCreate, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_ENOMEM K_EFULL", \
         CHORUS_IN_OPT(KnCap, actorinit), CHORUS_OUT(KnCap, actorcap), CHORUS_VALUE(KnActorPrivilege, \
         privilege), \
         CHORUS_VALUE(KnActorStatus, status)) \
    CALL(15, actorName, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_OUT_BYTES(oldname), CHORUS_TEXT(newname)) \
    CALL(16, sysGetEnv, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_ENOMEM K_EFAULT", \
         CHORUS_TEXT(envName), CHORUS_OUT_BYTES(envValue), CHORUS_INOUT(unsigned int, size)) \
    CALL(17, sysSetEnv, leaf, user, thread, "K_EINVAL K_ENOMEM K_EFAULT", CHORUS_TEXT(envName), \
         CHORUS_TEXT(envValue)) \
    CALL(18, sysUnsetEnv, leaf, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", CHORUS_TEXT(envName)) \
    CALL(19, vmPageSize, leaf, user, thread, "") \
    CALL(20, sysStatistics, leaf, user, thread, "K_EFAULT", CHORUS_OUT(KnSysStatistics, statistics)) \
    CALL(21, cpuSelf, leaf, user, thread, "")

#define CHORUS_BLOCK_CALLS(CALL) \
    CALL(64, ipcCallMessage, block, user, thread, \
         "K_EINVAL K_EFAULT K_ETOOMUCH K_EUNKNOWN K_EFULL K_ENOMEM K_ETIMEOUT K_EABORT K_ENOPORT K_ECRASH " \
         "K_EFAIL", \
         CHORUS_IN(KnMsgDesc, reqmsg), CHORUS_VALUE(int, reqsrc), CHORUS_IN(KnIpcDest, reqdest), \
         CHORUS_INOUT(KnMsgDesc, repmsg), CHORUS_VALUE(int, delay)) \
    CALL(65, ipcReceiveMessage, block, user, thread, \
         "K_EINVAL K_EFAULT K_ENOPORT K_ENOMEM K_ETIMEOUT K_EABORT", \
         CHORUS_INOUT(KnMsgDesc, msg), CHORUS_VALUE(int, portli), CHORUS_VALUE(int, delay)) \
    CALL(66, ipcReply, block, user, thread, "K_EINVAL K_EFAULT K_ETOOMUCH K_ENOMEM", \
         CHORUS_IN(KnMsgDesc, msg)) \
    CALL(67, ipcSend, block, user, thread, "K_EINVAL K_EFAULT K_ETOOMUCH K_EUNKNOWN K_EFULL K_ENOMEM", \
         CHORUS_IN(KnMsgDesc, msg), CHORUS_VALUE(int, msgsrc), CHORUS_IN(KnIpcDest, msgdest)) \
    CALL(68, portDelete, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, portli)) \
    CALL(69, threadDelay, block, user, thread, "K_EINVAL K_EFAULT K_ETIMEOUT K_EABORT", \
         CHORUS_IN_OPT(KnTimeVal, waitLimit)) \
    CALL(70, threadActivate, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli)) \
    CALL(71, threadDelete, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_EBUSY", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli)) \
    CALL(72, threadAbort, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli)) \
    CALL(73, threadBind, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli), CHORUS_VALUE(KnCpuId, \
         newcpunb), \
         CHORUS_OUT_OPT(KnCpuId, oldcpunb), CHORUS_VALUE(KnBindId, bindid)) \
    CALL(74, threadScheduler, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(KnThreadLid, threadli), \
         CHORUS_OUT_OPT(KnFifoThParms, oldparam), \
         CHORUS_IN_OPT(KnFifoThParms, newparam)) \
    CALL(75, actorDelete, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EPRIV K_EBUSY", \
         CHORUS_IN_OPT(KnCap, actorcap)) \
    CALL(76, sysReboot, block, system, thread, "K_EINVAL K_EFAULT K_EPRIV", CHORUS_IN_OPT(KnRebootDesc, \
         rebootdesc)) \
    CALL(77, rgnAllocate, block, user, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_ENOMEM K_EOVERLAP K_EADDR K_EROUND K_ESIZE", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_INOUT(KnRgnDesc, rgndesc)) \
    CALL(78, rgnFree, block, user, thread, \
         "K_EINVAL K_EUNKNOWN K_EFAULT K_EADDR K_EROUND K_ESIZE K_EBUSY K_ENOMEM", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_IN(KnRgnDesc, rgndesc)) \
    CALL(79, vmCopy, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT K_EADDR", \
         CHORUS_IN_OPT(KnCap, srcactorcap), CHORUS_VALUE(VmAddr, srcaddress), CHORUS_IN_OPT(KnCap, \
         dstactorcap), \
         CHORUS_VALUE(VmAddr, dstaddress), CHORUS_VALUE(VmSize, size), CHORUS_VALUE(VmFlags, flags)) \
    CALL(80, sysWrite, block, user, thread, "K_EFAULT", CHORUS_IN_BYTES(buf), \
         CHORUS_VALUE(unsigned int, nchar)) \
    CALL(81, portEnable, block, user, thread, "K_EINVAL K_EUNKNOWN K_EFAULT", \
         CHORUS_IN_OPT(KnCap, actorcap), CHORUS_VALUE(int, portli), CHORUS_VALUE(int, priority))
// clang-format on
