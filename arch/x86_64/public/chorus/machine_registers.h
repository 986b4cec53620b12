/* The register convention of small messages on x86-64.
 *
 *                  call (0)                      reply + receive (1)            receive (129)
 *   rax in    0 | size << 8 | flags      1 | size << 8 | flags      129 | flags
 *   r12 r13 r14 r15 rdi rsi rdx r8       words 0…7 of the body, both directions
 *   r9        uiHead of the port         local id of the port to receive on (both)
 *   r10       uiTail of the port         0                              delay in milliseconds (int)
 *   rbx       KnMsgDesc* for a reply or message that does not fit the registers, or 0 (truncated to 64 bytes)
 *   rax out   error (< 0), or body size | MESSAGE_STORED
 *   r9  out   lost                       local id of the port that the message came through
 *   r10 out   lost                       sequence number of the message on that port
 * A message without a reply (128) has the registers of a call; rax in: 128 | size << 8 | source port << 32.
 * rcx and r11 are lost, as at every system call; rbp, rsp, rbx are kept; every other register is lost.
 */
#ifndef CHORUS_MACHINE_REGISTERS_H
#define CHORUS_MACHINE_REGISTERS_H

/* The control word is in rax, where every call's number is: the number chooses the call. */
#define MESSAGE_NUMBER_SHIFT 0
#define MESSAGE_SIZE_SHIFT 8
#define MESSAGE_SIZE_MASK 0xff00

#endif
