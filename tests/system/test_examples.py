"""The programs of examples/ do what docs/first-actor.md says."""

import unittest

from support import LEAN, TREE, SystemTest, qemu


class Examples(SystemTest):
    def test_bank_and_customer(self):
        run = self.boot(append=LEAN, bank=TREE / "examples.cpio")
        for line in ("2500 cents make 2500", "-700 cents make 1800", "42 cents make 1842"):
            self.assert_says(run, f"^customer: {line}$")
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_PASS), run.text)


if __name__ == "__main__":
    unittest.main()
