/* The register convention of small messages on the host machine: its registers are the members of
 * machine::Frame, and what a call loses is what the fields that it writes held.
 *
 *   control   in: the control word (size | number << 8 | flags); out: error (< 0), or size | MESSAGE_STORED
 *   words     words 0...7 of the body, both directions
 *   name      uiHead of the port, or the local id of the port to receive on
 *   tail      uiTail of the port, or the delay in milliseconds; out: the sequence number
 *   descriptor  KnMsgDesc* for what does not fit the registers, or 0
 *
 * All other calls: number in control, arguments in arguments[0...5], result in control. The kind of the trap
 * says whether it is the nucleus's, whose numbers are the indices of the call list. */
#ifndef CHORUS_MACHINE_REGISTERS_H
#define CHORUS_MACHINE_REGISTERS_H

#define MESSAGE_NUMBER_SHIFT 8
#define MESSAGE_SIZE_SHIFT 0
#define MESSAGE_SIZE_MASK 0xff
#define MESSAGE_CONTROL(index, size) ((index) << MESSAGE_NUMBER_SHIFT | (size) << MESSAGE_SIZE_SHIFT)

#endif
