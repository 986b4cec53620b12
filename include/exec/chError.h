/* What error codes mean. ChorusOS 5.0 intro(2K). */
#pragma once

#include <chorus/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* strSysError: the name and the meaning of an error code (<chorus/types.h>), positive or negative; for others
 * a text that says so. Never null. */
const char* strSysError(int error);

#ifdef __cplusplus
}
#endif
