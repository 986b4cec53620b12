// The embedded library in a boot actor, as a user and as a supervisor actor: threads of the nucleus's each
// have an errno, share a heap and standard output, and wait for each other's locks.
#include "check.h"

#include <chorus.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { thread_count = 3, rounds = 2000, stack_size = 32768 };

static KnSem ended;
static int good[thread_count], next_thread;
static KnMutex turn = K_KNMUTEX_INITIALIZER;
static char stacks[thread_count][stack_size] __attribute__((aligned(16)));

static void body(void) {
    mutexGet(&turn);
    const int self = next_thread++;
    mutexRel(&turn);
    int right = errno == 0;
    errno = 100 + self;
    for (int i = 0; i < rounds; ++i) {
        const size_t size = 1 + (size_t)(i * 37 + self) % 3000;
        char* const memory = malloc(size);
        memset(memory, self, size);
        char text[40];
        snprintf(text, sizeof(text), "%d %s", self, "words");
        right &= memory[0] == self && memory[size - 1] == self && text[0] == '0' + self;
        free(memory);
        if (i % 500 == 0) {
            printf("thread %d at %d\n", self, i);
        }
    }
    good[self] = right && errno == 100 + self;
    semV(&ended);
    threadDelete(K_MYACTOR, K_MYSELF);
}

int main(int argc, char** argv) {
    KnActorPrivilege privilege = K_USERACTOR;
    actorPrivilege(K_MYACTOR, &privilege, NULL);
    CHECK_EQUAL(argc, 1);
    CHECK_EQUAL(argv[1] == NULL, 1);
    semInit(&ended, 0);
    for (int i = 0; i < thread_count; ++i) {
        KnThreadLid thread;
        const KnDefaultStartInfo_f start = {
            .dsType = K_DEFAULT_START_INFO,
            .dsPrivilege = privilege == K_SUPACTOR ? K_SUPTHREAD : K_USERTHREAD,
            .dsSystemStackSize = K_DEFAULT_STACK_SIZE,
            // As after the call of a function on x86-64.
            .dsUserStackPointer = privilege == K_SUPACTOR ? 0 : (VmAddr)&stacks[i][stack_size - 8],
            .dsEntry = (KnPc)body,
        };
        CHECK_EQUAL(threadCreate(K_MYACTOR, &thread, K_ACTIVE, NULL, &start), K_OK);
    }
    for (int i = 0; i < thread_count; ++i) {
        semP(&ended, K_NOTIMEOUT);
    }
    for (int i = 0; i < thread_count; ++i) {
        CHECK_EQUAL(good[i], 1);
    }
    char* const big = malloc(1 << 20);
    CHECK_EQUAL(big != NULL, 1);
    free(big);
    return finish(privilege == K_SUPACTOR ? "embedded.supervisor" : "embedded.user");
}
