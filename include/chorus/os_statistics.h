/* Counts of what C_OS has for the actors that it runs; those of the nucleus are in <chorus/statistics.h>. An
 * extension of this system. With libchorus.a, under C_OS. */
#pragma once

#include <stdint.h>

/* What there is at the moment of the call. When everything that one actor did is over - it has ended, its
 * parent knows, the files it made are removed - each count is what it was before that actor. */
typedef struct KnOsStatistics {
    uint64_t processes;  /* those included that have ended and whose parent has not asked yet */
    uint64_t tasks;      /* threads that have made a system call */
    uint64_t openFiles;  /* what descriptors stand for; dup() makes no new one */
    uint64_t filePages;  /* pages with contents of files in memory, of pipes and of their indices */
    uint64_t heapPieces; /* C_OS's own small objects, of every kind */
    /* Runs of pages that C_OS has from the nucleus for small objects and for files, each a region; most of
     * them stay for the next who needs some. And the pages in them, with what is in use. */
    uint64_t keptRuns, keptPages;
    uint64_t reserved[1];
} KnOsStatistics;

#ifdef __cplusplus
extern "C" {
#endif

/* osStatistics (extension): fill *statistics. Returns 0, or -1 with errno: EFAULT, ENOSYS (no C_OS here). */
int osStatistics(KnOsStatistics* statistics);

#ifdef __cplusplus
}
#endif
