/* The round robin scheduling class. ChorusOS 5.0 threadScheduler(2K), CLASS_RR. Priorities are those of the
 * FIFO class, and threads of both classes compete by them. Beside that, a thread that has had its CPU for
 * one quantum while an equal waited goes to the tail of its priority's queue. The quantum starts anew when
 * the thread has waited for something; after a preemption the rest of it goes on. */
#pragma once

#include <sched/chSched.h>

typedef unsigned int KnRrPriority;

#define K_RR_PRIOMAX 0   /* the highest priority */
#define K_RR_PRIOMIN 255 /* the lowest */
#define K_RR_QUANTUM 100 /* milliseconds, for every thread and priority */

typedef struct KnRrThParms {
    KnSchedClass rrClass; /* K_SCHED_RR */
    KnRrPriority rrPriority;
} KnRrThParms;
