"""The machine's memory, whatever its processors execute at the moment.

Everything is read by physical address, through page tables that are walked here: so the nucleus can be read
while a processor is in user mode, and a program while another one's space is loaded.
"""

import struct

import gdb

from chorale_gdb.machine import INDEX_BITS, PAGE, PAGE_BITS, signed
from chorale_gdb.problem import Problem

MODE = "maintenance packet {}qemu.PhyMemMode{}"


def reply_of(packet):
    text = gdb.execute(packet, to_string=True)
    return text.rpartition('received: "')[2].rpartition('"')[0]


class Memory:
    """Pages are read once for each command: the machine stands still meanwhile."""

    def __init__(self, machine):
        self.machine = machine
        self.root = None  # of the nucleus, when one is known: (table, levels)
        self._frames, self._pages = {}, {}
        if reply_of(MODE.format("q", "")) not in ("0", "1"):
            raise Problem("this target does not read physical memory as QEMU's does")

    def _frame(self, number):
        if number not in self._frames:
            gdb.execute(MODE.format("Q", ":1"), to_string=True)
            try:
                frame = bytes(gdb.selected_inferior().read_memory(number * PAGE, PAGE))
            except gdb.error as error:
                raise Problem(f"there is no memory at physical address {number * PAGE:#x}") from error
            finally:
                gdb.execute(MODE.format("Q", ":0"), to_string=True)
            self._frames[number] = frame
        return self._frames[number]

    def physical(self, address, size):
        parts = []
        while size > 0:
            offset = address % PAGE
            count = min(size, PAGE - offset)
            parts.append(self._frame(address // PAGE)[offset:offset + count])
            address, size = address + count, size - count
        return b"".join(parts)

    def translate(self, root, address):
        """The physical address behind a virtual one, or None."""
        table, levels = root
        bits = PAGE_BITS + INDEX_BITS * levels
        if signed(address & (1 << bits) - 1, bits) & (1 << 64) - 1 != address:
            return None  # not canonical
        for level in reversed(range(levels)):
            shift = PAGE_BITS + INDEX_BITS * level
            index = address >> shift & (1 << INDEX_BITS) - 1
            value, = struct.unpack("<Q", self.physical(table + index * 8, 8))
            present, leaf, table = self.machine.entry(value, level)
            if not present:
                return None
            if leaf:
                span = 1 << shift
                return (table & ~(span - 1)) + address % span
        return None

    def read_in(self, root, address, size):
        """`size` bytes of the address space of a root table."""
        parts = []
        while size > 0:
            count = min(size, PAGE - address % PAGE)
            page = root, address // PAGE
            if page not in self._pages:
                self._pages[page] = self.translate(root, address // PAGE * PAGE)
            if self._pages[page] is None:
                raise Problem(f"nothing is mapped at {address:#x}")
            parts.append(self.physical(self._pages[page] + address % PAGE, count))
            address, size = address + count, size - count
        return b"".join(parts)

    def read(self, address, size):
        """Of the nucleus."""
        return self.read_in(self.root, address, size)

    def words(self, address, count):
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))


def strip(kind):
    """The type itself: no typedef, no const."""
    return kind.strip_typedefs().unqualified()


def members(kind):
    """Base classes and members that have a place in the object."""
    return [field for field in kind.fields() if hasattr(field, "bitpos")]


class Types:
    """Layouts, from the nucleus's debug information."""

    def __init__(self):
        self._types, self._places, self._enumerators = {}, {}, {}

    def named(self, name):
        if name not in self._types:
            try:
                self._types[name] = strip(gdb.lookup_type(name))
            except gdb.error as error:
                raise Problem(f"gdb knows no {name}: is the nucleus's file loaded?") from error
        return self._types[name]

    def place(self, name, path):
        """(offset, type) of a member, named as in C++: `tables.value_.threads`. "" is the object itself."""
        key = name, path
        if key not in self._places:
            offset, kind = 0, self.named(name)
            for part in path.split(".") if path else ():
                found = self._member(kind, part)
                if found is None:
                    raise Problem(f"{name} has no member {path}: these commands are of another version")
                offset, kind = offset + found[0], strip(found[1])
            self._places[key] = offset, kind
        return self._places[key]

    def _member(self, kind, wanted):
        if kind.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            return None
        for field in members(kind):
            offset = field.bitpos // 8
            if not field.is_base_class and field.name == wanted:
                return offset, field.type
            if field.is_base_class or not field.name:
                inside = self._member(strip(field.type), wanted)
                if inside is not None:
                    return offset + inside[0], inside[1]
        return None

    def base(self, name, base):
        """Where in `name` its base class `base` begins."""
        for field in self.named(name).fields():
            if field.is_base_class and field.name == base:
                return field.bitpos // 8
        raise Problem(f"{name} is no {base}: these commands are of another version")

    def scalar(self, name, path):
        """(offset, size) of a number, also one in wrappers such as std::atomic."""
        offset, kind = self.place(name, path)
        while kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            inside = members(kind)
            if not inside:
                raise Problem(f"{path} of {name} is no number: these commands are of another version")
            offset, kind = offset + inside[0].bitpos // 8, strip(inside[0].type)
        return offset, kind.sizeof

    def enumerators(self, name):
        """{value: name} of an enumeration, the names without their scope."""
        if name not in self._enumerators:
            self._enumerators[name] = {field.enumval: field.name.rpartition("::")[2]
                                       for field in self.named(name).fields()}
        return self._enumerators[name]


def address_of(name, file):
    """Where a variable of the nucleus is; `file`: the end of the path of the source that defines it."""
    try:
        symbols = [symbol for symbol in gdb.lookup_static_symbols(name)
                   if symbol.symtab and symbol.symtab.filename.endswith(file)]
        symbol = symbols[0] if symbols else gdb.lookup_global_symbol(name)
        if symbol is not None:
            return int(symbol.value().address)
    except gdb.error:
        pass
    raise Problem(f"gdb knows no {name}: is the nucleus's file loaded?")


class Object:
    """An object of the nucleus: its address and, by name, its members."""

    kind = ""  # the C++ type of a subclass

    def __init__(self, nucleus, address, kind=""):
        self.nucleus, self.address, self.kind = nucleus, address, kind or self.kind

    def number(self, path):
        offset, size = self.nucleus.types.scalar(self.kind, path)
        return int.from_bytes(self.nucleus.memory.read(self.address + offset, size), "little")

    def place(self, path):
        return self.address + self.nucleus.types.place(self.kind, path)[0]

    def size(self, path=""):
        return self.nucleus.types.place(self.kind, path)[1].sizeof

    def bytes(self, path):
        return self.nucleus.memory.read(self.place(path), self.size(path))

    def words(self, path):
        """An array of pointers or of 64-bit numbers."""
        return self.nucleus.memory.words(self.place(path), self.size(path) // 8)
