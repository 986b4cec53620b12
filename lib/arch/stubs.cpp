// The C functions of the nucleus calls, made from the one list of calls. Each is the machine's instructions
// for a call with the arguments in the registers of the C calling convention.
#include <actor/call_text.hpp>
#include <chorus/calls.hpp>
#include <chorus/message_registers.h>

// Call 129 takes its arguments in the message registers (chorus/message_registers.h): ipcReceive in
// message.S makes it.
#define IN_MESSAGE_REGISTERS_129 unused,
#define SECOND(first, second, ...) second
#define UNLESS(marker, text) SECOND(marker, text, unused)

// Under C_OS threadCreate is a function of the C library's (chorus/extended.h), which makes the call by this
// name.
#ifdef CHORUS_EXTENDED
#define OTHER_NAME_threadCreate unused, threadCreateRaw
#endif
#define NAME(name) UNLESS_NAMED(OTHER_NAME_##name, name)
#define UNLESS_NAMED(marker, name) SECOND(marker, name, unused)
#define EXPANDED(what) TEXT(what)
#define TEXT(what) #what

#define STUB_TEXT(number, name)                                                                              \
    asm(".section .text." #name ",\"ax\",@progbits\n"                                                        \
        ".globl " #name "\n"                                                                                 \
        ".type " #name ", @function\n" #name                                                                 \
        ":\n" CHORUS_CALL_TEXT(EXPANDED(CHORUS_CALL_BASE) " + " TEXT(number)) "    ret\n"                    \
                                                                              ".size " #name ", . - " #name  \
                                                                              "\n"                           \
                                                                              ".text\n");
#define NAMED_STUB(number, name) STUB_TEXT(number, name)
#define STUB(number, name, ...) UNLESS(IN_MESSAGE_REGISTERS_##number, NAMED_STUB(number, NAME(name)))

CHORUS_LEAF_CALLS(STUB)
CHORUS_BLOCK_CALLS(STUB)
