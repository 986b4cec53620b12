/* The console. ChorusOS 5.0 sysRead(2K). */
#pragma once

#include <chorus/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sysRead(2K): wait for a line from the console, up to nchar - 1 characters; what is typed is echoed,
 * backspace takes the last character back. The end of the line (CR or LF) is not stored; a NUL is. nchar
 * 1: wait for one character, stored as it comes, without echo and without NUL. Several readers take
 * turns, a line each. Abortable; what the caller had read by then is lost. Returns the number of
 * characters without the NUL. Errors: K_EFAULT, K_EABORT. */
int sysRead(void* buf, unsigned int nchar);

/* sysPoll(2K): take one character that was typed already, echo it and store it. Returns 1, or 0: there is
 * none, or a reader waits for it. Errors: K_EFAULT. */
int sysPoll(void* buf);

/* sysWrite(2K): write nchar bytes to the system console, in one piece up to 512 bytes (no other writer's
 * text between). Returns the number written, which may be less than nchar. Errors: K_EFAULT. */
int sysWrite(const void* buf, unsigned int nchar);

#ifdef __cplusplus
}
#endif
