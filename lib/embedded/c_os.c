// Supervisor actors that C_OS has started: it takes their system calls through a LAP (chorus/c_os_calls.h),
// and keeps their arguments for them.
//
// Invariant: `serves` is set before the actor's second thread, and stays.
#include "internal.h"

#include <chorus.h>
#include <chorus/c_os_calls.h>
#include <errno.h>

static KnLapDesc c_os;
static int serves;

int c_os_serves(void) { return serves; }

long c_os_call(long number, long first, long second, long third, long fourth, long fifth, long sixth) {
    KnSystemCall call = {
        .number = (unsigned long)number,
        .argument = {(unsigned long)first, (unsigned long)second, (unsigned long)third, (unsigned long)fourth,
                     (unsigned long)fifth, (unsigned long)sixth},
        .result = -ENOSYS,
    };
    lapInvoke(&c_os, &call);
    return call.result;
}

// A boot actor may find C_OS too, which does not know it.
const AlParam* c_os_begin(void) {
    const AlParam* packed = 0;
    serves = lapResolve(&c_os, C_OS_LAP, K_LAP_NOBLOCK) == K_OK &&
             c_os_call(C_OS_AGETALPARAM, (long)&packed, 0, 0, 0, 0, 0) == 0;
    return packed;
}
