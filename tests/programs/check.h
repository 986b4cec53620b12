/* What the programs of this folder check with. A program prints a line for each check that fails and one at
 * its end; its exit status tells. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            ++failures;                                                                                      \
            printf("FAILED %s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);                  \
        }                                                                                                    \
    } while (0)

#define CHECK_EQUAL(value, expected)                                                                         \
    do {                                                                                                     \
        const long value_ = (long)(value), expected_ = (long)(expected);                                     \
        if (value_ != expected_) {                                                                           \
            ++failures;                                                                                      \
            printf("FAILED %s:%d: %s is %ld, not %ld (errno %d)\n", __FILE__, __LINE__, #value, value_,      \
                   expected_, errno);                                                                        \
        }                                                                                                    \
    } while (0)

/* A call that is to fail. */
#define CHECK_ERROR(call, error)                                                                             \
    do {                                                                                                     \
        errno = 0;                                                                                           \
        CHECK_EQUAL(call, -1);                                                                               \
        CHECK_EQUAL(errno, error);                                                                           \
    } while (0)

static int finish(const char* name) {
    printf("%s: %s\n", name, failures == 0 ? "passed" : "failed");
    fflush(stdout);
    return failures == 0 ? 0 : 1;
}

#endif
