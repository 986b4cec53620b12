// The variants of afexecve: arguments one by one, the caller's environment, paths that are searched.
#include <am/afexec.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

extern char** environ;

int afexecv(const char* path, KnCap* actorcap, const AcParam* param, char* const argv[]) {
    return afexecve(path, actorcap, param, argv, environ);
}

// Folder and name as a path in `buffer` (PATH_MAX bytes); 0 if it is too long. An empty folder is the current
// one.
static int join(char* buffer, const char* folder, size_t folder_length, const char* name) {
    const size_t name_length = strlen(name);
    if (folder_length + name_length + 2 > PATH_MAX) {
        return 0;
    }
    memcpy(buffer, folder, folder_length);
    if (folder_length != 0) {
        buffer[folder_length++] = '/';
    }
    memcpy(buffer + folder_length, name, name_length + 1);
    return 1;
}

int afexecvp(const char* path, KnCap* actorcap, const AcParam* param, char* const argv[]) {
    if (strchr(path, '/') != NULL || *path == '\0') {
        return afexecve(path, actorcap, param, argv, environ);
    }
    const char* folder = getenv("PATH");
    if (folder == NULL) {
        folder = "/bin";
    }
    int error = ENOENT;
    for (;;) {
        const size_t length = strcspn(folder, ":");
        char whole[PATH_MAX];
        if (join(whole, folder, length, path)) {
            const int aid = afexecve(whole, actorcap, param, argv, environ);
            // As execvp(): only where there is no such file is it looked for further; a file that may not be
            // executed is told of if there is no other.
            if (aid >= 0 || (errno != ENOENT && errno != ENOTDIR && errno != EACCES)) {
                return aid;
            }
            error = errno == EACCES ? EACCES : error;
        }
        if (folder[length] == '\0') {
            errno = error;
            return -1;
        }
        folder += length + 1;
    }
}

// Where the arguments of the calls below go: the folders that are searched, and whose environment it is.
enum kind { plain, with_environment, searched };

static int call_with_list(enum kind kind, const char* path, KnCap* actorcap, const AcParam* param,
                          const char* first, va_list rest) {
    va_list counted;
    va_copy(counted, rest);
    size_t count = 0;
    for (const char* argument = first; argument != NULL; argument = va_arg(counted, const char*)) {
        ++count;
    }
    va_end(counted);
    char** const argv = malloc((count + 1) * sizeof(char*));
    if (argv == NULL) {
        return -1;
    }
    // The cast is that of exec(): the strings are not written to, the array's type says so nowhere.
    memcpy(argv, &first, sizeof(first));
    for (size_t i = 1; i <= count; ++i) {
        argv[i] = va_arg(rest, char*);
    }
    char** const envp = kind == with_environment ? va_arg(rest, char**) : environ;
    const int aid = kind == searched ? afexecvp(path, actorcap, param, argv)
                                     : afexecve(path, actorcap, param, argv, envp);
    const int error = errno;
    free(argv);
    errno = error;
    return aid;
}

int afexec(const char* path, KnCap* actorcap, const AcParam* param, const char* argument, ...) {
    va_list rest;
    va_start(rest, argument);
    const int aid = call_with_list(plain, path, actorcap, param, argument, rest);
    va_end(rest);
    return aid;
}

int afexecl(const char* path, KnCap* actorcap, const AcParam* param, const char* argument, ...) {
    va_list rest;
    va_start(rest, argument);
    const int aid = call_with_list(plain, path, actorcap, param, argument, rest);
    va_end(rest);
    return aid;
}

int afexecle(const char* path, KnCap* actorcap, const AcParam* param, const char* argument, ...) {
    va_list rest;
    va_start(rest, argument);
    const int aid = call_with_list(with_environment, path, actorcap, param, argument, rest);
    va_end(rest);
    return aid;
}

int afexeclp(const char* path, KnCap* actorcap, const AcParam* param, const char* argument, ...) {
    va_list rest;
    va_start(rest, argument);
    const int aid = call_with_list(searched, path, actorcap, param, argument, rest);
    va_end(rest);
    return aid;
}
