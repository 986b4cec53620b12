/* Counts of the nucleus's objects and events. An extension of this system. */
#pragma once

#include <chorus/types.h>

/* Objects are those alive at the moment of the call, summed over the CPUs; counters only grow. While
 * other CPUs work, a sum is not a snapshot: two reports can be compared only when the system is quiet at
 * both. */
typedef struct KnSysStatistics {
    uint64_t cpus; /* running CPUs */
    uint64_t actors;
    uint64_t threads;
    uint64_t ports;
    uint64_t messages;   /* queued in the nucleus, or received and not yet replied to */
    uint64_t totalPages; /* physical pages that the nucleus manages, in units of vmPageSize() */
    uint64_t freePages;
    uint64_t slabObjects; /* nucleus objects of every kind that are allocated */
    uint64_t regions;
    /* Events off the register fast path, which counts nothing. */
    uint64_t ipcCalls; /* messages sent by ipcCall */
    uint64_t ipcSends; /* messages accepted by ipcSend */
    uint64_t ipcCross; /* messages that went to another CPU */
    uint64_t switches; /* thread switches */
    uint64_t reserved[3];
} KnSysStatistics;

#ifdef __cplusplus
extern "C" {
#endif

/* sysStatistics (extension): fill *statistics. Errors: K_EFAULT. */
int sysStatistics(KnSysStatistics* statistics);

#ifdef __cplusplus
}
#endif
