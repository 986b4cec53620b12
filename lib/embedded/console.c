// Files 0, 1 and 2: the system console. Input comes by lines, of which readers take what they have room for.
#include "internal.h"

#include <chorus.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

enum { line_limit = 512 };

static KnMutex reading = K_KNMUTEX_INITIALIZER;
static char line[line_limit]; // under `reading`: what was typed, with its newline
static size_t line_size, line_taken;

long console_write(const void* bytes, size_t size) {
    size_t written = 0;
    while (written < size) {
        const size_t left = size - written;
        const int result = sysWrite((const char*)bytes + written, left > INT_MAX ? INT_MAX : (unsigned)left);
        if (result <= 0) {
            return written != 0 ? (long)written : -EFAULT;
        }
        written += (size_t)result;
    }
    return (long)written;
}

// A line that is longer than sysRead has room for comes in pieces, each with a newline of its own.
static long take_line(void) {
    const int result = sysRead(line, line_limit - 1);
    if (result < 0) {
        return result == K_EABORT ? -EINTR : -EIO;
    }
    line[result] = '\n';
    line_size = (size_t)result + 1;
    line_taken = 0;
    return 0;
}

long console_read(void* bytes, size_t size) {
    mutexGet(&reading);
    long result = line_taken == line_size && size != 0 ? take_line() : 0;
    if (result == 0) {
        const size_t left = line_size - line_taken;
        const size_t taken = left < size ? left : size;
        memcpy(bytes, line + line_taken, taken);
        line_taken += taken;
        result = (long)taken;
    }
    mutexRel(&reading);
    return result;
}
