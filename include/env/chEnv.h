/* The system environment: named strings, shared by all actors; the options of the boot command line are
 * in it. ChorusOS 5.0 sysGetEnv(2K). The published tunables are, too, in decimal, as limits by which this
 * nucleus was built; nobody sets them: chorusSiteId, kern.exec.maxCpuNumber, kern.exec.maxActorNumber,
 * kern.exec.maxThreadNumber (of all actors; 255 of one), kern.exec.dflSysStackSize, kern.exec.dflUsrStackSize
 * (of an actor's first thread), kern.exec.intrStackSize, kern.exec.dblFltStackSize (bytes);
 * kern.ipc.maxActorCredits (extension), which ipc.credits=N on the boot command line sets (ipcSend). */
#pragma once

#include <chorus/types.h>

#define K_ENVNAMEMAX 32   /* bytes of a name, with its NUL */
#define K_ENVVALUEMAX 256 /* bytes of a value, with its NUL */

#ifdef __cplusplus
extern "C" {
#endif

/* sysGetEnv(2K): copy the value of envName with its NUL into envValue; *size is the buffer's bytes, and
 * on return the value's bytes with the NUL (also when it does not fit). Errors: K_EINVAL (empty or too
 * long a name), K_EUNKNOWN (no such name), K_ENOMEM (it does not fit), K_EFAULT. */
int sysGetEnv(const char* envName, char* envValue, unsigned int* size);

/* sysSetEnv(2K): set or replace. Errors: K_EINVAL (empty name, one with '=', or a tunable), K_ENOMEM (name
 * or value above the limits, or no room), K_EFAULT. */
int sysSetEnv(const char* envName, const char* envValue);

/* sysUnsetEnv(2K). Errors: K_EINVAL (empty or too long a name, a tunable), K_EUNKNOWN (no such
 * name), K_EFAULT. */
int sysUnsetEnv(const char* envName);

#ifdef __cplusplus
}
#endif
