"""The simulator's command: `test_command.py SIM PLANTED_SIM`.

A seed is a run: the same number gives the same steps and the same hash of everything that happened. A failing
run is shrunk, and what is left fails in the same way.
"""

import re
import subprocess
import sys
import unittest

SIM, PLANTED = sys.argv[1:3]
TIMEOUT = 180


def run(program, *arguments, env=None):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=False,
                          env=env)


class Command(unittest.TestCase):
    def test_a_seed_is_a_run(self):
        lines = [run(SIM, "--seed", "7").stdout.splitlines()[0] for _ in range(2)]
        self.assertRegex(lines[0], r"^seed 7: \d+ steps, hash [0-9a-f]{16}$")
        self.assertEqual(lines[0], lines[1])
        self.assertNotEqual(lines[0], run(SIM, "--seed", "8").stdout.splitlines()[0])

    def test_a_trace_tells_the_same_run(self):
        traced = run(SIM, "--seed", "7", "--trace").stdout
        plain = run(SIM, "--seed", "7").stdout.splitlines()[0]
        self.assertIn(plain, traced)
        self.assertIn("[thread 0 create_port(0,0,0,0)]", traced)
        self.assertIn("threadCreate", traced)

    def test_a_failure_is_shrunk_and_fails_again(self):
        result = run(PLANTED, "--count", "2000")
        self.assertEqual(result.returncode, 1, result.stdout)
        first = re.search(r"FAILED: thread (\d+): priority inversion", result.stdout)
        small = re.search(r"shrunk to (\d+) operations: thread \d+: priority inversion", result.stdout)
        self.assertIsNotNone(first, result.stdout)
        self.assertIsNotNone(small, result.stdout)
        plan = result.stdout[:result.stdout.index("again:")]
        self.assertLess(int(small.group(1)), plan.count("("), "shrinking took nothing away")
        seed = re.search(r"again:  sim --seed (\d+)", result.stdout).group(1)
        again = run(PLANTED, "--seed", seed, "--no-shrink")
        self.assertEqual(again.returncode, 1)
        self.assertIn(result.stdout.splitlines()[0], again.stdout)

    def test_no_failure_where_one_is_expected_fails(self):
        self.assertEqual(run(SIM, "--count", "3", "--expect-failure").returncode, 1)

    def test_wrong_usage(self):
        for arguments in (["--seed", "x"], ["--share", "3/2"], ["--share", "1"], ["--nonsense"], ["word"]):
            result = run(SIM, *arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("usage: sim", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
