// Waiting for a word, as the C library's locks do it: a list of those who wait, each on its thread semaphore.
//
// Invariant: under `guard`, a waiter is in the list if and only if nobody has woken it.
#include "futex.h"
#include "internal.h"

#include <chorus.h>
#include <errno.h>
#include <time.h>

struct waiter {
    volatile int* word;
    KnThSem woken;
    int waits;
    struct waiter* next;
};

static KnMutex guard = K_KNMUTEX_INITIALIZER;
static struct waiter* first;

static void take_out(struct waiter* gone) {
    struct waiter** place = &first;
    while (*place != gone) {
        place = &(*place)->next;
    }
    *place = gone->next;
    gone->waits = 0;
}

static long wait_for(volatile int* word, int value, const struct timespec* limit) {
    struct waiter self = {.word = word, .waits = 1};
    threadSemInit(&self.woken);
    mutexGet(&guard);
    if (*word != value) {
        mutexRel(&guard);
        return -EAGAIN;
    }
    struct waiter** end = &first;
    while (*end != 0) {
        end = &(*end)->next;
    }
    *end = &self;
    mutexRel(&guard);
    KnTimeVal time;
    if (limit != 0) {
        time = (KnTimeVal){limit->tv_sec, limit->tv_nsec};
    }
    const int result = threadSemWait(&self.woken, limit == 0 ? K_NOTIMEOUT : &time);
    mutexGet(&guard);
    const int still = self.waits;
    if (still) {
        take_out(&self);
    }
    mutexRel(&guard);
    return !still || result == K_OK ? 0 : result == K_EABORT ? -EINTR : -ETIMEDOUT;
}

static long wake(volatile int* word, int most) {
    long woken = 0;
    mutexGet(&guard);
    struct waiter* next;
    for (struct waiter* waiter = first; waiter != 0 && woken < most; waiter = next) {
        next = waiter->next;
        if (waiter->word == word) {
            take_out(waiter);
            threadSemPost(&waiter->woken); // under the guard: without it the waiter may be gone
            ++woken;
        }
    }
    mutexRel(&guard);
    return woken;
}

long wait_or_wake(volatile int* word, int operation, int value, const struct timespec* limit) {
    switch (operation & ~FUTEX_PRIVATE) {
    case FUTEX_WAIT:
        return wait_for(word, value, limit);
    case FUTEX_WAKE:
        return wake(word, value);
    default:
        return -ENOSYS;
    }
}
