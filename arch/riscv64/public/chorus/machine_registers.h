/* The register convention of small messages on riscv64.
 *
 *                  call                          reply + receive                receive
 *   a7 in     -1                         a3 << 55                   CHORUS_CALL_BASE + 129 (chooses the call)
 *   a3 in     size | 0 << 8 | flags      size | 1 << 8 | flags      129 << 8 | flags (the control word)
 *   t3 t4 t5 t6 s2 s3 s4 s5              words 0…7 of the body, both directions
 *   a1        uiHead of the port         local id of the port to receive on (both)
 *   a2        uiTail of the port         0                              delay in milliseconds (int)
 *   s1        KnMsgDesc* for a reply or message that does not fit the registers, or 0 (truncated to 64 bytes)
 *   a0 out    error (< 0), or body size | MESSAGE_STORED
 *   a1 out    lost                       local id of the port that the message came through
 *   a2 out    lost                       sequence number of the message on that port
 * A message without a reply has the registers of a call, with CHORUS_CALL_BASE + 128 in a7; a3 in: size |
 * 128 << 8 | source port << 32.
 * sp, gp, tp, s0 and s1 are kept; every other register is lost.
 *
 * All other calls: CHORUS_CALL_BASE + index in a7, arguments in a0…a5, result in a0. The t and a registers
 * are lost, as in C; every other register is kept.
 *
 * Negative numbers are the two calls of the fast path: a call what is beyond the addresses of the nucleus,
 * taken as unsigned, a reply what is below, which a3 << 55 is for the index 1 in bit 8. Numbers that are
 * neither negative nor CHORUS_CALL_BASE to CHORUS_CALL_BASE + 255 are not the nucleus's: all registers but a0
 * are kept, which is what the handler of the trap makes it.
 */
#ifndef CHORUS_MACHINE_REGISTERS_H
#define CHORUS_MACHINE_REGISTERS_H

/* The size is what the fast path looks at: in the low byte it needs no shift. */
#define MESSAGE_NUMBER_SHIFT 8
#define MESSAGE_SIZE_SHIFT 0
#define MESSAGE_SIZE_MASK 0xff
#define MESSAGE_CONTROL(index, size) ((index) << MESSAGE_NUMBER_SHIFT | (size) << MESSAGE_SIZE_SHIFT)

#define MESSAGE_CALL_NUMBER -1
#define MESSAGE_REPLY_SHIFT 55 /* of the control word, to the number of reply + receive */

#endif
