"""Bad images of supervisor actors: the nucleus says what is wrong, leaves them out, and runs the rest."""

import struct
import unittest

from support import QUICK, TREE, SystemTest, bank, cpio_entry, good_actor

IMAGE = (TREE / "bank" / "supervisor_tests.r").read_bytes()
DT_NEEDED, DT_STRSZ, DT_SYMENT, DT_RELASZ = 1, 10, 11, 8
PT_DYNAMIC = 2


def replaced(old, new):
    assert IMAGE.count(old) >= 1 and len(old) == len(new)
    return IMAGE.replace(old, new)


def put(offset, layout, *values):
    data = struct.pack(layout, *values)
    return IMAGE[:offset] + data + IMAGE[offset + len(data):]


def program_headers():
    table, = struct.unpack_from("<Q", IMAGE, 32)
    count, = struct.unpack_from("<H", IMAGE, 56)
    return [table + 56 * i for i in range(count)]


def dynamic():
    """The place in the file of each dynamic entry, by its tag."""
    header = next(at for at in program_headers() if struct.unpack_from("<I", IMAGE, at)[0] == PT_DYNAMIC)
    offset, = struct.unpack_from("<Q", IMAGE, header + 8)
    size, = struct.unpack_from("<Q", IMAGE, header + 32)
    return {struct.unpack_from("<Q", IMAGE, at)[0]: at for at in range(offset, offset + size, 16)}, header


TAGS, DYNAMIC_HEADER = dynamic()

# name: (image, what the console must say)
BAD = {
    "missing": (replaced(b"\0threadDelay\0", b"\0threadDelat\0"), "the nucleus has no symbol threadDelat"),
    "static": (put(16, "<H", 2), "not the kind of executable that is wanted"),
    "machine": (put(18, "<H", 3), "made for another machine"),
    "cut": (IMAGE[:4096], "segment beyond the end of the file"),
    "no_dynamic": (put(DYNAMIC_HEADER, "<I", 0), "no dynamic section"),
    "dynamic_outside": (put(DYNAMIC_HEADER + 16, "<Q", 1 << 40), "bad dynamic section"),
    "names_too_long": (put(TAGS[DT_STRSZ] + 8, "<Q", 1 << 40), "bad dynamic section"),
    "names_none": (put(TAGS[DT_STRSZ] + 8, "<Q", 0), "bad symbol"),
    "symbol_size": (put(TAGS[DT_SYMENT] + 8, "<Q", 16), "bad dynamic section"),
    "relocations_too_many": (put(TAGS[DT_RELASZ] + 8, "<Q", 24 << 40), "bad dynamic section"),
    "relocations_odd": (put(TAGS[DT_RELASZ] + 8, "<Q", 25), "bad dynamic section"),
    "library": (put(TAGS[DT_STRSZ], "<Q", DT_NEEDED), "needs a shared library|bad"),
    "entry": (put(24, "<Q", 1 << 30), "entry point not executable"),
    "empty": (b"", "header cut off"),
}


class BadImages(SystemTest):
    def test_images(self):
        entries = [cpio_entry(f"{name}.r", image) for name, (image, _) in BAD.items()]
        run = self.boot(QUICK, bank(good_actor(), *entries))
        self.assert_passed(run)
        for name, (_, reason) in BAD.items():
            self.assert_says(run, f"^actor {name}: not loaded: ({reason})")
        self.assert_says(run, "^1 boot actors$")

    def test_all_loaded(self):
        """Several at once, each in a slot of its own."""
        entries = [cpio_entry(f"copy{i}.r", IMAGE) for i in range(5)]
        run = self.boot(QUICK, bank(good_actor(), *entries))
        self.assert_passed(run)
        self.assert_says(run, "^6 boot actors$")


class Panic(SystemTest):
    def test_sv_sys_panic(self):
        """svSysPanic: the number, the arguments, the message and the place; the end of the system."""
        run = self.boot("supervisor.panic=1", bank(good_actor(), cpio_entry("panicking.r", IMAGE)))
        self.assert_says(run, r"svSysPanic 77: as the test asks \(main\.cpp:12\)")
        self.assert_says(run, "argument 0x1234")
        self.assert_says(run, "argument 0xabcd")
        self.assert_panicked(run, "svSysPanic")


if __name__ == "__main__":
    unittest.main()
