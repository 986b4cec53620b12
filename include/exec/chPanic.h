/* The end of the system by its own decision. ChorusOS 5.0 svSysPanic(2K). */
#pragma once

#include <chorus/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* svSysPanic(2K), threads in supervisor mode: stop every CPU, report panicNo, the first argsSize bytes of
 * args (at most 64), the message and the place on the console, and end the machine. Never returns, but for
 * K_EPRIV to a user thread. */
int svSysPanic(unsigned int panicNo, const void* args, unsigned int argsSize, const char* mess,
               const char* fileName, int lineNumber);

#ifdef __cplusplus
}
#endif
