// User actors for the boot bank: those that C_OS starts are linked with other libraries.
#include "internal.h"

#include <errno.h>

int c_os_serves(void) { return 0; }

long c_os_call(long number, long first, long second, long third, long fourth, long fifth, long sixth) {
    (void)number, (void)first, (void)second, (void)third, (void)fourth, (void)fifth, (void)sixth;
    return -ENOSYS;
}

const AlParam* c_os_begin(void) { return 0; }
