/* The system log: what programs have to say to whoever looks later. ChorusOS 5.0 sysLog(2K). */
#pragma once

#include <chorus/types.h>

#define SYSLOG_MAX_LINE 128 /* characters of one entry; the rest is cut off */

#ifdef __cplusplus
extern "C" {
#endif

/* sysLog(2K): append a formatted text to the nucleus's log, which keeps the last 16 KiB. format knows %s, %d,
 * %c and %%. */
#ifdef __GNUC__
__attribute__((format(printf, 1, 2)))
#endif
void sysLog(const char* format, ...);

/* sysLogWrite (extension): append `size` characters, at most SYSLOG_MAX_LINE. Returns their number. Errors:
 * K_EFAULT. */
int sysLogWrite(const char* text, unsigned int size);

/* sysLogRead (extension): copy the log from *position on (characters since the start of the system; 0: the
 * oldest that is kept) to buf, at most size and 256 characters; *position goes behind them, or stays after an
 * error. Returns their number, 0 at the end. SYSTEM actors and supervisor threads only. Errors: K_EPRIV,
 * K_EFAULT. */
int sysLogRead(uint64_t* position, char* buf, unsigned int size);

#ifdef __cplusplus
}
#endif
