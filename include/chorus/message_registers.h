/* The register convention of small messages: at most 64 bytes, no annex. Written once, for the nucleus's
 * entry code, the C stubs and the inline API. docs/fast-path.md explains each choice.
 *
 * x86-64           call (0)                      reply + receive (1)            receive (65)
 *   rax in    0 | size << 8 | flags      1 | size << 8 | flags      65 | flags
 *   r12 r13 r14 r15 rdi rsi rdx r8       words 0…7 of the body, both directions
 *   r9        uiHead of the port         local id of the port to receive on (both)
 *   r10       uiTail of the port         0                              delay in milliseconds (int)
 *   rbx       KnMsgDesc* for a reply or message that does not fit the registers, or 0 (truncated to 64 bytes)
 *   rax out   error (< 0), or body size | MESSAGE_STORED
 *   r9  out   0                          local id of the port that the message came through
 *   r10 out   0                          sequence number of the message on that port
 * rcx and r11 are lost, as at every system call; rbp, rsp, rbx are kept; every other register is lost.
 */
#ifndef CHORUS_MESSAGE_REGISTERS_H
#define CHORUS_MESSAGE_REGISTERS_H

#define MESSAGE_CALL 0
#define MESSAGE_REPLY_RECEIVE 1
#define MESSAGE_IPC_CALL 64 /* ipcCallMessage: C arguments; here for its flags */
#define MESSAGE_RECEIVE 65
#define MESSAGE_SIZE_SHIFT 8
#define MESSAGE_SIZE_MASK 0xff00
#define MESSAGE_ABORTABLE 0x10000  /* flag: the wait may be aborted (K_ABORTABLE) */
#define MESSAGE_REGISTER_BYTES 64
#define MESSAGE_STORED 0x100000000 /* result flag: the body is in the descriptor's memory already */

#endif
