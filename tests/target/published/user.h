/* A program as the published pages of ChorusOS have it, C and C++: every call that user actors may make, with
 * the types of the pages, and every constant. That it compiles and links is what it is for; it is not run. */
#ifndef PUBLISHED_USER_H
#define PUBLISHED_USER_H

#include <cx/wdt.h>
#include <date/chDate.h>
#include <dki/hrt/f_hrt.h>
#include <env/chEnv.h>
#include <etimer/chEtimer.h>
#include <exec/chError.h>
#include <exec/chExec.h>
#include <exec/chIo.h>
#include <exec/chReboot.h>
#include <exec/chSoftCtx.h>
#include <exec/chThreadSem.h>
#include <exec/chTime.h>
#include <ipc/chId.h>
#include <ipc/chIpc.h>
#include <lap/chLap.h>
#include <log/chLog.h>
#include <mem/chMem.h>
#include <mem/chSegment.h>
#include <mipc/chMipc.h>
#include <pd/chPd.h>
#include <sched/chFifo.h>
#include <sched/chRr.h>
#include <sched/chRt.h>
#include <sched/chSched.h>
#include <sync/chEvent.h>
#include <sync/chMonitor.h>
#include <sync/chMutex.h>
#include <sync/chRtMutex.h>
#include <sync/chSem.h>
#include <timer/chBench.h>
#include <vtimer/chVtimer.h>

static void destroy_value(void* value) { (void)value; }

static int use_actors(KnCap* actor, char* name) {
    KnActorPrivilege oldpriv, newpriv = K_SYSTEMACTOR;
    KnActorStat stat[4];
    KnProtId oldpi, newpi = {1, 2, 3};
    return actorCreate(K_MYACTOR, actor, K_USERACTOR, K_STOPPED) + actorDelete(actor) + actorSelf(actor) +
           actorPrivilege(actor, &oldpriv, &newpriv) + actorPrivilege(K_MYACTOR, &oldpriv, NULL) +
           actorStart(actor) + actorStop(actor) + actorName(actor, name, NULL) +
           actorPi(actor, &oldpi, &newpi) + actorStat(0, stat, sizeof stat);
}

static int use_threads(KnCap* actor, char* name, KnPc entry, VmAddr stack) {
    KnThreadLid thread;
    KnDefaultStartInfo_f start;
    KnStartInfo other;
    KnThreadStat stat[4];
    KnThreadCtx context;
    KnTimeVal internal, external, limit = {0, 50 * K_NPERM};
    void* registers[K_NBPRIVDATA];
    KnCpuId cpu;
    KnBindId bind = K_NONEXCLUSIVE;
    start.dsType = K_DEFAULT_START_INFO;
    start.dsSystemStackSize = K_DEFAULT_STACK_SIZE;
    start.dsPrivilege = K_USERTHREAD;
    start.dsUserStackPointer = stack;
    start.dsEntry = entry;
    other = start;
    return threadCreate(actor, &thread, K_ACTIVE, NULL, &start) +
           threadCreate(actor, &thread, K_INACTIVE, NULL, &other) + threadDelete(K_MYACTOR, K_MYSELF) +
           threadActivate(actor, thread) + threadSelf() + threadDelay(&limit) + threadDelay(K_NOTIMEOUT) +
           threadDelay(K_NOBLOCK) + threadAbort(actor, thread) + threadAborted() + threadStop(actor, thread) +
           threadStart(actor, thread) + threadSuspend(actor, thread) + threadResume(actor, thread) +
           threadContext(actor, thread, K_CURRCTX, &context, &context) +
           threadContext(actor, thread, K_SUPPRIV, registers, NULL) +
           threadContext(actor, thread, K_USERPRIV, registers, NULL) + (int)threadLoadR() +
           (int)threadStoreR(1L) + threadName(actor, thread, name, NULL) +
           threadStat(actor, 0, stat, sizeof stat) + threadBind(actor, thread, K_SAMECPU, &cpu, bind) +
           threadTimes(actor, K_ALLACTORTHREADS, &internal, &external);
}

static int use_scheduling(KnCap* actor, KnThreadLid thread) {
    KnThreadDefSched any;
    KnFifoPriority priority = K_FIFO_PRIOMIN - 1;
    KnFifoThParms fifo;
    KnRrThParms rr;
    KnRtThParms rt;
    fifo.fifoClass = K_SCHED_FIFO;
    fifo.fifoPriority = priority;
    rr.rrClass = K_SCHED_RR;
    rr.rrPriority = K_RR_PRIOMAX;
    rt.rtClass = K_SCHED_RT;
    rt.rtPriority = K_RT_PRIOMIN;
    rt.rtQuantum.tmSec = 0;
    rt.rtQuantum.tmNSec = K_RR_QUANTUM * K_NPERM;
    return threadScheduler(actor, thread, &any, &fifo) + threadScheduler(actor, thread, &fifo, &rr) +
           threadScheduler(actor, thread, NULL, &rt);
}

static int use_synchronisation(KnTimeVal* limit) {
    static KnMutex mutex = K_KNMUTEX_INITIALIZER;
    static KnSem sem = K_KNSEM_INITIALIZER(3);
    static KnMonitor monitor = K_KNMONITOR_INITIALIZER;
    KnThSem own;
    KnRtMutex rtmutex;
    KnEventSet events;
    unsigned int posted;
    return threadSemInit(&own) + threadSemWait(&own, limit) + threadSemPost(&own) + mutexInit(&mutex) +
           mutexGet(&mutex) + mutexRel(&mutex) + mutexTry(&mutex) + rtMutexInit(&rtmutex) +
           rtMutexGet(&rtmutex) + rtMutexRel(&rtmutex) + rtMutexTry(&rtmutex) + semInit(&sem, 1) +
           semP(&sem, limit) + semV(&sem) + eventInit(&events) + eventPost(&events, 1) +
           eventClear(&events, 1) + eventWait(&events, 1, K_EVENT_AND, &posted, limit) +
           monitorInit(&monitor) + monitorGet(&monitor) + monitorRel(&monitor) +
           monitorWait(&monitor, limit) + monitorNotify(&monitor) + monitorNotifyAll(&monitor);
}

static int use_time(KnCap* actor, KnTimeVal* time) {
    KnTimeVal other = {0, K_INVALID_NSEC};
    KnThreadPool pool;
    KnITimer now, before;
    void* cookie = NULL;
    int timer, overrun, microseconds;
    uint64_f ticks;
    wdt_handle_t watchdog;
    timespec_t interval;
    now.ITmReload = *time;
    now.ITmValue = *time;
    hrTimerValue(&ticks);
    hrTimerFrequency(&ticks);
    hrTimerPeriod(&ticks);
    return sysTime(time) + sysTimeGetRes(time) + univTime(time) + univTimeSet(&other, time) +
           univTimeAdjust(&other, time) + univTimeGetRes(time) + timerThreadPoolInit(&pool) +
           timerThreadPoolWait(&pool, &cookie, &overrun, time) +
           timerCreate(actor, K_CLOCK_REALTIME, &pool, cookie, &timer) +
           timerSet(actor, timer, K_TIMER_ABSOLUTE, &now, &before) + timerDelete(actor, timer) +
           timerGetRes(K_CLOCK_REALTIME, time) + sysBench(K_BSTART, &microseconds) +
           sysBench(K_BSTOP, &microseconds) + wdt_alloc(&watchdog) + wdt_realloc(&watchdog) +
           wdt_free(watchdog) + wdt_arm(watchdog) + wdt_disarm(watchdog) + wdt_pat(watchdog) +
           wdt_is_armed(watchdog) + wdt_get_interval(watchdog, &interval) +
           wdt_set_interval(watchdog, &interval) + wdt_get_maxinterval(watchdog, &interval) +
           wdt_get_mininterval(watchdog, &interval) + wdt_startup_commit() + wdt_shutdown();
}

static int use_segments(KnCap* actor, KnRgnDesc* region) {
    KnObjDesc segment;
    int cache;
    VmSize size = 8;
    segment.dataObject = *actor;
    segment.startOffset = 0;
    segment.size = region->size;
    return rgnMap(actor, region, &segment) + rgnInit(actor, region, &segment) + sgFlush(&segment, 0) +
           sgRead(&segment, actor, region->startAddr, K_MOVE) +
           sgWrite(&segment, actor, region->startAddr, 0) + lcOpen(actor, 0, &cache) +
           lcRead(cache, 0, actor, region->startAddr, &size) +
           lcWrite(cache, 0, actor, region->startAddr, &size) + lcCap(cache, actor) + lcClose(cache);
}

static int use_memory(KnCap* actor, KnCap* other) {
    KnRgnDesc region = {0, 0, 0, 0, NULL, 0}, source = region;
    KnRgnStat regions[4];
    KnVmStat stat;
    KnVmPar par;
    PhAddr physical;
    region.options = K_WRITABLE | K_FILLZERO | K_ANYWHERE | K_RESTRICTIVE | K_RESERVED | K_SUPERVISOR |
                     K_INHERITSHARE | K_INHERITCOPY | K_FREEALL | K_USERSPACE | K_NOWAITFORMEMORY;
    region.size = (VmSize)vmPageSize();
    if (vmStat(&stat) != K_OK) return K_EFAULT;
    par = stat.par;
    return use_segments(actor, &region) + rgnAllocate(actor, &region) + rgnFree(actor, &region) +
           rgnDup(actor, other, K_INHERITCOPY) + rgnInitFromActor(actor, &region, other, &source) +
           rgnMapFromActor(actor, &region, other, &source) + rgnSetProtect(actor, &region) +
           rgnSetInherit(actor, &region) + rgnSetPaging(actor, &region) + rgnSetOpaque(actor, &region) +
           rgnStat(actor, &region, regions, sizeof regions) + vmSetPar(&par) +
           vmMap(actor, region.startAddr, other, source.startAddr, region.size, 0) +
           vmCopy(actor, region.startAddr, other, source.startAddr, region.size, 0) +
           vmLock(actor, region.startAddr, region.size, K_WRITABLE) +
           vmUnLock(actor, region.startAddr, region.size, 0) +
           vmPhysAddr(actor, region.startAddr, &physical) +
           (int)(stat.hostMem + stat.freeMem + stat.lockMem + par.redMark + par.orangeMark + par.greenMark);
}

static int use_messages(KnCap* actor, KnUniqueId* port) {
    KnMsgDesc request = {0, 0, 0, 0, 0}, reply = request;
    KnMsgHead head;
    KnIpcDest destination;
    KnEvtNum number;
    KnPortStat stat;
    int li = K_ANYENABLED;
    reply.flags = K_ABORTABLE;
    destination.target = *port;
    uiClear(&destination.coTarget);
    return portCreate(actor, port) + portDelete(actor, li) + portEnable(actor, li, 0) +
           portDisable(actor, li) + portUi(port, K_DEFAULTPORT) + portLi(port) +
           ipcSend(&request, K_DEFAULTPORT, &destination) + ipcReceive(&request, &li, -1) +
           ipcCall(&request, K_DEFAULTPORT, &destination, &reply, 1000) + ipcReply(&reply) +
           ipcSysInfo(&head) + ipcGetData(&request) + ipcRestore(ipcSave(K_NONEPORT)) +
           portPi(actor, li, &head.portId, &head.portId) + portGetSeqNum(actor, li, &number) +
           portStat(actor, 0, &stat, sizeof stat) + portMigrate(K_WITHMSG, actor, li, actor, &number) +
           portMigrate(K_WITHOUTMSG, actor, li, actor, &number) + uiValid(port) +
           uiEqual(port, &head.srcPort);
}

static int use_groups(KnCap* actor, KnCap* group, KnUniqueId* port) {
    int site = 0;
    return uiLocalSite(&site) + uiBuild(port, K_UIPORT, (unsigned int)site, K_CUI_STAMPMAX) +
           uiBuild(port, K_UIPORT_STATPORT, (unsigned int)site, 1) + portDeclare(actor, port) +
           uiIsLocal(port) + uiSite(port, site) + uiGetSite(port) + grpAllocate(K_DYNAMIC, group, 0) +
           grpAllocate(K_STATUSER, group, 1) + grpAllocate(K_STATSYS, group, 1) + grpPortInsert(group, port) +
           grpPortRemove(group, port) + ipcTarget(&group->ui, K_BROADMODE) +
           ipcTarget(&group->ui, K_FUNCMODE) + ipcTarget(&group->ui, K_FUNCUMODE) +
           ipcTarget(&group->ui, K_FUNCXMODE);
}

static int use_message_spaces(KnMsgSpaceId name, KnUniqueId* source, KnTimeVal* limit) {
    KnMsgPool pools[K_MSG_POOLMAX];
    KnMsgPoolStat pool;
    KnMsgQueueStat queue;
    char* message;
    unsigned int id;
    int space = msgSpaceCreate(K_PRIVATEID, 1, 1, pools) + msgSpaceOpen(name);
    return msgAllocate(space, K_ANY_MSGPOOL, 64, K_NOTIMEOUT, &message) +
           msgPut(space, 0, message, K_MSG_PRIOMAX) + msgGet(space, 0, limit, &message, source) +
           msgGetAny(space, &id, limit, &message, source) + msgRemove(space, 0, message, K_MSG_PRIOMAX) +
           msgFree(space, message) + msgPoolStat(space, 0, &pool) + msgQueueStat(space, 0, &queue);
}

static int use_private_data(KnCap* actor, KnThreadLid thread, void* value) {
    PdKey key;
    int result = ptdKeyCreate(&key, destroy_value) + ptdSet(key, value) + (ptdGet(key) == value) +
                 ptdRemoteGet(actor, thread, key, &value) + ptdRemoteSet(actor, thread, key, value) +
                 ptdKeyDelete(key) + padKeyCreate(&key, destroy_value) + padSet(actor, key, value) +
                 (padGet(actor, key) == value) + padKeyDelete(key) + ptdThreadId() + *ptdErrnoAddr();
    ptdThreadDelete();
    return result + PD_DESTRUCTOR_ITERATIONS;
}

static int use_system(char* buffer, char* name) {
    unsigned int size = 256;
    KnRebootDesc reboot = {K_REBOOT_COLD};
    KnLapDesc lap, copy;
    lapDescZero(&lap);
    lapDescDup(&copy, &lap);
    sysLog("%s %d %c\n", name, 1, 'c');
    return sysGetEnv(name, buffer, &size) + sysSetEnv(name, buffer) + sysUnsetEnv(name) +
           sysRead(buffer, size) + sysWrite(buffer, size) + sysPoll(buffer) + sysReboot(&reboot) +
           (strSysError(K_EINVAL) == buffer) + lapResolve(&lap, name, K_LAP_NOBLOCK) +
           lapInvoke(&lap, buffer) + lapDescIsZero(&copy) + SYSLOG_MAX_LINE;
}

static int use_published_calls(KnCap* actor, char* text) {
    KnCap other;
    KnUniqueId port;
    KnTimeVal time = {1, 0};
    return use_actors(actor, text) + use_threads(actor, text, 0, 0) + use_scheduling(actor, K_MYSELF) +
           use_synchronisation(&time) + use_time(actor, &time) + use_memory(actor, &other) +
           use_messages(actor, &port) + use_groups(actor, &other, &port) +
           use_message_spaces(1, &port, &time) + use_private_data(actor, K_MYSELF, text) +
           use_system(text, text);
}

#endif
