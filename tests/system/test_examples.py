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


if __name__ == "__main__":
    unittest.main()
