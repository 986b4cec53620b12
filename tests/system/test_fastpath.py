"""The register fast path is an optimisation: with it and without it the same tests have the same results."""

import unittest

from support import LEAN, TEST_BANK, SystemTest

SUITES = ("ipc", "ports", "registers", "threads", "binding", "actors")


class FastPath(SystemTest):
    def results(self, switch):
        run = self.boot(f"test=all smp.stress=0 {LEAN} fastpath={switch}", TEST_BANK, timeout=240)
        self.assert_passed(run)
        return [line for line in run.lines
                if line.startswith("@test ") and line.split()[1].startswith(SUITES)]

    def test_same_results(self):
        on, off = self.results("on"), self.results("off")
        self.assertGreater(len(on), 40)
        self.assertEqual(on, off)


if __name__ == "__main__":
    unittest.main()
