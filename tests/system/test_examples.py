"""The programs of examples/ do what docs/first-actor.md and docs/first-program.md say."""

import re
import unittest

from support import ARCH, LEAN, ROOT, TREE, SystemTest, qemu
from test_c_init import ConsoleTest


class Examples(SystemTest):
    def test_bank_and_customer(self):
        run = self.boot(append=LEAN, bank=TREE / "examples.cpio")
        for line in ("2500 cents make 2500", "-700 cents make 1800", "42 cents make 1842"):
            self.assert_says(run, f"^customer: {line}$")
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_PASS), run.text)

    def hello(self, bank, privilege):
        def type_in(line):
            return b"gates 3\r-45\r" if line.startswith("Type ") else b""

        run = self.boot(append=LEAN, bank=TREE / bank, typist=type_in, until="make|not what")
        self.assert_says(run, f"^Hello World! I am hello\\S*, a {privilege} actor with 0 arguments$")
        self.assert_says(run, "^gates: 3 and -45 make -42$")

    def test_the_c_library_in_a_user_actor(self):
        self.hello("hello_bank.cpio", "user")

    def test_the_c_library_in_a_supervisor_actor(self):
        self.hello("hello_supervisor_bank.cpio", "supervisor")


class FirstProgram(ConsoleTest):
    """docs/first-program.md, step by step."""

    # A page of registers, a counter there, and how to set it going.
    DEVICES = {"x86_64": ("0xfed00000", "0xf0 0x10"), "riscv64": ("0x101000", "0")}

    def started_server(self, guest, command):
        begin = len(guest.output)
        self.started(guest.run(f"arun {command} &"))
        self.expect_line(guest, "port ", begin)
        return re.search(r"port ([0-9a-f]{16}:[0-9a-f]{16})", guest.output[begin:]).group(1)

    def assert_counts(self, guest, port):
        first, second = (guest.run(f"client {port} 0")[0] for _ in range(2))
        self.assertRegex(first, "^[0-9]+$")
        self.assertNotEqual(first, second)

    def test_the_page_shows_the_programs(self):
        page = (ROOT / "docs" / "first-program.md").read_text(encoding="utf-8")
        programs = sorted((ROOT / "examples" / "first").glob("*.[ch]"))
        self.assertEqual(len(programs), 9)
        for program in programs:
            with self.subTest(program=program.name):
                self.assertIn(f"```c\n{program.read_text(encoding='utf-8')}```\n", page)

    def test_the_page_step_by_step(self):
        guest = self.boot(bank=TREE / "first_bank.cpio")
        said = guest.run("arun hello")
        self.assertEqual(said[1], f"Hello World! I am actor {self.started(said)}")
        for space in ("", "-S "):
            port = self.started_server(guest, f"{space}server")
            self.assertEqual(guest.run(f"client {port} 21"), ["42"])
        page, counter = self.DEVICES[ARCH]
        self.assertEqual(guest.run(f"arun -U driver {page} {counter}")[1:], ["no device: error -7"])
        self.assert_counts(guest, self.started_server(guest, f"-S driver {page} {counter}"))
        begin = len(guest.output)
        guest.run(f"arun window {page} &")
        self.expect_line(guest, f"window at {page[2:]}", begin)
        self.assert_counts(guest, self.started_server(guest, f"-U driver {page} {counter}"))
        # The window shows one page: what lies behind it is not the driver's.
        port = self.started_server(guest, f"-U driver {page} 0x1000")
        self.assertEqual(guest.run(f"client {port} 0"), ["0"])


class Embedded(SystemTest):
    """The C library in boot actors with several threads (tests/programs/embedded.c)."""

    def test_threads(self):
        for kind in ("user", "supervisor"):
            for cpus in (1, 4):
                with self.subTest(kind=kind, cpus=cpus):
                    run = self.boot(append=LEAN, bank=TREE / f"embedded_{kind}_bank.cpio", cpus=cpus,
                                    until="passed|failed|deleted|panic")
                    self.assertFalse(run.matches("FAILED"), run.text)
                    self.assert_says(run, f"^embedded.{kind}: passed$")
                    for thread in range(3):
                        self.assert_says(run, f"^thread {thread} at 1500$")


if __name__ == "__main__":
    unittest.main()
