"""What differs between architectures, in one class each: registers, page tables, call instructions.

A register goes by the name of its field in the nucleus's Frame; gdb and the unwind tables of programs have
names of their own for some.
"""

import gdb

from chorale_gdb.problem import Problem

NUCLEUS_HALF = 1 << 63  # from here up a program counter is the nucleus's
PAGE = 4096
INDEX_BITS, PAGE_BITS = 9, 12


def signed(value, bits):
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


class X86:
    """x86-64."""

    gdb_name = "i386:x86-64"
    fields = ("pc", "sp", "flags", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11",
              "r12", "r13", "r14", "r15", "fs_base")
    to_gdb = {"pc": "rip", "sp": "rsp", "flags": "eflags"}  # fields that gdb names otherwise
    unwind_names = {"pc": "RIP", "sp": "RSP"} | {name: name.upper() for name in fields if name[0] == "r"}
    frame_pointer = "rbp"
    return_address = "pc"  # by the name that the unwind tables use for it; a call pushes it
    saved_pair = (0, 8)    # from the frame pointer: where the caller's one and the return address are
    # Which of the two holds the PerCpu depends on SWAPGS; in user mode the second.
    block_registers = ("gs_base", "k_gs_base")
    other_registers = ("cr0", "cr3", "cs")
    levels = 4
    address_mask = 0x000ffffffffff000

    @staticmethod
    def in_user_mode(registers):
        return registers.get("cs", 0) & 3 == 3

    @classmethod
    def root(cls, registers):
        """Physical address of the root table and its number of levels, or None while there is no paging."""
        if registers.get("cr0", 0) >> 31 & 1 == 0:
            return None
        return registers["cr3"] & cls.address_mask, cls.levels

    @classmethod
    def entry(cls, value, level):
        """(present, leaf, address) of a page-table entry."""
        return bool(value & 1), level == 0 or bool(value & 0x80), value & cls.address_mask

    @classmethod
    def call_before(cls, read, address):
        """(is a call, its target or None) of the instruction that ends at `address`."""
        code = read(address - 7, 7)
        if len(code) < 7:
            return False, None
        if code[2] == 0xe8:
            return True, address + signed(int.from_bytes(code[3:], "little"), 32)
        for length in (2, 3, 4, 6, 7):
            if code[7 - length] == 0xff and cls._indirect_length(code[8 - length]) == length:
                return True, None
        return False, None

    @staticmethod
    def _indirect_length(modifier):
        """Of the call ff /2 with this ModRM byte; an index alone is taken to be one into a table."""
        mode, operation, memory = modifier >> 6, modifier >> 3 & 7, modifier & 7
        if operation != 2:
            return 0
        if mode == 3:
            return 2
        if mode == 0:
            return {4: 7, 5: 6}.get(memory, 2)
        return (3 if mode == 1 else 6) + (memory == 4)

    @staticmethod
    def prologue(_read, _start, _pc):
        """(bytes of stack taken, {register: place from sp}) by a function's code; None: search the stack."""
        return None


def riscv_registers():
    """{name: number}."""
    names = {"ra": 1, "sp": 2, "gp": 3, "tp": 4, "s0": 8, "s1": 9}
    names |= {f"a{i}": 10 + i for i in range(8)}
    names |= {f"t{i}": 5 + i if i < 3 else 25 + i for i in range(7)}
    return names | {f"s{i}": 16 + i for i in range(2, 12)}


class Riscv:
    """RV64 with compressed instructions."""

    gdb_name = "riscv:rv64"
    numbers = riscv_registers()
    fields = ("pc", *numbers)
    to_gdb = {}
    unwind_names = {name: f"X{number}" for name, number in numbers.items()}
    frame_pointer = "s0"
    return_address = "ra"
    saved_pair = (-16, -8)
    block_registers = ("tp", "sscratch")  # in the nucleus, in user mode
    other_registers = ("satp", "priv")
    levels_of_mode = {8: 3, 9: 4, 10: 5}
    rights = 0b1110

    @staticmethod
    def in_user_mode(registers):
        return registers.get("priv", 1) == 0

    @classmethod
    def root(cls, registers):
        satp = registers.get("satp", 0)
        levels = cls.levels_of_mode.get(satp >> 60)
        return ((satp & (1 << 44) - 1) * PAGE, levels) if levels else None

    @classmethod
    def entry(cls, value, level):
        return bool(value & 1), level == 0 or bool(value & cls.rights), (value >> 10 & (1 << 44) - 1) * PAGE

    @classmethod
    def call_before(cls, read, address):
        if address % 2:
            return False, None
        last, short = int.from_bytes(read(address - 4, 4), "little"), read(address - 2, 2)
        opcode, to = last & 0x7f, last >> 7 & 31
        if opcode == 0x6f and to == cls.numbers["ra"]:  # jal
            low = (last >> 20 & 1) << 11 | (last >> 21 & 0x3ff) << 1
            return True, address - 4 + signed((last >> 31) << 20 | (last >> 12 & 0xff) << 12 | low, 21)
        if opcode == 0x67 and to == cls.numbers["ra"] and last >> 12 & 7 == 0:  # jalr, perhaps behind auipc
            before = int.from_bytes(read(address - 8, 4), "little")
            if before & 0xfff == cls.numbers["ra"] << 7 | 0x17 and last >> 15 & 31 == cls.numbers["ra"]:
                return True, address - 8 + signed(before & 0xfffff000, 32) + signed(last >> 20, 12)
            return True, None
        code = int.from_bytes(short, "little")
        return code & 0xf07f == 0x9002 and bool(code & 0xf80), None  # c.jalr

    @classmethod
    def prologue(cls, read, start, pc):
        """The return address need not lie where the caller's stack begins, so the code is asked: what it does
        to sp, in the order of its addresses."""
        taken, saved, at = 0, {}, start
        names = {number: name for name, number in cls.numbers.items()}
        while at < pc:
            half = int.from_bytes(read(at, 2), "little")
            size = 4 if half & 3 == 3 else 2
            step, register, place = cls._stack_work(int.from_bytes(read(at, size), "little"), size)
            taken -= step
            if register in names:
                saved.setdefault(names[register], taken - place)  # from the stack pointer at the start
            if taken <= 0:
                taken, saved = 0, {}
            at += size
        return taken, {name: taken - above for name, above in saved.items()}

    @staticmethod
    def _stack_work(code, size):
        """(what an instruction adds to sp, which register it stores at sp, and where)."""
        if size == 4:
            if code & 0xfffff == 2 << 15 | 2 << 7 | 0x13:  # addi sp, sp
                return signed(code >> 20, 12), 0, 0
            if code & 0x7f == 0x23 and code >> 12 & 0xff == 2 << 3 | 3:  # sd to sp
                return 0, code >> 20 & 31, signed(code >> 25 << 5 | code >> 7 & 31, 12)
        elif code & 0xef83 == 0x6101:  # c.addi16sp
            value = (code >> 12 & 1) << 9 | (code >> 3 & 3) << 7 | (code >> 5 & 1) << 6 | (code >> 2 & 1) << 5
            return signed(value | (code >> 6 & 1) << 4, 10), 0, 0
        elif code & 0xef83 == 0x0101:  # c.addi sp
            return signed((code >> 12 & 1) << 5 | code >> 2 & 31, 6), 0, 0
        elif code & 0xe003 == 0xe002:  # c.sdsp
            return 0, code >> 2 & 31, (code >> 7 & 7) << 6 | (code >> 10 & 7) << 3
        return 0, 0, 0


MACHINES = {machine.gdb_name: machine for machine in (X86, Riscv)}


def current():
    """The machine of the nucleus that gdb has loaded."""
    name = gdb.selected_inferior().architecture().name()
    for known, machine in MACHINES.items():
        if name.startswith(known):
            return machine
    raise Problem(f"these commands do not know the architecture {name}")
