/* The FIFO scheduling class: strict priorities, first come first served among equals. ChorusOS 5.0
 * threadScheduler(2K). A thread that becomes ready after a wait goes to the tail of its priority's
 * queue, a preempted one to the head; only a strictly higher priority preempts. */
#pragma once

#include <sched/chSched.h>

typedef unsigned int KnFifoPriority;

#define K_FIFO_PRIOMAX 0   /* the highest priority */
#define K_FIFO_PRIOMIN 255 /* the lowest */

typedef struct KnFifoThParms {
    KnSchedClass fifoClass; /* K_SCHED_FIFO */
    KnFifoPriority fifoPriority;
} KnFifoThParms;
