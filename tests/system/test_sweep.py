r"""The sweep of kills (tests/programs/sweep.c): an actor is ended at each of 2,000 points of its life.

One CPU, and a clock that counts instructions: a run is the same run each time, on any host. A point that
fails says how to do it alone: `init=/bin/test_sweep,2000,POINT,1,1`, with the bank of this test. In this
folder:

    CHORALE_SWEEP=2000,POINT,1,1 CHORALE_TEST_ARCH=riscv64 \
        python3 -m unittest -v test_sweep.Sweep.test_all_points
"""

import os
import re
import unittest

from support import LEAN, TREE, SystemTest, qemu

BANK = TREE / "c_os_bank.cpio"


class Sweep(SystemTest):
    def sweep(self, *numbers):
        words = ["/bin/test_sweep", *(str(number) for number in numbers)]
        # The same random numbers each time: without them addresses would differ.
        return self.boot(append=f"{LEAN} init={','.join(words)}", bank=BANK, cpus=1, virtual_time=True,
                         extra=("-seed", "1"), timeout=900)

    def assert_swept(self, run):
        self.assertFalse(run.matches("FAILED"), run.text)
        self.assert_says(run, "^sweep: passed$")
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_PASS), run.text)
        # One line for each end by a fault; many at once are counted instead.
        ended = run.matches(r"^sweep: ended by akill \d+, by actorDelete \d+, by a fault (\d+), ")
        faults = run.matches(r"^C_OS: life \(aid \d+\): memory protection fault: ")
        left_out = run.matches(r"^C_OS: (\d+) lines like the next one left out")
        told = len(faults) + sum(int(line.group(1)) for line in left_out)
        self.assertEqual(told, int(ended[0].group(1)), run.text)

    def test_all_points(self):
        numbers = [int(number) for number in os.environ.get("CHORALE_SWEEP", "2000").split(",")]
        run = self.sweep(*numbers)
        self.assert_swept(run)
        if numbers != [2000]:
            return
        # Each kind of end, in all parts of the life.
        kinds = run.matches(r"^sweep: ended by akill (\d+), by actorDelete (\d+), by a fault (\d+), "
                            r"while loading (\d+), not yet made (\d+), by itself (\d+)$")[0]
        self.assertEqual(sum(int(kind) for kind in kinds.groups()), 2000)
        for kind, least in zip(kinds.groups(), (500, 200, 100, 50, 20, 20)):
            self.assertGreaterEqual(int(kind), least, run.text)
        calls = run.matches(r"^sweep: calls to victims: (\d+) answered, (\d+) no port, \d+ unknown, "
                            r"(\d+) crashed")
        for kind in calls[0].groups():
            self.assertGreater(int(kind), 0, run.text)

    def test_is_the_same_each_time(self):
        first, second = (self.sweep(2000, 7, 67, 10) for _ in range(2))
        self.assert_swept(first)
        said = [[line for line in run.lines if re.match("sweep: |C_OS: ", line)] for run in (first, second)]
        self.assertEqual(*said)


if __name__ == "__main__":
    unittest.main()
