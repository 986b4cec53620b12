/* The end of the system. ChorusOS 5.0 sysReboot(2K). */
#pragma once

#include <chorus/types.h>

typedef unsigned int KnRebootMode;

enum {
    K_REBOOT_COLD = 0,    /* restart the machine */
    K_REBOOT_SUCCESS = 1, /* extension: power off; whoever watches learns that all went well */
    K_REBOOT_FAILURE = 2  /* extension: power off; whoever watches learns of a failure */
};

typedef struct KnRebootDesc {
    KnRebootMode mode;
} KnRebootDesc;

#ifdef __cplusplus
extern "C" {
#endif

/* sysReboot(2K): stop every CPU, then restart or power off. A null descriptor means K_REBOOT_COLD.
 * SYSTEM actors and supervisor threads only; does not return on success. Errors: K_EPRIV, K_EFAULT,
 * K_EINVAL (unknown mode). */
int sysReboot(const KnRebootDesc* rebootdesc);

#ifdef __cplusplus
}
#endif
