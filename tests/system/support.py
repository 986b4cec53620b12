"""What the system tests share: boots of the build tree's system, banks and actors made by hand.

The architecture is that of CHORALE_TEST_ARCH (x86_64 if there is none); `machine` is what is known of it.
"""

import importlib
import os
import pathlib
import re
import struct
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "actors")]

from chorale import paths, qemu  # noqa: E402
import make_bank  # noqa: E402

ARCH = os.environ.get("CHORALE_TEST_ARCH", "x86_64")
machine = importlib.import_module(ARCH)
TREE = paths.tree(ARCH)
SYSTEM_BANK = TREE / "sys_bank.cpio"
TEST_BANK = TREE / "test_bank.cpio"
MODE_FILE = make_bank.MODE_EXECUTABLE
TRAILER = make_bank.entry(0, 0, make_bank.TRAILER, b"")

# Waiting CPUs halt at once: host CPUs that emulate spinning ones would be missing elsewhere.
LEAN = "poll=off"
# Some tens of target tests in a few hundredths of a second.
QUICK = f"test=environment {LEAN}"


class Run:
    """How a guest ended, and its console line by line."""

    def __init__(self, outcome, lines):
        self.outcome, self.lines = outcome, lines

    @property
    def text(self):
        return "\n".join(self.lines)

    def passed(self):
        return not self.outcome.problem()

    def matches(self, pattern):
        return [match for match in (re.search(pattern, line) for line in self.lines) if match]


def boot(name, append=QUICK, bank=TEST_BANK, **options):
    """Boots once. `bank`: a path, "none", or the bytes of an archive. `typist`: qemu.boot's. `until`: a line
    that matches it ends the machine; for actors that leave it running."""
    settings = {"cpus": 2, "timeout": 150, "limit": qemu.OUTPUT_LIMIT, "typist": None, "until": None}
    settings.update(options)
    timeout, limit, typist, until = (settings.pop(key) for key in ("timeout", "limit", "typist", "until"))
    lines = []

    def take(kind, line, transcript):
        lines.append(line)
        if until and re.search(until, line):
            raise qemu.Stop(f"the line {until} has come")

    with tempfile.TemporaryDirectory(prefix="chorale-system-") as scratch:
        if isinstance(bank, bytes):
            path = pathlib.Path(scratch) / "bank.cpio"
            path.write_bytes(bank)
            bank = path
        guest = qemu.Machine(arch=ARCH, append=append, bank=str(bank), **settings)
        outcome = qemu.boot(guest, paths.log(f"{machine.PREFIX}system-{name}"), timeout, take, limit, typist)
    return Run(outcome, lines)


class SystemTest(unittest.TestCase):
    maxDiff = None

    def boot(self, *arguments, **options):
        return boot(f"{self.id().split('.')[-2]}-{self._testMethodName}", *arguments, **options)

    def assert_passed(self, run):
        self.assertEqual(run.outcome.problem(), "", run.text)
        self.assertTrue(run.outcome.transcript.verdicts, run.text)

    def assert_gave_up(self, run):
        """The nucleus found nothing to do, said so, and ended the machine as a failure."""
        self.assertEqual(run.outcome.stopped, "", run.text)
        self.assertFalse(run.outcome.transcript.panicked(), run.text)
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_FAIL), run.text)
        self.assert_says(run, r"^boot: ")

    def assert_panicked(self, run, reason):
        self.assertTrue(run.outcome.transcript.panicked(), run.text)
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_PANIC), run.text)
        self.assertRegex(run.outcome.transcript.panic[0], reason)

    def assert_says(self, run, pattern):
        self.assertTrue(run.matches(pattern), f"no line matches {pattern!r} in\n{run.text}")


def cpio_entry(name, data, mode=MODE_FILE):
    return make_bank.entry(1, mode, name, data)


def bank(*entries):
    """A whole archive of entries made by cpio_entry() or by other means."""
    return b"".join(entries) + TRAILER


def good_actor():
    """The entry of the target tests, which end the machine with their verdict."""
    return cpio_entry("nucleus_tests", (TREE / "bank" / "nucleus_tests").read_bytes())


PAGE = 4096
TEXT_ADDRESS = 0x400000
READ, WRITE, EXECUTE = 4, 2, 1
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_GNU_STACK = 1, 2, 3, 0x6474E551


def header(kind=PT_LOAD, flags=READ | EXECUTE, offset=PAGE, address=TEXT_ADDRESS, file_size=PAGE,
           memory_size=PAGE, alignment=PAGE):
    return struct.pack("<IIQQQQQQ", kind, flags, offset, address, address, file_size, memory_size, alignment)


TEXT = header()
DATA = header(flags=READ | WRITE, offset=0, address=TEXT_ADDRESS + PAGE, file_size=0)


def elf(code=machine.LOOP, headers=(TEXT, DATA), entry=TEXT_ADDRESS, made_for=machine.ELF_MACHINE,
        kind=2, identity=b"\x02\x01\x01", count=None):
    """A static program: two segments, text (from the second page of the file) and zeroed data."""
    table = b"".join(headers)
    count = len(headers) if count is None else count
    file_header = b"\x7fELF" + identity.ljust(12, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", kind, made_for, 1, entry, 64, 0, 0, 64, 56, count, 0, 0, 0)
    return (file_header + table).ljust(PAGE, b"\0") + code.ljust(PAGE, machine.FILLER)
