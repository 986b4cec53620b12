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

/* What happened on one CPU since it started. Each CPU counts for itself: the first four are its parts of the
 * sums in KnSysStatistics. */
typedef struct KnCpuStatistics {
    uint64_t ipcCalls;
    uint64_t ipcSends;
    uint64_t ipcCross; /* to another CPU */
    uint64_t switches;
    uint64_t preemptions;      /* of threads that lost the CPU to a better one */
    uint64_t migrations;       /* of threads to this CPU */
    uint64_t requests;         /* of other CPUs, or its own, that it carried out */
    uint64_t timerInterrupts;
    uint64_t doorbells;        /* interrupts by other CPUs */
    uint64_t deviceInterrupts;
    uint64_t exceptions;       /* faults of user programs */
    uint64_t halts;            /* how often it had nothing to do and stopped polling */
    uint64_t reserved[4];
} KnCpuStatistics;

/* What happened to a thread since it was created. */
typedef struct KnThreadStatistics {
    uint64_t ipcCalls;    /* by any path; modulo 2^32 */
    uint64_t dispatches;  /* how often it was chosen among ready threads */
    uint64_t preemptions; /* how often it lost its CPU to a better one */
    uint64_t migrations;
} KnThreadStatistics;

/* What an actor has, and what happened to its threads, those included that have ended. */
typedef struct KnActorStatistics {
    uint64_t threads;
    uint64_t ports;
    uint64_t regions;
    uint64_t pages;     /* of its space, page tables included */
    uint64_t pageLimit; /* its quota */
    KnThreadStatistics sum;
    uint64_t credits;     /* spent on messages that nobody has received yet (ipcSend) */
    uint64_t creditLimit; /* how many it has */
    uint64_t reserved[1];
} KnActorStatistics;

#ifdef __cplusplus
extern "C" {
#endif

/* sysStatistics (extension): fill *statistics. Errors: K_EFAULT. */
int sysStatistics(KnSysStatistics* statistics);

/* sysCpuStatistics (extension): fill *statistics with the counts of that CPU. Errors: K_EINVAL (no such
 * CPU), K_EFAULT. */
int sysCpuStatistics(KnCpuId cpunb, KnCpuStatistics* statistics);

/* actorStatistics (extension): fill *statistics with the counts of the actor. Errors: K_EINVAL (capability),
 * K_EUNKNOWN, K_EFAULT. */
int actorStatistics(const KnCap* actorcap, KnActorStatistics* statistics);

/* threadStatistics (extension): fill *statistics with the counts of the thread. Errors: K_EINVAL (capability,
 * local id), K_EUNKNOWN, K_EFAULT. */
int threadStatistics(const KnCap* actorcap, KnThreadLid threadli, KnThreadStatistics* statistics);

#ifdef __cplusplus
}
#endif
