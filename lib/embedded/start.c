// How an actor of the embedded library begins: the C library's own start with what Linux would have put on
// its stack: for main(1, {name}, {}), or with the arguments that C_OS has.
#include "internal.h"

#include <chorus.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char** argv, char** envp);
int __libc_start_main(int (*)(int, char**, char**), int, char**, void (*)(void), void (*)(void),
                      void (*)(void));
_Noreturn void actor_start(void);
_Noreturn void thread_exit(void);

static char name[K_ACTORNAMEMAX];

// The program's headers are not looked for, so there are no thread-local variables: AT_PHNUM is 0.
static const size_t auxiliary[4] = {AT_PAGESZ, page_size, AT_NULL, 0};

static struct {
    char* arguments[2];
    char* environment[1];
    size_t auxiliary[4];
} start_block = {.auxiliary = {AT_PAGESZ, page_size, AT_NULL, 0}};

static int run_main(int argc, char** argv, char** envp) {
    threads_begin();
    return main(argc, argv, envp);
}

// The arrays on pages of their own, the strings where they are.
static char** unpack(const AlParam* packed) {
    const size_t count = (size_t)packed->alArgc + packed->alEnvc;
    const long memory = memory_map((count + 2) * sizeof(char*) + sizeof(auxiliary), MAP_ANONYMOUS);
    if (is_error(memory)) {
        return 0;
    }
    char** const arguments = (char**)memory;
    char** place = arguments;
    const char* string = packed->alStrings;
    for (size_t i = 0; i < count; ++i) {
        place += i == packed->alArgc; // the null between them, as memory comes
        *place++ = (char*)string;
        string += strlen(string) + 1;
    }
    memcpy(arguments + count + 2, auxiliary, sizeof(auxiliary));
    return arguments;
}

void actor_start(void) {
    actorName(K_MYACTOR, name, 0);
    start_block.arguments[0] = name;
    const AlParam* const packed = c_os_begin();
    char** const arguments = packed != 0 && packed->alArgc != 0 ? unpack(packed) : 0;
    if (arguments != 0) {
        __libc_start_main(run_main, (int)packed->alArgc, arguments, 0, 0, 0);
    } else {
        __libc_start_main(run_main, 1, start_block.arguments, 0, 0, 0);
    }
    thread_exit();
}

void thread_exit(void) {
    threadDelete(K_MYACTOR, K_MYSELF);
    for (;;) { // a thread that cannot end must at least not take a CPU
        threadDelay(K_NOTIMEOUT);
    }
}
