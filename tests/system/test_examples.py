"""The programs of examples/ do what docs/first-actor.md says."""

import unittest

from support import LEAN, TREE, SystemTest, qemu


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
