"""What tools/cost must know of the machines' instructions: how they are written, where they lead.

A set reads the lines of llvm-objdump. It says of each instruction its kind, which is all that the walk over
the code looks at, why it may not stand on a fast path, and what is wrong with it anywhere in the nucleus.
"""

import enum
import fnmatch
import re

Kind = enum.Enum("Kind", ("PLAIN", "BRANCH", "JUMP", "CALL", "RETURN_TO_USER", "STOP"))
TARGET = re.compile(r"0x([0-9a-f]+)")


class Instruction:
    def __init__(self, address, name, operands, prefixes=()):
        self.address, self.prefixes, self.name, self.operands = address, prefixes, name, operands
        self.following = self.previous = None  # addresses of the next one in memory and of the one before
        self.kind, self.target = Kind.PLAIN, None

    def text(self):
        return f"{self.address:x}: {' '.join(self.prefixes)} {self.name} {self.operands}".replace("  ", " ")


def first_match(patterns, *texts):
    """The reason of the first pattern that one of the texts begins with, or None."""
    return next((why for pattern, why in patterns if any(pattern.match(text) for text in texts)), None)


def compiled(*patterns):
    return [(re.compile(pattern), why) for pattern, why in patterns]


class X86:
    """AT&T syntax. A prefix stands before the name, or on a line of its own before its instruction's."""

    OBJDUMP = ()
    PREFIXES = {"lock", "rep", "repne", "xacquire", "xrelease", "data16", "cs", "ds", "es", "fs", "gs",
                "notrack"}
    KINDS = compiled(
        (r"(?:sysret|iret|ret)[lq]?$", Kind.RETURN_TO_USER), (r"(?:ud[012]|hlt|int3?)$", Kind.STOP),
        (r"callq?$", Kind.CALL), (r"jmpq?$", Kind.JUMP), (r"j(?!mp)[a-z]+$|loop(?:n?e)?$", Kind.BRANCH))
    FORBIDDEN = compiled(
        (r"lock$", "a LOCK prefix"), (r"(?:f?xsave|f?xrstor|fnsave|frstor)", "XSAVE or its family"),
        (r"i?div[bwlq]?$", "a division"),
        (r"(?:wrmsr|rdmsr|cpuid|mfence|wbinvd|invlpg|invpcid)$", "a slow instruction"),
        (r"(?:in|out)[bwl]?$", "port input or output"))
    FLOATING = re.compile(r"%(?:[xyz]mm|mm[0-7]|st\b)")
    X87 = re.compile(r"f(?!xsave|xrstor|ninit|nclex|nop|wait)[a-z0-9]+$")

    def __init__(self, _rules):
        self._pending = []  # the address of prefixes that came alone, and they

    def read(self, address, text, _previous):
        """The instruction of a line, or None where it goes on in the next line."""
        if self._pending:
            address, *before = self._pending
        else:
            before = []
        words = text.split()
        count = next((i for i, word in enumerate(words) if word not in self.PREFIXES), len(words))
        before += words[:count]
        self._pending = [address, *before] if count == len(words) else []
        if self._pending:
            return None
        instruction = Instruction(address, words[count], " ".join(words[count + 1:]), before)
        instruction.kind = first_match(self.KINDS, instruction.name) or Kind.PLAIN
        target = TARGET.match(instruction.operands)
        instruction.target = int(target.group(1), 16) if target else None
        return instruction

    def fault_on_path(self, instruction, _symbol, _previous):
        why = first_match(self.FORBIDDEN, instruction.name, *instruction.prefixes)
        if not why and instruction.name.startswith("xchg") and "(" in instruction.operands:
            why = "an exchange with memory, locked by definition"
        return why

    def fault_anywhere(self, instruction, _symbols):
        if self.FLOATING.search(instruction.operands) or self.X87.match(instruction.name):
            return "floating point or vector registers"
        return None


class Riscv:
    """No aliases: each instruction by its own name. Compressed ones lose their `c.`: they do the same."""

    OBJDUMP = ("-M", "no-aliases", "--mattr=+m,+a,+f,+d,+c,+v,+zba,+zbb,+zbs,+svinval")
    BRANCHES = re.compile(r"b(?:eqz?|nez?|ltu?|geu?)$")
    STOPS = re.compile(r"(?:unimp|ebreak|mret|wfi)$")
    FORBIDDEN = compiled(
        (r"amo", "an atomic memory operation"), (r"(?:lr|sc)\.[wd]", "a reservation"),
        (r"fence", "a fence"), (r"(?:div|rem)", "a division"), (r"ecall$", "a call of the firmware"),
        (r"(?:sfence|sinval|hfence|cbo)\b", "a slow instruction"))
    # What has no destination: its first operand, if any, is only read.
    READS_ONLY = re.compile(r"(?:s[bhwd](?:sp)?|fs[wd](?:sp)?|b(?:eqz?|nez?|ltu?|geu?)|jr?|fence\S*|"
                            r"sfence\S*|sinval\S*|nop|unimp|ebreak|ecall|[ms]ret|wfi)$")
    FLOATING = re.compile(r"f(?!ence)[a-z]|v[a-z]")
    FLOATING_STATE = re.compile(r"\b(?:fcsr|frm|fflags|vcsr|vstart|vxrm|vxsat)\b")
    PLACE = re.compile(r"(?:(\w+), )?(-?0x[0-9a-f]+)\((\w+)\)")

    def __init__(self, rules):
        self._rules = rules

    def read(self, address, text, previous):
        name, _, operands = text.partition(" ")
        instruction = Instruction(address, name.removeprefix("c."), re.sub(r" ?<.*", "", operands).strip())
        self._classify(instruction, previous)
        return instruction

    def _classify(self, instruction, previous):
        name, operands = instruction.name, instruction.operands.split(", ")
        if name == "sret":
            instruction.kind = Kind.RETURN_TO_USER
        elif self.STOPS.match(name):
            instruction.kind = Kind.STOP
        elif self.BRANCHES.match(name):
            instruction.kind, instruction.target = Kind.BRANCH, int(operands[-1], 16)
        elif name in ("j", "jal"):
            instruction.kind = Kind.JUMP if name == "j" or operands[0] == "zero" else Kind.CALL
            instruction.target = int(operands[-1], 16)
        elif name in ("jr", "jalr"):
            self._classify_indirect(instruction, previous)

    def _classify_indirect(self, instruction, previous):
        """Through a register: to a caller, to a pointer, or with the auipc before it to a far place."""
        place = self.PLACE.match(instruction.operands)
        link, offset, base = place.groups() if place else (None, "0", instruction.operands)
        if not link:  # compressed
            link = "zero" if instruction.name == "jr" else "ra"
        if previous and previous.name == "auipc" and previous.operands.startswith(base + ", "):
            pages = int(previous.operands.split(", ")[1], 16)
            pages -= (pages & 0x80000) << 1
            instruction.target = previous.address + (pages << 12) + int(offset, 16)
        if link != "zero":
            instruction.kind = Kind.CALL
        elif base == "ra" and instruction.target is None:
            instruction.kind = Kind.STOP  # back to a caller: a path has none
        else:
            instruction.kind = Kind.JUMP

    def fault_on_path(self, instruction, symbol, previous):
        name = instruction.name
        if name == "sfence.vma" and previous and previous.operands.startswith("zero, satp, "):
            return None  # the boot code takes it away where address spaces have numbers
        why = first_match(self.FORBIDDEN, name)
        if not why and "(sp)" in instruction.operands and symbol in self._rules.get("no_stack", ()):
            why = "a register kept on the stack"
        return why

    def fault_anywhere(self, instruction, symbols):
        """Message words of the user pass the nucleus in registers that only assembly may write."""
        floating = self.FLOATING.match(instruction.name) or self.FLOATING_STATE.search(instruction.operands)
        if floating and not self._excepted("floating_point_in", symbols):
            return "floating point or vector registers"
        written, several, _ = instruction.operands.partition(",")
        if self.READS_ONLY.match(instruction.name) or instruction.name == "jalr" and not several:
            return None
        reserved = self._rules.get("reserved_registers", ())
        if written in reserved and not self._excepted("reserved_registers_in", symbols):
            return f"a write to {written}"
        return None

    def _excepted(self, rule, symbols):
        return any(fnmatch.fnmatchcase(symbol, pattern)
                   for pattern in self._rules.get(rule, ()) for symbol in symbols)


SETS = {"x86_64": X86, "riscv64": Riscv}
