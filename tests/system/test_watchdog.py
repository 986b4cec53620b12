"""The watchdog's second stage: the machine restarts. QEMU is told to end instead, with status 0."""

import unittest

from support import LEAN, TEST_BANK, SystemTest


class Watchdog(SystemTest):
    def restart(self, append, *patterns):
        run = self.boot(f"{append} {LEAN}", TEST_BANK, cpus=2, timeout=90)
        self.assertEqual(run.outcome.stopped, "", run.text)
        self.assertEqual(run.outcome.status, 0, run.text)
        for pattern in patterns:
            self.assertTrue(run.matches(pattern), run.text)

    def test_armed_and_forgotten(self):
        self.restart("test=watchdog.restart",
                     r"watchdog: nucleus_tests has not been heard of for 500 ms",
                     r"watchdog: nucleus_tests is not coming back: restart")

    def test_a_start_that_nobody_commits(self):
        self.restart("test=watchdog.startup wdt.startup=1",
                     r"watchdog: the start of the system is not coming back: restart")


if __name__ == "__main__":
    unittest.main()
