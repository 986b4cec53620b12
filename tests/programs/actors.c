/* Actors that start, await and kill each other, however they are occupied. Started with an argument it is
 * such an actor itself. */
#include "check.h"

#include <am/acap.h>
#include <am/afexec.h>
#include <am/astat.h>
#include <am/await.h>
#include <chorus.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "/bin/test_actors"

/* ---- what the others do ----------------------------------------------------------------------------------
 */

static void* wait_for_ever(void* argument) {
    pause();
    for (;;) sleep(1000);
    return argument;
}

static void in_futex(void) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
}

static void in_pipe(void) {
    int ends[2];
    char byte;
    if (pipe(ends) == 0) read(ends[0], &byte, 1);
}

static void in_message(void) {
    KnMsgDesc message = {0, 0, 0, 0, 0};
    int port = K_DEFAULTPORT;
    ipcReceive(&message, &port, -1);
}

static void with_threads(void) {
    pthread_t thread;
    for (int i = 0; i < 8; ++i) pthread_create(&thread, NULL, wait_for_ever, NULL);
    for (;;) sleep(1000);
}

static void on_cpu(void) {
    for (;;) __asm__ volatile("");
}

static void in_await(void) {
    KnCap child;
    char* const arguments[] = {PROGRAM, "nap", NULL}; /* it outlives its parent */
    afexecve(PROGRAM, &child, NULL, arguments, NULL);
    awaits(&child, NULL);
}

static void in_files(void) {
    static char block[65536];
    for (;;) {
        const int file = open("/tmp/busy", O_RDWR | O_CREAT, 0600);
        write(file, block, sizeof block);
        lseek(file, 0, SEEK_SET);
        read(file, block, sizeof block);
        close(file);
    }
}

static void in_sleep(void) { sleep(1000); }
static void in_nap(void) { usleep(300000); }
static void in_nucleus(void) { threadDelay(K_NOTIMEOUT_NOABORT); }
static void by_null(void) { *(volatile int*)8 = 1; }
static void by_text(void) { *(volatile int*)(long)by_null = 1; }
static void by_abort(void) { abort(); }
static void by_delete(void) { actorDelete(K_MYACTOR); }
/* Threads that end without the C library, all at once: whichever is the last ends the actor. */
static void* end_alone(void* argument) {
    syscall(SYS_exit, 0);
    return argument;
}
static void by_last_thread(void) {
    pthread_t thread;
    for (int i = 0; i < 8; ++i) pthread_create(&thread, NULL, end_alone, NULL);
    end_alone(NULL);
}
static void by_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    exit(5);
}

struct Occupation {
    const char* name;
    void (*run)(void);
    int event; /* how it ends by itself: -1, not at all; else GET_KILL_EVT, or the exit status + 256 */
};
static const struct Occupation occupations[] = {
    {"sleep", in_sleep, -1},
    {"futex", in_futex, -1},
    {"pipe", in_pipe, -1},
    {"message", in_message, -1},
    {"threads", with_threads, -1},
    {"cpu", on_cpu, -1},
    {"await", in_await, -1},
    {"files", in_files, -1},
    {"nucleus", in_nucleus, -1},
    {"null", by_null, AEVT_PROTECTION},
    {"text", by_text, AEVT_PROTECTION},
    {"abort", by_abort, SIGABRT},
    {"delete", by_delete, AEVT_DELETE},
    {"exit", by_thread, 256 + 5},
    {"nap", in_nap, 256},
    {"last", by_last_thread, 256},
};
enum { occupation_count = sizeof occupations / sizeof occupations[0] };

/* ---- the test --------------------------------------------------------------------------------------------
 */

static int start(const char* name, KnCap* actor) {
    char* const arguments[] = {PROGRAM, (char*)name, NULL};
    char* const variables[] = {"PATH=/bin", NULL};
    return afexecve(PROGRAM, actor, NULL, arguments, variables);
}

static void ends(void) {
    for (int i = 0; i < occupation_count; ++i) {
        const struct Occupation* each = &occupations[i];
        KnCap actor;
        int status = 0;
        const int aid = start(each->name, &actor);
        CHECK(aid > 0);
        if (each->event < 0) {
            usleep(20000);
            CHECK_EQUAL(akill(&actor), 0);
        }
        CHECK_EQUAL(awaits(&actor, &status), 0);
        if (each->event >= 256) {
            CHECK(IS_EXIT_EVT(status));
            CHECK_EQUAL(GET_EXIT_EVT(status), each->event - 256);
        } else {
            CHECK(IS_KILL_EVT(status));
            CHECK_EQUAL(GET_KILL_EVT(status), each->event < 0 ? AEVT_AKILL : each->event);
        }
        CHECK_ERROR(awaits(&actor, &status), ESRCH); /* it is told once */
        CHECK_ERROR(akill(&actor), ESRCH);
    }
}

static void refused(void) {
    KnCap actor, other;
    char* const arguments[] = {PROGRAM, NULL};
    AcParam parameters = {0};
    CHECK_ERROR(afexecve("/nowhere", &actor, NULL, arguments, NULL), ENOENT);
    CHECK_ERROR(afexecve("/tmp", &actor, NULL, arguments, NULL), EACCES);
    CHECK_ERROR(afexecve((const char*)8, &actor, NULL, arguments, NULL), EFAULT);
    CHECK_ERROR(afexecve(PROGRAM, (KnCap*)8, NULL, arguments, NULL), EFAULT);
    parameters.acFlags = AFX_USER_SPACE | AFX_SUPERVISOR_SPACE;
    CHECK_ERROR(afexecve(PROGRAM, &actor, &parameters, arguments, NULL), EINVAL);
    CHECK(start("sleep", &actor) > 0);
    other = actor;
    other.key ^= 1;
    CHECK_ERROR(akill(&other), EINVAL);
    other.ui.uiTail ^= 1;
    CHECK_ERROR(akill(&other), ESRCH);
    CHECK_EQUAL(akill(&actor), 0);
    CHECK_EQUAL(awaits(&actor, NULL), 0);
    CHECK_ERROR(await(&actor, NULL), ECHILD);
}

static void bad_program(const char* path, const void* bytes, unsigned size) {
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    CHECK_EQUAL(write(file, bytes, size), size);
    close(file);
    KnCap actor;
    char* const arguments[] = {(char*)path, NULL};
    CHECK_ERROR(afexecve(path, &actor, NULL, arguments, NULL), ENOEXEC);
    unlink(path);
}

static void bad_programs(void) {
    unsigned char head[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    bad_program("/tmp/text", "#!/bin/sh\n", 10);
    bad_program("/tmp/short", head, 20);
    bad_program("/tmp/zeros", head, 64);
    bad_program("/tmp/squeezed", "\x1f\x8b\x08\0\0\0\0\0\0\0garbage that is no deflate stream\0\1\0\0", 47);
    KnCap actor;
    char* const arguments[] = {"/tmp/private", NULL};
    const int file = open("/tmp/private", O_WRONLY | O_CREAT, 0644);
    close(file);
    CHECK_ERROR(afexecve("/tmp/private", &actor, NULL, arguments, NULL), EACCES);
    unlink("/tmp/private");
}

/* Started in three steps, with its files somewhere else and packed arguments. */
static void steps(void) {
    KnCap actor;
    KnPc entry = 0;
    int status = 0;
    AcParam parameters = {0};
    parameters.acStdout = "/tmp/output";
    parameters.acCurdir = "/tmp";
    char* arguments[] = {"first", "where", NULL};
    char* variables[] = {"WORD=seven", NULL};
    AlParam* const packed = alParamBuild(arguments, variables);
    CHECK(packed != NULL);
    CHECK_EQUAL(acreate(&actor, &parameters), 0);
    CHECK_ERROR(astart(&actor), EINVAL);
    CHECK_EQUAL(aload(&actor, PROGRAM, packed, &entry), 0);
    CHECK(entry != 0);
    CHECK_ERROR(aload(&actor, PROGRAM, packed, &entry), EBUSY);
    CHECK_EQUAL(astart(&actor), 0);
    CHECK_EQUAL(awaits(&actor, &status), 0);
    CHECK(IS_EXIT_EVT(status) && GET_EXIT_EVT(status) == 3);
    FILE* file = fopen("/tmp/output", "r");
    char line[100] = "";
    CHECK(file != NULL && fgets(line, sizeof line, file) != NULL);
    CHECK(strcmp(line, "first where seven /tmp\n") == 0);
    if (file != NULL) fclose(file);
    unlink("/tmp/output");
    free(packed);
}

/* ---- the exec family: each starts `exit 5` or hears why not
 * ------------------------------------------------- */

static void ends_with_5(int aid, const KnCap* actor) {
    int status = 0;
    CHECK(aid > 0);
    CHECK_EQUAL(awaits(actor, &status), 0);
    CHECK_EQUAL(GET_EXIT_EVT(status), 5);
}

static void family(void) {
    KnCap actor;
    char* const arguments[] = {PROGRAM, "exit", NULL};
    char* const variables[] = {"PATH=/bin", NULL};
    ends_with_5(afexec(PROGRAM, &actor, NULL, PROGRAM, "exit", NULL), &actor);
    ends_with_5(afexecl(PROGRAM, &actor, NULL, PROGRAM, "exit", NULL), &actor);
    ends_with_5(afexecle(PROGRAM, &actor, NULL, PROGRAM, "exit", NULL, variables), &actor);
    ends_with_5(afexeclp("test_actors", &actor, NULL, PROGRAM, "exit", NULL), &actor);
    ends_with_5(afexecv(PROGRAM, &actor, NULL, arguments), &actor);
    ends_with_5(afexecvp("test_actors", &actor, NULL, arguments), &actor);
    CHECK_ERROR(afexecvp("no_such_program", &actor, NULL, arguments), ENOENT);
}

static void packed(void) {
    char* arguments[] = {"one", "two words", "", NULL};
    char* variables[] = {"NAME=value", NULL};
    char **argv = NULL, **envp = NULL;
    AlParam* const block = alParamBuild(arguments, variables);
    CHECK(block != NULL && block->alArgc == 3 && block->alEnvc == 1);
    CHECK_EQUAL(alParamUnpack(block, &argv, &envp), 0);
    CHECK(strcmp(argv[1], "two words") == 0 && argv[2][0] == '\0' && argv[3] == NULL);
    CHECK(strcmp(envp[0], "NAME=value") == 0 && envp[1] == NULL);
    free(argv);
    --block->alSize; /* the last string has no end then */
    CHECK_ERROR(alParamUnpack(block, &argv, &envp), EINVAL);
    free(block);
    AlParam* own = NULL;
    CHECK_EQUAL(agetalparam(&own), 0);
    CHECK(own == NULL); /* a user actor's are on its stack */
}

static void credentials(void) {
    KnCap actor;
    cx_cred_t old, wanted = {100, 200, 2, {7, 8}};
    CHECK_EQUAL(agetId(), getpid());
    CHECK(start("sleep", &actor) > 0);
    CHECK_EQUAL(acred(&actor, &old, &wanted), 0);
    CHECK(old.cr_uid == 0 && old.cr_gid == 0 && old.cr_ngroups == 0);
    CHECK_EQUAL(acred(&actor, &old, NULL), 0);
    CHECK(old.cr_uid == 100 && old.cr_gid == 200 && old.cr_ngroups == 2 && old.cr_groups[1] == 8);
    wanted.cr_ngroups = CX_NGROUPS + 1;
    CHECK_ERROR(acred(&actor, NULL, &wanted), EINVAL);
    CHECK_EQUAL(akill(&actor), 0);
    CHECK_EQUAL(awaits(&actor, NULL), 0);
    CHECK_ERROR(acred(&actor, &old, NULL), ESRCH);
}

static void listed(void) {
    astatEntry entries[8];
    KnCap actor, found;
    const int before = astat(entries, 8);
    const int aid = start("sleep", &actor);
    CHECK_EQUAL(astat(entries, 8), before + 1);
    CHECK_EQUAL(entries[before].astatAid, aid);
    CHECK(strcmp(entries[before].astatName, "test_actors") == 0);
    CHECK_EQUAL(acap(aid, &found), 0);
    CHECK(memcmp(&found, &actor, sizeof found) == 0);
    CHECK_ERROR(acap(0, &found), ESRCH);
    CHECK_EQUAL(akill(&actor), 0);
    CHECK_EQUAL(await(&found, NULL), aid);
}

static void counts(KnSysStatistics* statistics) {
    usleep(400000); /* what ends goes on ending for a while */
    sysStatistics(statistics);
}

/* Where more end at the same moment than before, caches keep more: but not every time. */
static void nothing_is_lost(void) {
    KnSysStatistics before, after;
    for (int i = 0; i < 3; ++i) ends(); /* what caches keep, they have then */
    counts(&after);
    for (int i = 0; i < 4; ++i) {
        before = after;
        ends();
        ends();
        counts(&after);
        if (after.regions == before.regions) break;
    }
    CHECK_EQUAL(after.actors, before.actors);
    CHECK_EQUAL(after.threads, before.threads);
    CHECK_EQUAL(after.ports, before.ports);
    CHECK_EQUAL(after.messages, before.messages);
    CHECK_EQUAL(after.regions, before.regions);
    CHECK(after.freePages + 64 >= before.freePages); /* caches of CPUs */
}

int main(int argc, char** argv) {
    if (argc == 2 && strcmp(argv[1], "where") == 0) {
        char folder[100];
        printf("%s %s %s %s\n", argv[0], argv[1], getenv("WORD"), getcwd(folder, sizeof folder));
        return 3;
    }
    for (int i = 0; argc == 2 && i < occupation_count; ++i) {
        if (strcmp(argv[1], occupations[i].name) == 0) {
            occupations[i].run();
            return 0;
        }
    }
    ends();
    refused();
    bad_programs();
    steps();
    family();
    packed();
    credentials();
    listed();
    nothing_is_lost();
    return finish("actors");
}
