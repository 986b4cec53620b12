"""Reads the few facts of an ELF64 file that the budgets and the plugin need."""

import struct

from chorale.errors import Failure

SHF_WRITE, SHF_ALLOC = 1, 2
SHT_NOBITS, SHT_NOTE = 8, 7
PT_LOAD, PF_X = 1, 1
MACHINES = {62: "x86_64", 243: "riscv64"}
PVH_ENTRY_NOTE = 18


class Elf:
    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise Failure(f"{path} is not a little-endian ELF64 file")
        offset, = struct.unpack_from("<Q", self.data, 40)
        size, count = struct.unpack_from("<HH", self.data, 58)
        # name, type, flags, address, offset, size, ...
        self.sections = [struct.unpack_from("<IIQQQQ", self.data, offset + i * size) for i in range(count)]

        offset, = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        # type, flags, offset, virtual address, physical address, size in the file, in memory, alignment
        self.segments = [struct.unpack_from("<IIQQQQQQ", self.data, offset + i * size) for i in range(count)]

    def architecture(self):
        machine, = struct.unpack_from("<H", self.data, 18)
        if machine not in MACHINES:
            raise Failure(f"{self.path} is made for a machine that is not known here")
        return MACHINES[machine]

    def physical_range(self):
        """Where in memory the file is loaded: first address and the one behind the last."""
        loaded = [(segment[4], segment[4] + segment[6]) for segment in self.segments
                  if segment[0] == PT_LOAD and segment[6]]
        return (min(low for low, _ in loaded), max(end for _, end in loaded)) if loaded else (0, 0)

    def code_range(self):
        """The virtual addresses of its code: the first and the one behind the last."""
        code = [(segment[3], segment[3] + segment[6]) for segment in self.segments
                if segment[0] == PT_LOAD and segment[1] & PF_X]
        return min(low for low, _ in code), max(end for _, end in code)

    def image_bytes(self):
        """Text, read-only data and data: what is in memory and comes from the file."""
        return sum(size for _, kind, flags, _, _, size in self.sections
                   if flags & SHF_ALLOC and kind != SHT_NOBITS)

    def bss_bytes(self):
        return sum(size for _, kind, flags, _, _, size in self.sections
                   if flags & SHF_ALLOC and kind == SHT_NOBITS)

    def pvh_entry(self):
        """The physical address at which the firmware enters a PVH kernel, 0 if it is none."""
        for _, kind, _, _, offset, size in self.sections:
            if kind != SHT_NOTE:
                continue
            end = offset + size
            while offset + 12 <= end:
                name_size, value_size, note = struct.unpack_from("<III", self.data, offset)
                value = offset + 12 + (name_size + 3) // 4 * 4
                if note == PVH_ENTRY_NOTE and self.data[offset + 12:offset + 15] == b"Xen":
                    return int.from_bytes(self.data[value:value + value_size], "little")
                offset = value + (value_size + 3) // 4 * 4
        return 0
