// Packed arguments and environments (am/afexec.h says how they lie).
#include <am/afexec.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static unsigned count_and_measure(char* const strings[], size_t* bytes) {
    unsigned count = 0;
    for (; strings != NULL && strings[count] != NULL; ++count) {
        *bytes += strlen(strings[count]) + 1;
    }
    return count;
}

static char* append(char* to, char* const strings[], unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        const size_t length = strlen(strings[i]) + 1;
        memcpy(to, strings[i], length);
        to += length;
    }
    return to;
}

AlParam* alParamBuild(char* const argv[], char* const envp[]) {
    size_t bytes = offsetof(AlParam, alStrings);
    const unsigned arguments = count_and_measure(argv, &bytes);
    const unsigned variables = count_and_measure(envp, &bytes);
    if (bytes > UINT_MAX) {
        errno = E2BIG;
        return NULL;
    }
    // A block without strings is shorter than the structure with its padding.
    AlParam* const made = malloc(bytes > sizeof(AlParam) ? bytes : sizeof(AlParam));
    if (made != NULL) {
        made->alSize = (unsigned)bytes;
        made->alArgc = arguments;
        made->alEnvc = variables;
        append(append(made->alStrings, argv, arguments), envp, variables);
    }
    return made;
}

int alParamUnpack(const AlParam* param, char*** argv, char*** envp) {
    const size_t head = offsetof(AlParam, alStrings);
    // Each string is at least its NUL, so counts that pass cannot make the sum below overflow.
    if (param->alSize < head || param->alArgc > param->alSize - head ||
        param->alEnvc > param->alSize - head - param->alArgc) {
        errno = EINVAL;
        return -1;
    }
    const size_t count = (size_t)param->alArgc + param->alEnvc;
    char** const made = malloc((count + 2) * sizeof(char*));
    if (made == NULL) {
        return -1;
    }
    const char* at = param->alStrings;
    const char* const end = at + (param->alSize - head);
    size_t place = 0;
    for (size_t i = 0; i < count; ++i) {
        const char* const nul = memchr(at, '\0', (size_t)(end - at));
        if (nul == NULL) {
            free(made);
            errno = EINVAL;
            return -1;
        }
        place += i == param->alArgc ? 1U : 0U; // the NULL between them
        memcpy(&made[place++], &at, sizeof(at));
        at = nul + 1;
    }
    made[param->alArgc] = NULL;
    made[count + 1] = NULL;
    *argv = made;
    *envp = made + param->alArgc + 1;
    return 0;
}
