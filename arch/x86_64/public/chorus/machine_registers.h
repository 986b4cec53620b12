/* The register convention of small messages on x86-64.
 *
 *                  call                          reply + receive                receive
 *   rax in    2^30 | size << 8 | flags   2^31 | 1 | size << 8 | flags   CHORUS_CALL_BASE | 129 | flags
 *   r12 r13 r14 r15 rdi rsi rdx r8       words 0…7 of the body, both directions
 *   r9        uiHead of the port         local id of the port to receive on (both)
 *   r10       uiTail of the port         0                              delay in milliseconds (int)
 *   rbx       KnMsgDesc* for a reply or message that does not fit the registers, or 0 (truncated to 64 bytes)
 *   rax out   error (< 0), or body size | MESSAGE_STORED
 *   r9  out   lost                       local id of the port that the message came through
 *   r10 out   lost                       sequence number of the message on that port
 * A message without a reply has the registers of a call; rax in: CHORUS_CALL_BASE | 128 | size << 8 | source
 * port << 32. rcx and r11 are lost, as at every system call; rbp, rsp, rbx are kept; every other register is
 * lost.
 *
 * All other calls of the nucleus: CHORUS_CALL_BASE + index in rax. eax chooses: from 2^31 on it is a reply,
 * from 2^30 on a call, from CHORUS_CALL_BASE on the rest. What is below is not the nucleus's: all registers
 * but rcx and r11 are kept, rax is what the handler of the trap makes it.
 */
#ifndef CHORUS_MACHINE_REGISTERS_H
#define CHORUS_MACHINE_REGISTERS_H

/* The control word is in rax, where every call's number is: it chooses the call. */
#define MESSAGE_SIZE_SHIFT 8
#define MESSAGE_SIZE_MASK 0xff00

#define MESSAGE_CALL_NUMBER 0x40000000
#define MESSAGE_REPLY_NUMBER 0x80000001

/* For C and C++; assembly adds to the numbers themselves. */
#define MESSAGE_CONTROL(index, size)                                                                         \
    (((index) == MESSAGE_CALL            ? MESSAGE_CALL_NUMBER                                               \
      : (index) == MESSAGE_REPLY_RECEIVE ? MESSAGE_REPLY_NUMBER                                              \
                                         : CHORUS_CALL_BASE + (index)) |                                     \
     (size) << MESSAGE_SIZE_SHIFT)

#endif
