// threadCreate() of libchorus.a where clone() plays the nucleus: its threads are on a given stack and have no
// thread pointer of their own, as the nucleus's are.
#define _GNU_SOURCE
#include <chorus/extended.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { limit = 8, stack_size = 65536, rounds = 20000 };

static KnDefaultStartInfo_f starts[limit];
static int used[limit], active[limit];
static char kernel_stacks[limit][stack_size] __attribute__((aligned(16)));
void go_to(uintptr_t stack, uintptr_t entry);

static int begin(void* start) {
    const KnDefaultStartInfo_f* const info = start;
    go_to(info->dsUserStackPointer, info->dsEntry);
    return 0;
}

int actorSelf(KnCap* actorcap) {
    *actorcap = (KnCap){{1, 2}, 3};
    return K_OK;
}

int threadCreateRaw(const KnCap* actorcap, KnThreadLid* threadli, KnThreadStatus status,
                    const void* schedparam, const void* startinfo) {
    (void)schedparam;
    KnThreadLid lid = 1;
    while (lid < limit && used[lid]) {
        ++lid;
    }
    if (lid == limit) {
        return K_EFULL;
    }
    printf("raw %d of %s, %s\n", lid, actorcap == K_MYACTOR ? "the own" : "another actor",
           status == K_ACTIVE ? "active" : "inactive");
    used[lid] = 1;
    starts[lid] = *(const KnDefaultStartInfo_f*)startinfo;
    *threadli = lid;
    return K_OK;
}

int threadActivate(const KnCap* actorcap, KnThreadLid threadli) {
    (void)actorcap;
    active[threadli] = 1;
    return clone(begin, kernel_stacks[threadli] + stack_size,
                 CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
                 &starts[threadli]) < 0
               ? K_ENOMEM
               : K_OK;
}

int threadDelete(const KnCap* actorcap, KnThreadLid threadli) {
    (void)actorcap;
    used[threadli] = 0;
    return K_OK;
}

static _Thread_local int mine = 7;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static volatile int total, ended, good;
static char stacks[limit][stack_size] __attribute__((aligned(16)));

static void body(void) {
    const int fresh = mine == 7 && errno == 0 && pthread_getspecific(key) == NULL;
    pthread_setspecific(key, &mine);
    for (int i = 0; i < rounds; ++i) {
        pthread_mutex_lock(&lock);
        ++total;
        mine = total;
        errno = total;
        pthread_mutex_unlock(&lock);
        free(malloc((size_t)i % 500));
        fprintf(stderr, "%c", 'x');
    }
    pthread_mutex_lock(&lock);
    good += fresh && mine != 7 && errno != 0 && pthread_getspecific(key) == &mine && syscall(SYS_gettid) > 0;
    ++ended;
    pthread_mutex_unlock(&lock);
    syscall(SYS_exit, 0);
}

static void wait_for(int count) {
    while (ended < count) {
        sched_yield();
    }
    usleep(20000); // the last one is on its stack until it has ended
}

int main(void) {
    static char buffer[4096];
    setvbuf(stderr, buffer, _IOFBF, sizeof(buffer));
    freopen("/dev/null", "w", stderr);
    pthread_key_create(&key, NULL);
    KnCap other = {{1, 9}, 3}, own;
    actorSelf(&own);
    KnThreadLid lids[limit];
    for (int round = 1; round <= 2; ++round) { // the second takes the first one's blocks
        for (int i = 0; i < 3; ++i) {
            const KnDefaultStartInfo_f start = {K_DEFAULT_START_INFO, K_USERTHREAD, 0,
                                                (VmAddr)&stacks[i][stack_size], (KnPc)body};
            const int error = threadCreate(i == 0 ? &own : K_MYACTOR, &lids[i],
                                           i == 2 ? K_INACTIVE : K_ACTIVE, NULL, &start);
            printf("%d %d\n", error, lids[i]);
        }
        printf("%d\n", active[3]);
        threadActivate(K_MYACTOR, 3);
        wait_for(3 * round);
        for (int i = 0; i < 3; ++i) {
            threadDelete(K_MYACTOR, lids[i]);
        }
        active[3] = 0;
    }
    const KnDefaultStartInfo_f start = {K_DEFAULT_START_INFO, K_USERTHREAD, 0, 0, 0};
    printf("%d\n", threadCreate(&other, &lids[0], K_ACTIVE, NULL, &start));
    printf("%d %d %d\n", total, good, mine);
    return 0;
}
