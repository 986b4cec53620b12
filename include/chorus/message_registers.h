/* Small messages: at most 64 bytes, no annex, in registers. What all machines have in common, written once
 * for the nucleus's entry code, the C stubs and the inline API. Which registers these are, and where the
 * fields of the control word lie, is the machine's: chorus/machine_registers.h. docs/fast-path.md explains
 * each choice.
 *
 * The control word says what is called: number, size of the body that is sent, flags.
 *
 * What a system call's number register holds tells whose call it is. Numbers from 0 on are free for whoever
 * connects K_TRAP_SYSTEMCALL (exec/chTrap.h): Linux's are there. The call list's index i is the number
 * CHORUS_CALL_BASE + i. The two calls of the fast path, ipcCall and reply + receive, have numbers far from
 * all others, which one compare tells apart: chorus/machine_registers.h. */
#ifndef CHORUS_MESSAGE_REGISTERS_H
#define CHORUS_MESSAGE_REGISTERS_H

#define CHORUS_CALL_BASE 0x40000 /* chorus/calls.hpp: a call's number is this and its index */

/* Indices, of which the first two are in no list. */
#define MESSAGE_CALL 0
#define MESSAGE_REPLY_RECEIVE 1
#define MESSAGE_SEND 128 /* and the next: the entry code takes both for messages */
#define MESSAGE_RECEIVE 129
#define MESSAGE_IPC_CALL 155      /* ipcCallMessage: C arguments; here for its flags */
#define MESSAGE_IPC_SEND 131      /* ipcSendMessage, the same */
#define MESSAGE_ABORTABLE 0x10000 /* flag: the wait may be aborted (K_ABORTABLE) */
#define MESSAGE_KEEPS 0x20000     /* flag of MESSAGE_RECEIVE: the body is to wait for ipcGetData */
#define MESSAGE_SOURCE_SHIFT 32   /* of MESSAGE_SEND: above it stands the local id of the port it is from */
#define MESSAGE_REGISTER_BYTES 64
#define MESSAGE_STORED 0x100000000 /* result flag: the body is in the descriptor's memory already */

#include <chorus/machine_registers.h> /* MESSAGE_CONTROL(index, size): a control word without flags */

#endif
