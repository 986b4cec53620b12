/* POSIX threads on the nucleus's: mutexes, conditions, thread-local memory, joins, and threads that the
 * nucleus makes. */
#include "check.h"

#include <chorus.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

enum { thread_count = 16, rounds = 500 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int counter, arrived, open_gate;
static _Thread_local int own;

static void* count(void* argument) {
    own = (int)(long)argument;
    for (int i = 0; i < rounds; ++i) {
        pthread_mutex_lock(&mutex);
        ++counter;
        pthread_mutex_unlock(&mutex);
        if (i % 64 == 0) sched_yield();
    }
    return (void*)(long)own;
}

static void counting(void) {
    pthread_t threads[thread_count];
    for (long i = 0; i < thread_count; ++i)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, count, (void*)i), 0);
    for (long i = 0; i < thread_count; ++i) {
        void* result = NULL;
        CHECK_EQUAL(pthread_join(threads[i], &result), 0);
        CHECK_EQUAL((long)result, i);
    }
    CHECK_EQUAL(counter, thread_count * rounds);
}

static void* wait_at_gate(void* argument) {
    pthread_mutex_lock(&mutex);
    ++arrived;
    while (!open_gate) pthread_cond_wait(&condition, &mutex);
    --arrived;
    pthread_mutex_unlock(&mutex);
    return argument;
}

static void conditions(void) {
    pthread_t threads[thread_count];
    for (int i = 0; i < thread_count; ++i)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, wait_at_gate, NULL), 0);
    for (int all = 0; !all;) {
        pthread_mutex_lock(&mutex);
        all = arrived == thread_count;
        pthread_mutex_unlock(&mutex);
        usleep(1000);
    }
    pthread_mutex_lock(&mutex);
    open_gate = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < thread_count; ++i) CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
    CHECK_EQUAL(arrived, 0);
}

static void timeouts(void) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_nsec += 20000000;
    if (limit.tv_nsec >= 1000000000) {
        ++limit.tv_sec;
        limit.tv_nsec -= 1000000000;
    }
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    CHECK_ERROR(sem_timedwait(&semaphore, &limit), ETIMEDOUT);
    sem_post(&semaphore);
    CHECK_EQUAL(sem_timedwait(&semaphore, &limit), 0);
    pthread_mutex_lock(&mutex);
    CHECK_EQUAL(pthread_cond_timedwait(&condition, &mutex, &limit), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

/* ---- a thread of the nucleus's that calls the C library ----------------------------------------------- */

static char nucleus_stack[32768] __attribute__((aligned(16)));
static KnSem nucleus_done = K_KNSEM_INITIALIZER(0);
static char formatted[40];

static void nucleus_thread(void) {
    char* text = malloc(40);
    snprintf(text, 40, "%s %d %.1f", "thread", 7, 0.5);
    strcpy(formatted, text);
    free(text);
    errno = 5;
    semV(&nucleus_done);
    threadDelete(K_MYACTOR, K_MYSELF);
}

static void nucleus_threads(void) {
    const KnDefaultStartInfo_f start = {K_DEFAULT_START_INFO, K_USERTHREAD, 0,
                                        (VmAddr)(nucleus_stack + sizeof nucleus_stack), (KnPc)nucleus_thread};
    KnThreadLid thread = 0;
    errno = 0;
    CHECK_EQUAL(threadCreate(K_MYACTOR, &thread, K_ACTIVE, NULL, &start), K_OK);
    CHECK_EQUAL(semP(&nucleus_done, K_NOTIMEOUT), K_OK);
    CHECK(strcmp(formatted, "thread 7 0.5") == 0);
    CHECK_EQUAL(errno, 0); /* it has its own */
}

int main(void) {
    counting();
    conditions();
    timeouts();
    nucleus_threads();
    return finish("threads");
}
