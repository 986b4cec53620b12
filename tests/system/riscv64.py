"""What the system tests must know of riscv64: addresses, machine code, words on the console."""

import struct

TITLE = "riscv64"
PREFIX = "rv."
ELF_MACHINE, OTHER_MACHINE = 243, 62
USER_END = 1 << 47  # with Sv48, QEMU's usual
NUCLEUS_ADDRESS = 0xFFFFFFC000000000
NUCLEUS_TEXT = r"0xffffffff8[0-9a-f]{7}"


def words(*instructions):
    return struct.pack(f"<{len(instructions)}I", *instructions)


LOOP = words(0x0000006F)  # j .
FILLER = b"\0"  # of zeros no instruction is made

# name: (code, what the console must say of its end)
CRASHING = {
    "undefined": (words(0), "illegal instruction"),
    "all_ones": (words(0xFFFFFFFF), "illegal instruction"),
    "privileged": (words(0x10200073), "illegal instruction"),  # sret
    "machine": (words(0x30200073), "illegal instruction"),  # mret
    "supervisor_register": (words(0x10002573), "illegal instruction"),  # csrr a0, sstatus
    "machine_register": (words(0x30002573), "illegal instruction"),  # csrr a0, mstatus
    "write_counter": (words(0xC0051073), "illegal instruction"),  # csrw cycle, a0
    "flush": (words(0x12000073), "illegal instruction"),  # sfence.vma
    "wait": (words(0x10500073), "illegal instruction"),  # wfi
    "vector": (words(0x0C0572D7), "illegal instruction"),  # vsetvli t0, a0, e8, m1, ta, ma
    "breakpoint": (words(0x00100073), "breakpoint"),
    "misaligned": (words(0x00000597, 0x00158593, 0x00A5A52F), "misaligned address"),  # amoadd.w at an odd one
    "read_null": (words(0x00003503), "page fault .address 0(x0)?,"),
    "read_nucleus": (words(0x80200537, 0x00053503), "page fault .address 0xffffffff80200000,"),
    "read_firmware": (words(0x00100513, 0x01F51513, 0x00053503), "page fault .address 0x80000000,"),
    "write_text": (words(0x00000517, 0x00052023), "page fault .address 0x400000,"),
    "jump_to_data": (words(0x0000106F), "page fault .address 0x401000, pc 0x401000"),
    "jump_to_nucleus": (words(0x80200537, 0x00050067), "page fault .address 0xffffffff80200000,"),
    # slli a0, a0, 62: no address at all
    "jump_away": (words(0x00100513, 0x03E51513, 0x00050067), "page fault .address 0x4000000000000000,"),
    "overflowing": (words(0xFF010113, 0x00A13023, 0xFF9FF06F), "page fault"),  # push for ever
}

# What spoils a function of the nucleus, and how the panic then begins.
UNDEFINED, UNDEFINED_PANIC = words(0), "illegal instruction"
READ_NULL, READ_NULL_PANIC = words(0x00003503), r"page fault \(0x0\)"
# Stores below the stack pointer until it is in the unmapped space below the stack.
OVERFLOW, OVERFLOW_PANIC = words(0xFF010113, 0x00A13023, 0xFF9FF06F), "the nucleus's stack is full"
REGISTERS = ("pc", "sp", "a0", "s11", "cause", "value", "satp")


def prologue(code):
    """How many bytes of a function make its frame: before them its caller is not in the chain of frames."""
    at = 0
    while at + 4 <= 48:
        word, = struct.unpack_from("<I", code, at)
        compressed = word & 3 != 3
        if word & 0xFFFF == 0x8082 or word & 0xE003 == 0xA001 or word & 0xFFF == 0x06F:
            return 0  # ret, c.j, j: the function had none
        at += 2 if compressed else 4
        # addi s0, sp, N, in its compressed form or in full: its last instruction
        if (compressed and word & 0xE01F == 0 and word & 0xFFFF) or word & 0xFFFFF == 0x00010413:
            return at
    return 0


# The largest bank that fits into 64 MiB, nearly: QEMU puts it into the upper half, below the device tree.
ROOM_FOR_A_BANK = 27 << 20

# Firmware and what the nucleus says of it; how long it may take.
LOADERS = {"opensbi": ("OpenSBI", 60), "uboot": ("OpenSBI", 60), "uboot-disk": ("OpenSBI", 60)}
