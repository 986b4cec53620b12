/* The program in C11. */
#include "user.h"

int use_published_calls_in_c(KnCap* actor, char* text);
int use_published_calls_in_c(KnCap* actor, char* text) { return use_published_calls(actor, text); }
