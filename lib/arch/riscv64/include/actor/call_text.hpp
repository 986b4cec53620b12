// The instructions of a nucleus call. The arguments are where C puts them already.
#pragma once

/* number: a string. */
#define CHORUS_CALL_TEXT(number)                                                                             \
    "    li a7, " number "\n"                                                                                \
    "    ecall\n"
