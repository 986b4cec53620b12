"""The ends that nobody wants: a panic, and a guest that says nothing any more.

A sound nucleus does not panic, so each test spoils a copy of it: other machine code at the beginning of a
function.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from support import ARCH, LEAN, ROOT, SystemTest, bank, cpio_entry, elf, machine, paths, qemu

AT_BOOT = ("chorale::create_thread(", "chorale::environment::set(")
IN_CALL = ("chorale::Shim<&chorale::calls::nullCall",)


def symbols():
    lines = (paths.tree(ARCH) / "bank" / "nucleus.sym").read_text().splitlines()
    return {line[17:]: int(line[:16], 16) for line in lines}


def spoil(functions, code, directory):
    """A nucleus with `code` in the first of `functions` that it has. Returns its path and that function."""
    known = symbols()
    name = next((name for wanted in functions for name in known if name.startswith(wanted)), None)
    if name is None:
        raise AssertionError(f"the nucleus has none of the functions {functions}")
    image = bytearray(paths.kernel(ARCH).read_bytes())
    table, count = int.from_bytes(image[32:40], "little"), int.from_bytes(image[56:58], "little")
    for place in range(table, table + 56 * count, 56):
        offset, address, _, size = (int.from_bytes(image[place + at:place + at + 8], "little")
                                    for at in (8, 16, 24, 32))
        if image[place] == 1 and address <= known[name] < address + size:
            begin = offset + known[name] - address
            begin += machine.prologue(bytes(image[begin:begin + 64]))
            image[begin:begin + len(code)] = code
            path = pathlib.Path(directory) / "spoiled.elf"
            path.write_bytes(image)
            return str(path), name
    raise AssertionError(f"{name} is in no segment of the nucleus")


class Panic(SystemTest):
    def panic(self, functions, code, **options):
        """Boots a spoiled nucleus on four CPUs. Returns the report and the function."""
        with tempfile.TemporaryDirectory() as directory:
            kernel, name = spoil(functions, code, directory)
            run = self.boot(f"bench=null_call {LEAN}", paths.bank(ARCH), kernel=kernel, cpus=4, timeout=20,
                            **options)
        self.assertEqual(run.outcome.stopped, "", run.text)
        self.assertEqual(run.outcome.status, qemu.EXIT_PANIC, run.text)
        report = run.outcome.transcript.panic
        self.assertTrue(report, run.text)
        self.assertEqual(report[-1], "@endpanic")
        self.assertEqual(run.lines[-1] or run.lines[-2], "@endpanic", "somebody talks after the panic")
        return report, name

    def assert_backtrace(self, report, name, *callers):
        """`name` is where it happened, `callers` are among those behind it."""
        self.assertIn("backtrace:", report)
        places = [line.strip() for line in report[report.index("backtrace:") + 1:-1]]
        self.assertRegex(places[0], rf"^{machine.NUCLEUS_TEXT} {re.escape(name)} \+ 0x[0-9a-f]+$")
        for caller in callers:
            self.assertTrue([place for place in places[1:] if caller in place], f"no {caller} in {places}")

    def assert_registers(self, report, *names):
        text = "\n".join(report)
        for name in names:
            self.assertRegex(text, rf"\b{name}[ =:]+(0x)?[0-9a-f]+")

    def test_at_boot(self):
        report, name = self.panic(AT_BOOT, machine.UNDEFINED)
        self.assertRegex(report[0], f"^@panic {machine.UNDEFINED_PANIC}")
        self.assertEqual(report[1], "cpu 0")
        self.assert_registers(report, *machine.REGISTERS)
        self.assert_backtrace(report, name, "nucleus_main")

    def test_in_a_call(self):
        report, name = self.panic(IN_CALL, machine.UNDEFINED)
        self.assertRegex(report[0], f"^@panic {machine.UNDEFINED_PANIC}")
        self.assert_backtrace(report, name)

    def test_bad_pointer(self):
        report, name = self.panic(IN_CALL, machine.READ_NULL)
        self.assertRegex(report[0], f"^@panic {machine.READ_NULL_PANIC}")
        self.assert_backtrace(report, name)

    def test_stack_overflow(self):
        """The unmapped page below is hit; the report has a stack of its own."""
        report, name = self.panic(AT_BOOT, machine.OVERFLOW)
        self.assertRegex(report[0], f"^@panic {machine.OVERFLOW_PANIC}")
        self.assert_backtrace(report, name)

    def test_command_fails(self):
        """What the user sees: the panic's text, and a failure."""
        with tempfile.TemporaryDirectory() as directory:
            kernel, name = spoil(AT_BOOT, machine.UNDEFINED, directory)
            done = guest_test("--kernel", kernel, "--name", "system-panic")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(f"@panic {machine.UNDEFINED_PANIC}", done.stdout)
        self.assertIn(name, done.stdout)
        self.assertIn("the guest panicked", done.stdout)


class Hang(SystemTest):
    def test_silent_actor(self):
        with tempfile.TemporaryDirectory() as directory:
            archive = pathlib.Path(directory) / "bank.cpio"
            archive.write_bytes(bank(cpio_entry("loop", elf())))
            done = guest_test("--bank", archive, "--timeout", "2", "--name", "system-hang")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("actor loop loaded", done.stdout)
        self.assertIn("the guest was stopped at the time limit of 2 s", done.stdout)


def guest_test(*options):
    command = [sys.executable, ROOT / "tools" / "guest-test", "--arch", ARCH, "--append", LEAN, *options]
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, timeout=60,
                          check=False)


if __name__ == "__main__":
    unittest.main()
