"""The programs of actors: their ELF files in the build tree, names and lines for addresses, unwinding.

All programs are linked at the same addresses, so gdb's own symbol tables do not serve: each actor asks its
file. Two tools of LLVM read the debug information.
"""

import bisect
import json
import os
import re
import shutil
import struct
import subprocess

import gdb

from chorale_gdb.machine import NUCLEUS_HALF
from chorale_gdb.problem import Problem

PATIENCE = 30.0
STRIPPED = "bank"  # the folder of the files as they are in the boot bank
PT_LOAD, PF_EXECUTE, SHT_SYMTAB, STT_FUNC = 1, 1, 2, 2
CHECKED_BYTES = 64
LONGEST_BACKTRACE = 64
SCANNED_WORDS = 64
# Where threads begin: nothing called these.
FIRST_FUNCTIONS = ("_start", "thread_start")

ENTRY = re.compile(r"\bFDE\b.*\bpc=([0-9a-f]+)\.\.\.([0-9a-f]+)")
ROW = re.compile(r"\s+0x([0-9a-f]+): CFA=(\w+)([+-]\d+)?(?:: (.*))?$")
RULE = re.compile(r"(\w+)=\[CFA([+-]\d+)?\]")


def tool(name):
    path = shutil.which(f"{name}-19") or shutil.which(name)
    if not path:
        raise Problem(f"{name} is missing (./chorale setup installs it)")
    return path


def output_of(*command):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=PATIENCE, check=False).stdout.decode()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Problem(f"{command[0]} gave no answer") from error


class Program:
    """An ELF file of the build tree."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = file.read()
        self.entry, segments, sections = struct.unpack_from("<QQQ", self.data, 24)
        segment_count, = struct.unpack_from("<H", self.data, 56)
        section_count, = struct.unpack_from("<H", self.data, 60)
        self.loads = []  # (flags, offset, address, bytes in the file)
        for i in range(segment_count):
            at = segments + i * 56
            kind, flags, offset, address, _, size = struct.unpack_from("<IIQQQQ", self.data, at)
            if kind == PT_LOAD:
                self.loads.append((flags, offset, address, size))
        self.functions = self._read_functions(sections, section_count)
        self._rows, self._places = None, {}

    def _read_functions(self, sections, count):
        """Sorted (address, size, name)."""
        headers = [struct.unpack_from("<IIQQQQIIQQ", self.data, sections + i * 64) for i in range(count)]
        found = []
        for header in headers:
            if header[1] != SHT_SYMTAB or header[6] >= count:
                continue
            names = headers[header[6]][4]
            for at in range(header[4], header[4] + header[5], 24):
                name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
                if info & 15 == STT_FUNC and section and value:
                    text = self.data[names + name:self.data.index(b"\0", names + name)].decode()
                    found.append((value, size, text))
        return sorted(found)

    def bytes_at(self, address, size):
        for _, offset, start, length in self.loads:
            if start <= address and address + size <= start + length:
                return self.data[offset + address - start:offset + address - start + size]
        return b""

    def is_text(self, address):
        return any(flags & PF_EXECUTE and start <= address < start + size
                   for flags, _, start, size in self.loads)

    def function(self, address):
        """(start, name as linked) of the function around an address, or None."""
        i = bisect.bisect_right(self.functions, (address, 1 << 64, "")) - 1
        if i < 0 or address >= self.functions[i][0] + max(self.functions[i][1], 1):
            return None
        return self.functions[i][0], self.functions[i][2]

    def name(self, address):
        place = self.places(address)[-1][0]
        return place or f"{address:#x}"

    def places(self, address):
        """[(function, file:line)] of an address, functions that were inlined there first."""
        if address not in self._places:
            self._places[address] = self._look_up(address)
        return self._places[address]

    def _look_up(self, address):
        found = []
        if not self.is_text(address):  # the debug information of dropped functions says that they are at 0
            return [("", "")]
        try:
            answer = output_of(tool("llvm-symbolizer"), "--output-style=JSON", "--obj=" + self.path,
                               f"{address:#x}")
            for symbol in (json.loads(answer) or [{}])[0].get("Symbol", []):
                file, line = symbol.get("FileName", "").removeprefix("./"), symbol.get("Line", 0)
                found.append((symbol.get("FunctionName", ""), f"{file}:{line}" if line else ""))
        except (Problem, ValueError):
            pass
        if not found or not found[-1][0]:
            function = self.function(address)
            found = [(function[1] if function else "", "")]
        return found

    def unwind_row(self, address):
        """(register, offset) of the caller's stack pointer and {register: offset from it}, or None."""
        if self._rows is None:
            try:
                self._rows = rows_of(output_of(tool("llvm-dwarfdump"), "--debug-frame", self.path))
            except Problem:
                self._rows = []
        i = bisect.bisect_right(self._rows, (address, 1 << 64)) - 1
        return self._rows[i][2] if i >= 0 and address < self._rows[i][1] else None


def rows_of(text):
    """Sorted (address, end, row) of all functions that were linked."""
    rows, begin, end, last = [], 0, 0, None
    for line in text.splitlines():
        entry, row = ENTRY.search(line), ROW.match(line)
        if entry:
            begin, end, last = int(entry.group(1), 16), int(entry.group(2), 16), None
        elif row and begin:  # a function that the linker dropped begins at 0
            address = int(row.group(1), 16)
            if last is not None:
                rows[last] = (rows[last][0], address, rows[last][2])
            saved = {name: int(offset or 0) for name, offset in RULE.findall(row.group(4) or "")}
            rows.append((address, end, (row.group(2), int(row.group(3) or 0), saved)))
            last = len(rows) - 1
    return sorted(rows, key=lambda row: row[:2])


class Programs:
    """Kept from command to command: files are read again when they have changed."""

    def __init__(self):
        self._known = {}  # path -> (time of change, Program)
        self._files, self._found = {}, {}

    def refresh(self):
        """At the beginning of a command: files and actors may be others."""
        self._found, self._files = {}, {}
        nucleus = gdb.current_progspace().filename
        for folder, folders, files in os.walk(os.path.dirname(nucleus)) if nucleus else ():
            folders[:] = sorted(each for each in folders if each not in (STRIPPED, "CMakeFiles", "Testing"))
            for name in files:
                self._files.setdefault(name, []).append(os.path.join(folder, name))

    def of(self, actor):
        """(the actor's Program or None, why there is none)."""
        if actor.address not in self._found:
            self._found[actor.address] = self._search(actor)
        return self._found[actor.address]

    def _search(self, actor):
        paths = self._files.get(actor.name, [])
        for path in paths:
            program = self._load(path)
            if program is not None and same_text(actor, program):
                return program, ""
        if paths:
            return None, f"{os.path.relpath(paths[0])} is not what {actor.name} runs"
        return None, f"no program of the name {actor.name} in the build tree"

    def _load(self, path):
        try:
            changed = os.stat(path).st_mtime_ns
            if self._known.get(path, (None,))[0] != changed:
                with open(path, "rb") as file:
                    if file.read(6) != b"\x7fELF\x02\x01":
                        return None
                self._known[path] = changed, Program(path)
            return self._known[path][1]
        except (OSError, struct.error, ValueError):
            return None


def same_text(actor, program):
    """Whether the actor's memory begins as the file does: a rebuilt file would only mislead."""
    wanted = program.bytes_at(program.entry, CHECKED_BYTES)
    try:
        return bool(wanted) and actor.read(program.entry, len(wanted)) == wanted
    except Problem:
        return False


PROGRAMS = Programs()


class UserFrames:
    """Goes from a thread's user registers to its callers, in the actor's memory."""

    def __init__(self, thread):
        self.machine, self.actor = thread.nucleus.machine, thread.actor
        self.registers = thread.registers()
        self.program, self.why = PROGRAMS.of(self.actor)
        self.note = ""  # how the latest frame was found, when it is a guess

    def frames(self):
        """Yields (pc, address to name it by, note)."""
        look = self.registers["pc"]  # a return address may already be the next function's
        for _ in range(LONGEST_BACKTRACE):
            pc, stack = self.registers["pc"], self.registers["sp"]
            yield pc, look, self.note
            self.note = ""
            if pc >= NUCLEUS_HALF or not self._to_caller(look):
                return
            if self.registers["pc"] == 0 or (self.registers["sp"] <= stack and self.registers["pc"] == pc):
                return
            look = self.registers["pc"] - 1

    def _word(self, address):
        return int.from_bytes(self.actor.read(address, 8), "little")

    def _to_caller(self, look):
        try:
            if self.program is None:
                return self._by_frame_pointer()
            function = self.program.function(look)
            if function and function[1] in FIRST_FUNCTIONS:
                return False
            row = self.program.unwind_row(look)
            if row is not None:
                return self._by_row(row)
            return self._by_search(function)
        except Problem:
            return False

    def _by_row(self, row):
        register, offset, saved = row
        names = {unwind: field for field, unwind in self.machine.unwind_names.items()}
        top = self.registers[names[register]] + offset & (1 << 64) - 1
        before = dict(self.registers)
        for unwind, place in saved.items():
            if unwind in names:
                before[names[unwind]] = self._word(top + place & (1 << 64) - 1)
        before["pc"] = before[self.machine.return_address]
        before["sp"] = top
        self.registers = before
        return True

    def _by_search(self, function):
        """A function in assembly, which no table describes: by its code, or by what is on the stack."""
        if function is None:
            return False
        prologue = self.machine.prologue(self.program.bytes_at, function[0], self.registers["pc"])
        if prologue is not None:
            return self._by_prologue(function[0], *prologue)
        stack, words = self.registers["sp"], []
        for i in range(SCANNED_WORDS):
            try:
                words.append(self._word(stack + 8 * i))
            except Problem:
                break
        # The first word that a call of the function could have left, else any call.
        for exact in (True, False):
            for i, word in enumerate(words):
                if self._is_return(word, function[0], exact):
                    self.registers = dict(self.registers, pc=word, sp=stack + 8 * (i + 1))
                    self.note = "found on the stack"
                    return True
        return False

    def _by_prologue(self, start, taken, saved):
        before, stack = dict(self.registers), self.registers["sp"]
        for name, place in saved.items():
            before[name] = self._word(stack + place)
        before["pc"], before["sp"] = before[self.machine.return_address], stack + taken
        if not self._is_return(before["pc"], start, False):
            return False
        self.registers, self.note = before, "found by the function's code"
        return True

    def _is_return(self, address, start, exact):
        """Whether `address` follows a call: `exact`, of the function at `start`."""
        if not self.program.is_text(address):
            return False
        called, target = self.machine.call_before(self.program.bytes_at, address)
        return called and (target == start if exact else target in (None, start))

    def _by_frame_pointer(self):
        """Without a file: the chain of frame pointers, if the program keeps one."""
        pointer = self.registers.get(self.machine.frame_pointer, 0)
        caller, back = self.machine.saved_pair
        if pointer <= self.registers["sp"] or pointer % 8:
            return False
        before, address = self._word(pointer + caller), self._word(pointer + back)
        if not self.machine.call_before(self.actor.read, address)[0]:
            return False
        self.registers = dict(self.registers, pc=address, sp=pointer + 8)
        self.registers[self.machine.frame_pointer] = before
        self.note = "by frame pointers"
        return True
