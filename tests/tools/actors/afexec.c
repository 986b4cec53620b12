// The variants of afexecve() over one that says what it was given; packed arguments; the status macros.
#define _GNU_SOURCE
#include <am/afexec.h>
#include <am/await.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char* exists = "";

int afexecve(const char* path, KnCap* actorcap, const AcParam* param, char* const argv[],
             char* const envp[]) {
    (void)actorcap, (void)param;
    if (strcmp(path, exists) != 0) {
        printf("no %s\n", path);
        errno = strstr(path, "closed") != NULL ? EACCES : ENOENT;
        return -1;
    }
    printf("%s", path);
    for (; *argv != NULL; ++argv) {
        printf(" %s", *argv);
    }
    printf(" | %s\n", *envp == NULL ? "" : *envp);
    return 13;
}

static void try_variants(void) {
    char* const argv[] = {"zero", "one", NULL};
    char* const envp[] = {"only=this", NULL};
    clearenv();
    setenv("the", "caller's", 1);
    exists = "/x/prog";
    printf("%d\n", afexec("/x/prog", NULL, NULL, "a", NULL));
    printf("%d\n", afexecl("/x/prog", NULL, NULL, "a", "b", "c", NULL));
    printf("%d\n", afexecle("/x/prog", NULL, NULL, "a", NULL, envp));
    printf("%d\n", afexecv("/x/prog", NULL, NULL, argv));
    exists = "/closed/prog";
    setenv("PATH", "/a::/closed", 1);
    printf("%d\n", afexeclp("prog", NULL, NULL, "a", "b", NULL));
    exists = "";
    printf("%d %d\n", afexecvp("prog", NULL, NULL, argv), errno == EACCES);
    unsetenv("PATH");
    printf("%d %d\n", afexecvp("prog", NULL, NULL, argv), errno == ENOENT);
    printf("%d\n", afexecvp("./prog", NULL, NULL, argv));
}

static void try_packing(void) {
    char* const argv[] = {"zero", "", "two", NULL};
    char* const envp[] = {"A=1", NULL};
    char **arguments, **variables;
    AlParam* const packed = alParamBuild(argv, envp);
    printf("%u %u %u\n", packed->alSize, packed->alArgc, packed->alEnvc);
    printf("%d ", alParamUnpack(packed, &arguments, &variables));
    printf("%s,%s,%s,%d,%s,%d\n", arguments[0], arguments[1], arguments[2], arguments[3] == NULL,
           variables[0], variables[1] == NULL);
    free(arguments);
    packed->alSize -= 1; // the last string has lost its end
    printf("%d %d\n", alParamUnpack(packed, &arguments, &variables), errno == EINVAL);
    packed->alArgc = UINT_MAX;
    printf("%d\n", alParamUnpack(packed, &arguments, &variables));
    packed->alArgc = packed->alEnvc = 0, packed->alSize = 3;
    printf("%d\n", alParamUnpack(packed, &arguments, &variables));
    free(packed);
    AlParam* const empty = alParamBuild(NULL, NULL);
    printf("%d %d\n", alParamUnpack(empty, &arguments, &variables), *arguments == NULL && *variables == NULL);
}

int main(void) {
    try_variants();
    try_packing();
    const int exited = 0x1234 << 8 & 0xff00, killed = AEVT_PROTECTION, stopped = AEVT_BREAKPOINT << 8 | 0x7f;
    printf("%d%d%d %d%d%d %d%d%d %d %d %d\n", IS_EXIT_EVT(exited), IS_KILL_EVT(exited), IS_STP_EVT(exited),
           IS_EXIT_EVT(killed), IS_KILL_EVT(killed), IS_STP_EVT(killed), IS_EXIT_EVT(stopped),
           IS_KILL_EVT(stopped), IS_STP_EVT(stopped), GET_EXIT_EVT(exited), GET_KILL_EVT(killed),
           GET_STP_EVT(stopped));
    return 0;
}
