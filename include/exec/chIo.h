/* The console. ChorusOS 5.0 sysRead(2K). */
#pragma once

#include <chorus/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sysWrite(2K): write nchar bytes to the system console, in one piece up to 512 bytes (no other writer's
 * text between). Returns the number written, which may be less than nchar. Errors: K_EFAULT. */
int sysWrite(const void* buf, unsigned int nchar);

#ifdef __cplusplus
}
#endif
