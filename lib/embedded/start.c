// How an actor of the embedded library begins: the C library's own start with what Linux would have put on
// its stack, for main(1, {name}, {}).
#include "internal.h"

#include <chorus.h>
#include <elf.h>
#include <stdlib.h>

int main(int argc, char** argv, char** envp);
int __libc_start_main(int (*)(int, char**, char**), int, char**, void (*)(void), void (*)(void),
                      void (*)(void));
_Noreturn void actor_start(void);
_Noreturn void thread_exit(void);

static char name[K_ACTORNAMEMAX];

// The program's headers are not looked for, so there are no thread-local variables: AT_PHNUM is 0.
static struct {
    char* arguments[2];
    char* environment[1];
    size_t auxiliary[4];
} start_block = {.auxiliary = {AT_PAGESZ, page_size, AT_NULL, 0}};

static int run_main(int argc, char** argv, char** envp) {
    threads_begin();
    return main(argc, argv, envp);
}

void actor_start(void) {
    actorName(K_MYACTOR, name, 0);
    start_block.arguments[0] = name;
    __libc_start_main(run_main, 1, start_block.arguments, 0, 0, 0);
    thread_exit();
}

void thread_exit(void) {
    threadDelete(K_MYACTOR, K_MYSELF);
    for (;;) { // a thread that cannot end must at least not take a CPU
        threadDelay(K_NOTIMEOUT);
    }
}
