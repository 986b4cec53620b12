// threadCreate for actors with musl: gives a thread of the nucleus what pthread_create gives its own
// (chorus/extended.h). Compiled as a part of musl, whose insides it uses.
//
// Invariant: blocks[lid] is the control block of the thread lid or of the last one of that id; it is made
// when an id is first used, and never freed. So the end of a thread, by whomever, needs nothing from here.
#include "atomic.h"
#include "futex.h"
#include "libc.h"
#include "pthread_impl.h"
#include "stdio_impl.h"

#include <chorus/extended.h>
#include <stdlib.h>
#include <string.h>

enum { thread_limit = 256 }; // of an actor, in the nucleus

struct block {
    size_t size; // of the memory behind it; libraries that are opened later would make it bigger
    unsigned char* memory;
};
static struct block blocks[thread_limit];

extern volatile size_t __pthread_tsd_size;
extern void* __pthread_tsd_main[];
extern FILE* volatile __stdin_used, * volatile __stdout_used, * volatile __stderr_used;

hidden void chorus_thread_entry(void);
hidden void chorus_thread_begin(struct pthread* block);

static void allow_lock(FILE* file) {
    if (file != 0 && file->lock < 0) {
        file->lock = 0;
    }
}

// What pthread_create does when it is called first: a program of one thread takes no locks until then.
static void become_threaded(void) {
    if (!libc.threaded) {
        for (FILE* file = *__ofl_lock(); file != 0; file = file->next) {
            allow_lock(file);
        }
        __ofl_unlock();
        allow_lock(__stdin_used);
        allow_lock(__stdout_used);
        allow_lock(__stderr_used);
        if (__pthread_self()->tsd == 0) {
            __pthread_self()->tsd = (void**)__pthread_tsd_main;
        }
        libc.threaded = 1;
    }
    // One more than pthread_create's threads for good: their last one's end must not end locking.
    static volatile int counted;
    if (a_swap(&counted, 1) == 0) {
        __tl_lock();
        ++libc.threads_minus_1;
        libc.need_locks = 1;
        __tl_unlock();
    }
}

static struct pthread* make_block(KnThreadLid lid) {
    struct block* const block = &blocks[lid];
    const size_t size = libc.tls_size + __pthread_tsd_size;
    if (block->size < size) {
        unsigned char* const memory = malloc(size);
        if (memory == 0) {
            return 0;
        }
        free(block->memory);
        block->memory = memory;
        block->size = size;
    }
    memset(block->memory, 0, size);
    struct pthread* const own = __pthread_self();
    struct pthread* const made = __copy_tls(block->memory);
    made->self = made;
    made->next = made->prev = made;
    made->tsd = (void**)(block->memory + libc.tls_size);
    made->locale = &libc.global_locale;
    made->detach_state = DT_DETACHED;
    made->robust_list.head = &made->robust_list.head;
    made->canary = own->canary;
    made->sysinfo = own->sysinfo;
    return made;
}

// The new thread's first C code, on its own stack.
void chorus_thread_begin(struct pthread* block) {
    __set_thread_area(TP_ADJ(block));
    block->tid = __syscall(SYS_gettid);
}

static int is_own(const KnCap* actorcap) {
    KnCap own;
    return actorcap == K_MYACTOR || (actorSelf(&own) == K_OK && uiEqual(&own.ui, &actorcap->ui) != 0);
}

int threadCreate(const KnCap* actorcap, KnThreadLid* threadli, KnThreadStatus status, const void* schedparam,
                 const void* startinfo) {
    const KnDefaultStartInfo_f* const wanted = startinfo;
    if (wanted == 0 || threadli == 0 || wanted->dsType != K_DEFAULT_START_INFO ||
        wanted->dsPrivilege != K_USERTHREAD || (status != K_ACTIVE && status != K_INACTIVE) ||
        !is_own(actorcap)) {
        return threadCreateRaw(actorcap, threadli, status, schedparam, startinfo);
    }
    become_threaded();
    // chorus_thread_entry finds its block and the program's entry here. The thread must not run before they
    // are there, and which block it is follows from its id.
    uintptr_t* const words = (uintptr_t*)wanted->dsUserStackPointer - 2;
    KnDefaultStartInfo_f start = *wanted;
    start.dsUserStackPointer = (VmAddr)words;
    start.dsEntry = (KnPc)&chorus_thread_entry;
    KnThreadLid lid;
    int error = threadCreateRaw(K_MYACTOR, &lid, K_INACTIVE, schedparam, &start);
    if (error < 0) {
        return error;
    }
    struct pthread* const block = lid < thread_limit ? make_block(lid) : 0;
    if (block == 0) {
        threadDelete(K_MYACTOR, lid);
        return K_ENOMEM;
    }
    words[0] = (uintptr_t)block;
    words[1] = wanted->dsEntry;
    *threadli = lid;
    if (status == K_ACTIVE && (error = threadActivate(K_MYACTOR, lid)) < 0) {
        threadDelete(K_MYACTOR, lid);
        return error;
    }
    return K_OK;
}
