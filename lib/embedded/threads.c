// The control blocks that the C library keeps for each thread: errno, the owner of a lock. Threads get theirs
// when they first need it, whoever made them.
//
// Invariant: a thread's block is in its software register `block_register`, or that is 0. memory[lid] is used
// by the threads of that id one after the other, and never freed.
#include "internal.h"
#include "pthread_impl.h"
#include "stdio_impl.h"

#include <chorus.h>
#include <string.h>

enum { block_register = 3 }; // 2 is C_OS's in supervisor mode

static unsigned char* memory[thread_limit];

static void allow_lock(FILE* file) {
    if (file != 0 && file->lock < 0) {
        file->lock = 0;
    }
}

extern FILE* volatile __stdin_used, * volatile __stdout_used, * volatile __stderr_used;

// The C library leaves locks out while there is one thread; here nobody tells it when there are more.
void threads_begin(void) {
    libc.threaded = 1;
    libc.need_locks = 1;
    libc.threads_minus_1 = 1;
    allow_lock(__stdin_used);
    allow_lock(__stdout_used);
    allow_lock(__stderr_used);
}

int __set_thread_area(void* block) {
    threadPrivateStore(block_register, (long)block);
    return 0;
}

static uintptr_t make_block(void) {
    const int lid = threadSelf();
    if (memory[lid] == 0) {
        const long made = memory_map(libc.tls_size, MAP_ANONYMOUS);
        if (is_error(made)) {
            a_crash(); // errno itself has no place
        }
        memory[lid] = (unsigned char*)made;
    }
    memset(memory[lid], 0, libc.tls_size);
    __init_tp(__copy_tls(memory[lid]));
    return (uintptr_t)threadPrivateLoad(block_register);
}

uintptr_t chorus_thread_block(void) {
    const uintptr_t block = (uintptr_t)threadPrivateLoad(block_register);
    return block != 0 ? block : make_block();
}
