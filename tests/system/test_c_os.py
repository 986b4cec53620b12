"""Programs under C_OS: those of tests/programs check themselves; the system ends with the first of them."""

import unittest

from support import LEAN, TREE, SystemTest, qemu

BANK = TREE / "c_os_bank.cpio"


class Programs(SystemTest):
    def run_program(self, *words, **options):
        return self.boot(append=f"{LEAN} init={','.join(words)}", bank=BANK, **options)

    def assert_program_passed(self, run, name):
        self.assertFalse(run.matches("FAILED"), run.text)
        self.assert_says(run, f"^{name}: passed$")
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_PASS), run.text)

    def test_everyday(self):
        self.assert_program_passed(self.run_program("/bin/test_everyday", "one", "two"), "everyday")

    def test_memory(self):
        self.assert_program_passed(self.run_program("/bin/test_memory"), "memory")

    def test_threads(self):
        for cpus in (1, 4):
            with self.subTest(cpus=cpus):
                self.assert_program_passed(self.run_program("/bin/test_threads", cpus=cpus), "threads")

    def test_actors(self):
        for cpus in (1, 4):
            with self.subTest(cpus=cpus):
                self.assert_program_passed(self.run_program("/bin/test_actors", cpus=cpus), "actors")

    def test_a_supervisor_actor(self):
        self.assert_program_passed(self.run_program("/bin/test_supervisor"), "supervisor")


class UsingActors(SystemTest):
    """The examples of the manual's chapter, as it prints them."""

    def run_example(self, number):
        run = self.boot(append=f"{LEAN} init=/bin/{number}", bank=BANK)
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_PASS), run.text)
        return run

    def test_5_1(self):
        self.assert_says(self.run_example("5-1"), "^This actor is running as a user actor$")

    def test_5_3(self):
        run = self.run_example("5-3")
        self.assert_says(run, "^I succeeded creating actor whose aid is [0-9]+$")


class BadStarts(SystemTest):
    def assert_not_started(self, program, error):
        run = self.boot(append=f"{LEAN} init={program}", bank=BANK)
        self.assert_says(run, f"^C_OS: {program}: not started: error {error}$")
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_FAIL), run.text)

    def test_nothing_there(self):
        self.assert_not_started("/bin/nothing", 2)

    def test_no_file(self):
        self.assert_not_started("/tmp", 13)


if __name__ == "__main__":
    unittest.main()
