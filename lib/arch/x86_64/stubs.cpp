// The C functions of the nucleus calls, made from the one list of calls. Arguments are in the registers of
// the C calling convention, but for the fourth, whose register the syscall instruction overwrites.
#include <chorus/calls.hpp>

// Call 65 takes its arguments in the message registers (chorus/message_registers.h): ipcReceive in
// message.S makes it.
#define IN_MESSAGE_REGISTERS_65 unused,
#define SECOND(first, second, ...) second
#define UNLESS(marker, text) SECOND(marker, text, unused)

#define STUB_TEXT(number, name)                                                                              \
    asm(".section .text." #name ",\"ax\",@progbits\n"                                                        \
        ".globl " #name "\n"                                                                                 \
        ".type " #name ", @function\n" #name ":\n"                                                           \
        "    movq %rcx, %r10\n"                                                                              \
        "    movl $" #number ", %eax\n"                                                                      \
        "    syscall\n"                                                                                      \
        "    ret\n"                                                                                          \
        ".size " #name ", . - " #name "\n"                                                                   \
        ".text\n");
#define STUB(number, name, ...) UNLESS(IN_MESSAGE_REGISTERS_##number, STUB_TEXT(number, name))

CHORUS_LEAF_CALLS(STUB)
CHORUS_BLOCK_CALLS(STUB)
