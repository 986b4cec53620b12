/* Both programs, in C11, in a supervisor actor. */
#include "supervisor.h"
#include "user.h"

int use_all_calls_in_c(KnCap* actor, char* text);
int use_all_calls_in_c(KnCap* actor, char* text) {
    return use_published_calls(actor, text) + use_supervisor_calls(actor, text);
}
