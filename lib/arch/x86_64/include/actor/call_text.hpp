// The instructions of a nucleus call. The fourth argument changes its register: SYSCALL overwrites rcx.
#pragma once

/* number: a string. */
#define CHORUS_CALL_TEXT(number)                                                                             \
    "    movq %rcx, %r10\n"                                                                                  \
    "    movl $" number ", %eax\n"                                                                           \
    "    syscall\n"
