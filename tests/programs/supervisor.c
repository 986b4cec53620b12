// Two actors from one source: the user actor starts the supervisor actor and waits for it; that one has
// files, arguments and an environment as any program of C_OS, and makes C_OS's calls without a trap.
#include "check.h"

#include <am/afexec.h>
#include <am/await.h>
#include <chorus.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { exit_status = 5 };

static int entries_of(const char* path) {
    int count = 0;
    DIR* const folder = opendir(path);
    while (folder != NULL && readdir(folder) != NULL) {
        ++count;
    }
    closedir(folder);
    return count;
}

static int be_supervisor(int argc, char** argv, char** envp) {
    struct stat status;
    char head[4] = "";
    CHECK_EQUAL(argc, 3);
    CHECK(strcmp(argv[1], "one") == 0 && argv[2][0] == '\0' && argv[3] == NULL);
    CHECK(envp[0] != NULL && strcmp(envp[0], "only=this") == 0 && envp[1] == NULL);
    CHECK(strcmp(getenv("only"), "this") == 0);
    CHECK_EQUAL(stat("/bin", &status), 0);
    CHECK(S_ISDIR(status.st_mode) && entries_of("/bin") > 2);
    FILE* const file = fopen(argv[0], "r");
    CHECK(file != NULL && fread(head, 1, 4, file) == 4 && memcmp(head, "\177ELF", 4) == 0);
    fclose(file);
    CHECK_ERROR(open("/nothing", O_RDONLY), ENOENT);
    CHECK(agetId() > 1);
    return failures == 0 ? exit_status : 1;
}

// The examples of the manual, in the supervisor space: a line that they print.
static void run_example(const char* program, const char* argument, const char* wanted) {
    AcParam parameters = {.acFlags = AFX_SUPERVISOR_SPACE, .acStdout = "/tmp/output"};
    KnCap actor;
    int status = -1;
    char line[120] = "";
    CHECK(afexecl(program, &actor, &parameters, program, argument, NULL) > 0);
    CHECK_EQUAL(awaits(&actor, &status), 0);
    CHECK_EQUAL(status, 0);
    FILE* const file = fopen("/tmp/output", "r");
    int found = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        found |= strncmp(line, wanted, strlen(wanted)) == 0;
    }
    CHECK(found);
    if (file != NULL) {
        fclose(file);
    }
    unlink("/tmp/output");
}

static void run_examples(void) {
    FILE* const file = fopen("/tmp/text", "w");
    CHECK(file != NULL && fprintf(file, "%0100d\n", 7) == 101 && fclose(file) == 0);
    run_example("/bin/5-1", NULL, "This actor is running as a supervisor actor");
    run_example("/bin/5-2", "/tmp/text", "File size is 101 mode 0x81a4");
    run_example("/bin/5-3", NULL, "I succeeded creating actor whose aid is ");
}

int main(int argc, char** argv, char** envp) {
    KnActorPrivilege privilege = K_USERACTOR;
    actorPrivilege(K_MYACTOR, &privilege, NULL);
    if (privilege == K_SUPACTOR) {
        return be_supervisor(argc, argv, envp);
    }
    const char program[] = "/bin/supervised.r";
    char* const environment[] = {"only=this", NULL};
    AcParam parameters = {.acFlags = AFX_ANY_SPACE};
    KnCap actor;
    int status = -1;
    CHECK(afexecle(program, &actor, &parameters, program, "one", "", NULL, environment) > 0);
    CHECK_EQUAL(awaits(&actor, &status), 0);
    CHECK(IS_EXIT_EVT(status) && GET_EXIT_EVT(status) == exit_status);
    parameters.acFlags = AFX_USER_SPACE;
    CHECK_ERROR(afexecl(program, &actor, &parameters, program, NULL), ENOEXEC);
    run_examples();
    return finish("supervisor");
}
