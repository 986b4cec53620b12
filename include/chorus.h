/* <chorus.h>: every nucleus call that a ChorusOS program may make, C11 and C++. Each call returns a
 * negative error (chorus/types.h), or K_OK, or a positive result where its comment says so.
 *
 * <cx/wdt.h> is not among them: it brings <errno.h> and <time.h> along, where there are any. */
#pragma once

#include <chorus/statistics.h>
#include <chorus/types.h>
#include <cx/chWatchdog.h>
#include <date/chDate.h>
#include <dki/f_dki.h>
#include <dki/hrt/f_hrt.h>
#include <env/chEnv.h>
#include <etimer/chEtimer.h>
#include <exec/chError.h>
#include <exec/chExec.h>
#include <exec/chIo.h>
#include <exec/chPanic.h>
#include <exec/chReboot.h>
#include <exec/chSoftCtx.h>
#include <exec/chTime.h>
#include <exec/chTimeout.h>
#include <exec/chTrace.h>
#include <exec/chTrap.h>
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
#include <sync/chSpinLock.h>
#include <timer/chBench.h>
#include <vtimer/chVtimer.h>
