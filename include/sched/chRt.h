/* The real-time scheduling class of System V Release 4. ChorusOS 5.0 threadScheduler(2K), CLASS_RT. Its
 * numbers run the other way round: 159 is the best. Priority p competes with the priority 255 - p of the
 * FIFO and round robin classes. Each thread has a quantum of its own, which works as in <sched/chRr.h>. */
#pragma once

#include <sched/chSched.h>

typedef unsigned int KnRtPriority;

#define K_RT_PRIOMAX 159 /* the highest priority */
#define K_RT_PRIOMIN 100 /* the lowest */

typedef struct KnRtThParms {
    KnSchedClass rtClass; /* K_SCHED_RT */
    KnRtPriority rtPriority;
    KnTimeVal rtQuantum; /* 0: the default of the priority, 1 s for 100 to 109, then 800, 600, 400, 200 and,
                            for 150 to 159, 100 ms */
} KnRtThParms;
