// What the nucleus does for each call of include/chorus/calls.hpp: same name, typed arguments.
#pragma once

#include "kernel/call/user_pointer.hpp"
#include "kernel/core/actor.hpp"
#include "kernel/core/thread.hpp"
#include "kernel/sched/attributes.hpp"

#include <chorus.h>

namespace chorale {

// The actor that a capability argument means: the caller's execution actor when it is left out.
[[nodiscard]] Result<Actor*> actor_of(Thread& self, UserInOpt<KnCap> capability);
// The same for a thread of it: K_MYACTOR and K_MYSELF are the caller itself, wherever it is; its number then
// takes the place of K_MYSELF.
[[nodiscard]] Result<Actor*> thread_actor_of(Thread& self, UserInOpt<KnCap> capability, KnThreadLid& lid);

struct Operation;

// Runs `operation` on the thread that the arguments name. `change`: only where the caller may change the
// actor's threads: user actors leave those of other actors' kinds alone (K_EPRIV).
enum class Access : bool { look, change };
[[nodiscard]] long ask_thread(Thread& self, UserInOpt<KnCap> capability, KnThreadLid lid,
                              const Operation& operation, Access access = Access::look);
// In a SYSTEM actor, or in supervisor mode.
[[nodiscard]] bool trusted(const Thread& self);
[[nodiscard]] bool may_change(const Thread& self, const Actor& actor);

struct FoundThread;
// The thread that a call's first two arguments mean, K_MYACTOR and K_MYSELF included.
[[nodiscard]] Result<FoundThread> thread_of(Thread& self, UserInOpt<KnCap> capability, KnThreadLid lid);

// Scheduling parameters of any class. Errors: fault, invalid.
[[nodiscard]] Result<Attributes> read_attributes(UserIn<KnThreadDefSched> parameters);
[[nodiscard]] Attributes attributes_of(const Thread& thread);

namespace calls {

using Cap = UserInOpt<KnCap>;

// ---- leaf --------------------------------------------------------------------------------------
long nullCall();
long threadSelf(Thread& self);
long actorSelf(Thread& self, UserOut<KnCap> capability);
long portCreate(Thread& self, Cap actor, UserOut<KnUniqueId> name);
long portDisable(Thread& self, Cap actor, int li);
long portUi(Thread& self, UserOut<KnUniqueId> name, int li);
long portLi(Thread& self, UserIn<KnUniqueId> name);
long ipcSysInfo(Thread& self, UserOut<KnMsgHead> head);
long threadCreate(Thread& self, Cap actor, UserOut<KnThreadLid> lid, KnThreadStatus status,
                  UserInOpt<KnThreadDefSched> scheduling, UserIn<KnDefaultStartInfo_f> start);
long threadAborted(Thread& self);
long actorCreate(Thread& self, Cap model, UserOut<KnCap> capability, KnActorPrivilege privilege,
                 KnActorStatus status);
long actorName(Thread& self, Cap actor, UserBytesOut old_name, UserText new_name);
long sysGetEnv(Thread& self, UserText name, UserBytesOut value, UserInOut<unsigned int> size);
long sysSetEnv(Thread& self, UserText name, UserText value);
long sysUnsetEnv(Thread& self, UserText name);
long vmPageSize();
long sysStatistics(Thread& self, UserOut<KnSysStatistics> statistics);
long cpuSelf();

// ---- static names, groups ----------------------------------------------------------------------
long uiIsLocal(Thread& self, UserIn<KnUniqueId> name);
long uiLocalSite(Thread& self, UserOut<int> site);
long portDeclare(Thread& self, Cap actor, UserIn<KnUniqueId> name);
long grpAllocate(Thread& self, int options, UserOut<KnCap> capability, int stamp);
long grpPortInsert(Thread& self, UserIn<KnCap> capability, UserIn<KnUniqueId> name);
long grpPortRemove(Thread& self, UserIn<KnCap> capability, UserIn<KnUniqueId> name);

// ---- block -------------------------------------------------------------------------------------
long ipcCallMessage(Thread& self, UserIn<KnMsgDesc> request, int source, UserIn<KnIpcDest> destination,
                    UserInOut<KnMsgDesc> reply, int delay);
long ipcReceiveMessage(Thread& self, UserInOut<KnMsgDesc> message, int li, int delay);
long ipcReply(Thread& self, UserIn<KnMsgDesc> message);
long ipcSendMessage(Thread& self, UserIn<KnMsgDesc> message, int source, UserIn<KnIpcDest> destination);
long portDelete(Thread& self, Cap actor, int li);
long portEnable(Thread& self, Cap actor, int li, int priority);
long threadDelay(Thread& self, UserInOpt<KnTimeVal> limit);
long threadActivate(Thread& self, Cap actor, KnThreadLid lid);
long threadDelete(Thread& self, Cap actor, KnThreadLid lid);
long threadAbort(Thread& self, Cap actor, KnThreadLid lid);
long actorDelete(Thread& self, Cap actor);
long sysReboot(Thread& self, UserInOpt<KnRebootDesc> description);
long rgnAllocate(Thread& self, Cap actor, UserInOut<KnRgnDesc> region);
long rgnFree(Thread& self, Cap actor, UserIn<KnRgnDesc> region);
long vmCopy(Thread& self, Cap source_actor, VmAddr source, Cap target_actor, VmAddr target, VmSize size,
            VmFlags flags);
long sysWrite(Thread& self, UserBytesIn text, unsigned int count);

// ---- ports and current messages ----------------------------------------------------------------
// The port that a call means. Errors: those of a capability, invalid.
[[nodiscard]] Result<Port*> port_of(Thread& self, Cap actor, int li);
long ipcSave(Thread& self, int li);
long ipcRestore(Thread& self, int id);
long ipcGetData(Thread& self, UserIn<KnMsgDesc> message);
long portPi(Thread& self, Cap actor, int li, UserOutOpt<KnProtId> old_identifier,
            UserInOpt<KnProtId> new_identifier);
long portGetSeqNum(Thread& self, Cap actor, int li, UserOut<KnEvtNum> number);
long portMigrate(Thread& self, int options, Cap source, int li, Cap destination, UserOutOpt<KnEvtNum> number);

// ---- threads and actors ------------------------------------------------------------------------
long actorPi(Thread& self, Cap actor, UserOutOpt<KnProtId> old_identifier,
             UserInOpt<KnProtId> new_identifier);
long actorPrivilege(Thread& self, Cap actor, UserOutOpt<KnActorPrivilege> old_privilege,
                    UserInOpt<KnActorPrivilege> new_privilege);
long actorStop(Thread& self, Cap actor);
long actorStart(Thread& self, Cap actor);
long actorStat(Thread& self, unsigned int options, UserBytesOut stat, unsigned int size);
long threadName(Thread& self, Cap actor, KnThreadLid lid, UserBytesOut old_name, UserText new_name);
long threadStop(Thread& self, Cap actor, KnThreadLid lid);
long threadStart(Thread& self, Cap actor, KnThreadLid lid);
long threadSuspend(Thread& self, Cap actor, KnThreadLid lid);
long threadResume(Thread& self, Cap actor, KnThreadLid lid);
long threadContext(Thread& self, Cap actor, KnThreadLid lid, unsigned int type, UserBytesOut old_context,
                   UserBytesIn new_context);
long threadStat(Thread& self, Cap actor, unsigned int options, UserBytesOut stat, unsigned int size);
long portStat(Thread& self, Cap actor, unsigned int options, UserBytesOut stat, unsigned int size);
long threadPrivateLoad(Thread& self, unsigned int slot);
long threadPrivateStore(Thread& self, unsigned int slot, long value);
long siteKeyCreate(Thread& self, UserOut<PdKey> key, UserInOpt<KnLapDesc> destructor);
long siteKeyDelete(Thread& self, PdKey key);
long siteDataSet(Thread& self, Cap actor, PdKey key, u64 value);
long siteDataGet(Thread& self, Cap actor, PdKey key, UserOut<u64> value);

// ---- scheduling --------------------------------------------------------------------------------
long threadBind(Thread& self, Cap actor, KnThreadLid lid, KnCpuId cpu, UserOutOpt<KnCpuId> old_cpu,
                KnBindId mode);
long threadScheduler(Thread& self, Cap actor, KnThreadLid lid, UserOutOpt<KnThreadDefSched> old_parameters,
                     UserInOpt<KnThreadDefSched> new_parameters);
long threadTimes(Thread& self, Cap actor, KnThreadLid lid, UserOutOpt<KnTimeVal> internal,
                 UserOutOpt<KnTimeVal> external);

// ---- synchronisation ---------------------------------------------------------------------------
long syncSelf(Thread& self);
long syncGive(Thread& self, UserInOut<KnSyncWord> word, unsigned int most);
long rtMutexRel(Thread& self, UserInOut<KnRtMutex> mutex);
long rtMutexTry(Thread& self, UserInOut<KnRtMutex> mutex);
long syncTake(Thread& self, UserInOut<KnSyncWord> word, UserInOpt<KnTimeVal> wait_limit,
              UserInOpt<KnSyncWord> release);
long eventAwait(Thread& self, UserInOut<KnEventSet> set, unsigned int mask, int operation,
                UserInOpt<KnTimeVal> wait_limit);
long eventNotify(Thread& self, UserInOut<KnEventSet> set);
long rtMutexGet(Thread& self, UserInOut<KnRtMutex> mutex);

// ---- time --------------------------------------------------------------------------------------
long sysTime(Thread& self, UserOut<KnTimeVal> time);
long sysTimeGetRes(Thread& self, UserOut<KnTimeVal> resolution);
long sysCounterFrequency(Thread& self, UserOut<uint64_t> frequency);
long univTime(Thread& self, UserOut<KnTimeVal> time);
long univTimeSet(Thread& self, UserOutOpt<KnTimeVal> old_time, UserInOpt<KnTimeVal> new_time);
long univTimeAdjust(Thread& self, UserOutOpt<KnTimeVal> old_delta, UserInOpt<KnTimeVal> new_delta);
long univTimeGetRes(Thread& self, UserOut<KnTimeVal> resolution);
long timerThreadPoolInit(Thread& self, UserInOut<KnThreadPool> pool);
long timerThreadPoolWait(Thread& self, UserIn<KnThreadPool> pool, UserOutOpt<uintptr_t> cookie,
                         UserOutOpt<int> overrun, UserInOpt<KnTimeVal> limit);
long timerCreate(Thread& self, Cap actor, int clock, UserIn<KnThreadPool> pool, uintptr_t cookie,
                 UserOut<int> li);
long timerSet(Thread& self, Cap actor, int li, int flags, UserInOpt<KnITimer> new_setting,
              UserOutOpt<KnITimer> old_setting);
long timerDelete(Thread& self, Cap actor, int li);
long timerGetRes(Thread& self, int clock, UserOut<KnTimeVal> resolution);
long svSysTimeoutSet(Thread& self, VmAddr timeout, UserIn<KnTimeVal> limit, int flag, UserIn<KnLapDesc> lap);
long svSysTimeoutCancel(Thread& self, VmAddr timeout);
long svTimeoutGetRes(Thread& self, UserOut<KnTimeVal> resolution);
long virtualTimeGetRes(Thread& self, UserOut<KnTimeVal> resolution);
long svThreadVirtualTimeoutSet(Thread& self, Cap actor, KnThreadLid lid, VmAddr timeout,
                               UserIn<KnTimeVal> cpu_time, int flag, UserIn<KnLapDesc> lap);
long svThreadVirtualTimeoutCancel(Thread& self, Cap actor, KnThreadLid lid, VmAddr timeout);
long svActorVirtualTimeoutSet(Thread& self, Cap actor, VmAddr timeout, UserIn<KnTimeVal> cpu_time, int flag,
                              UserIn<KnLapDesc> lap);
long svActorVirtualTimeoutCancel(Thread& self, Cap actor, VmAddr timeout);
long sysWatchdog(Thread& self, unsigned int operation, UserInOut<KnWatchdog> watchdog);

// ---- memory ------------------------------------------------------------------------------------
long rgnSetProtect(Thread& self, Cap actor, UserIn<KnRgnDesc> region);
long rgnSetInherit(Thread& self, Cap actor, UserIn<KnRgnDesc> region);
long rgnSetPaging(Thread& self, Cap actor, UserIn<KnRgnDesc> region);
long rgnSetOpaque(Thread& self, Cap actor, UserIn<KnRgnDesc> region);
long rgnDup(Thread& self, Cap target_actor, Cap source_actor, VmFlags flags);
long rgnInitFromActor(Thread& self, Cap target_actor, UserInOut<KnRgnDesc> target_region, Cap source_actor,
                      UserIn<KnRgnDesc> source_region);
long rgnMapFromActor(Thread& self, Cap target_actor, UserInOut<KnRgnDesc> target_region, Cap source_actor,
                     UserIn<KnRgnDesc> source_region);
long rgnMap(Thread& self, Cap actor, UserInOut<KnRgnDesc> region, UserIn<KnObjDesc> segment);
long rgnInit(Thread& self, Cap actor, UserInOut<KnRgnDesc> region, UserIn<KnObjDesc> segment);
long sgFlush(Thread& self, UserIn<KnObjDesc> segment, VmFlags flags);
long sgRead(Thread& self, UserIn<KnObjDesc> segment, Cap actor, VmAddr address, VmFlags flags);
long sgWrite(Thread& self, UserIn<KnObjDesc> segment, Cap actor, VmAddr address, VmFlags flags);
long lcOpen(Thread& self, UserIn<KnCap> segment, VmFlags flags, UserOut<int> cache);
long lcClose(Thread& self, int cache);
long lcCap(Thread& self, int cache, UserOut<KnCap> capability);
long lcRead(Thread& self, int cache, VmOffset offset, Cap actor, VmAddr address, UserInOut<VmSize> size);
long lcWrite(Thread& self, int cache, VmOffset offset, Cap actor, VmAddr address, UserInOut<VmSize> size);
long rgnStat(Thread& self, Cap actor, UserIn<KnRgnDesc> region, UserBytesOut stat, unsigned size);
long vmStat(Thread& self, UserOut<KnVmStat> stat);
long vmSetPar(Thread& self, UserIn<KnVmPar> parameters);
long vmPhysAddr(Thread& self, Cap actor, VmAddr address, UserOut<PhAddr> physical);
long vmLock(Thread& self, Cap actor, VmAddr address, VmSize size, VmFlags flags);
long vmMap(Thread& self, Cap source_actor, VmAddr source, Cap target_actor, VmAddr target, VmSize size,
           VmFlags flags);
long vmUnLock(Thread& self, Cap actor, VmAddr address, VmSize size, VmFlags flags);

// ---- message spaces ----------------------------------------------------------------------------
long msgSpaceCreate(Thread& self, KnMsgSpaceId name, unsigned int queues, unsigned int pools,
                    UserIn<KnMsgPool> pool);
long msgSpaceOpen(Thread& self, KnMsgSpaceId name);
long msgAllocate(Thread& self, int lid, unsigned int pool, unsigned int size, UserInOpt<KnTimeVal> wait_limit,
                 UserOut<VmAddr> message);
long msgPut(Thread& self, int lid, unsigned int queue, VmAddr message, unsigned int priority);
long msgGet(Thread& self, int lid, unsigned int queue, UserInOpt<KnTimeVal> wait_limit,
            UserOut<VmAddr> message, UserOutOpt<KnUniqueId> source);
long msgGetAny(Thread& self, int lid, UserOutOpt<unsigned int> queue, UserInOpt<KnTimeVal> wait_limit,
               UserOut<VmAddr> message, UserOutOpt<KnUniqueId> source);
long msgFree(Thread& self, int lid, VmAddr message);
long msgRemove(Thread& self, int lid, unsigned int queue, VmAddr message, unsigned int priority);
long msgPoolStat(Thread& self, int lid, unsigned int pool, UserOut<KnMsgPoolStat> stat);
long msgQueueStat(Thread& self, int lid, unsigned int queue, UserOut<KnMsgQueueStat> stat);

// ---- the system --------------------------------------------------------------------------------
long sysCpuStatistics(Thread& self, KnCpuId cpu, UserOut<KnCpuStatistics> statistics);
long actorStatistics(Thread& self, Cap actor, UserOut<KnActorStatistics> statistics);
long threadStatistics(Thread& self, Cap actor, KnThreadLid lid, UserOut<KnThreadStatistics> statistics);
long sysPoll(Thread& self, UserBytesOut text);
long sysRead(Thread& self, UserBytesOut text, unsigned int count);
long sysLogWrite(Thread& self, UserBytesIn text, unsigned int size);
long sysLogRead(Thread& self, UserInOut<u64> position, UserBytesOut text, unsigned int size);
long traceStart(Thread& self, unsigned int records);
long traceRead(Thread& self, unsigned int cpu, UserBytesOut records, unsigned int count);
long traceStop(Thread& self);

// ---- supervisor actors, LAPs, handlers ---------------------------------------------------------
long svSysPanic(Thread& self, unsigned int number, UserBytesIn arguments, unsigned int size, UserText message,
                UserText file, int line);
long svActorEndNotice(Thread& self, Cap capability, UserInOpt<KnUniqueId> port, u64 cookie);
long svPhysAlloc(Thread& self, UserInOut<KnPhMemChunk> chunk, UserInOpt<KnPhMemAlign> align);
long svPhysFree(Thread& self, UserIn<KnPhMemChunk> chunk);
long svIntrConnect(Thread& self, CpuIntr line, VmAddr handler, VmAddr cookie, UserOut<CpuIntrId> id);
long svIntrMask(Thread& self, CpuIntrId id, int masked);
long svIntrDetach(Thread& self, CpuIntrId id);
long svPagesAllocate(Thread& self, UserOut<VmAddr> address, VmSize size, VmFlags flags, Cap actor);
long svPagesFree(Thread& self, VmAddr address, VmSize size);
long svPhysMap(Thread& self, UserInOut<KnPhMemChunk> chunk, PteCntlBits bits);
long svPhysUnmap(Thread& self, UserIn<KnPhMemChunk> chunk);
long svLapCreate(Thread& self, Cap actor, VmAddr handler, VmAddr cookie, unsigned int options,
                 UserOut<KnLapDesc> descriptor);
long svLapDelete(Thread& self, UserIn<KnLapDesc> descriptor);
long svLapBind(Thread& self, UserIn<KnLapDesc> descriptor, UserText text, unsigned int options);
long svLapUnbind(Thread& self, UserText text);
long lapResolve(Thread& self, UserOut<KnLapDesc> descriptor, UserText text, unsigned int options);
long svHandlerConnect(Thread& self, unsigned int kind, Cap actor, unsigned int index,
                      UserIn<KnLapDesc> descriptor);
long svHandlerDisconnect(Thread& self, unsigned int kind, Cap actor, unsigned int index,
                         UserInOpt<KnLapDesc> descriptor);
long svHandlerGetConnected(Thread& self, unsigned int kind, Cap actor, unsigned int index,
                           UserOut<KnLapDesc> descriptor);
long lapInvoke(Thread& self, UserIn<KnLapDesc> descriptor, VmAddr argument);
long lapComeHome(Thread& self);
long svMsgHandler(Thread& self, Cap actor, int li, VmAddr handler, unsigned int stack_size, VmAddr cookie);
long svMsgHdlReply(Thread& self, UserIn<KnMsgDesc> message);
long svGetInvoker(Thread& self, UserOut<KnCap> capability);

// ---- the register convention: arguments are taken from the frame as they are -------------------
long message_call(Thread& self);
long message_send(Thread& self);
long message_reply_receive(Thread& self);
long message_receive(Thread& self);

} // namespace calls
} // namespace chorale
