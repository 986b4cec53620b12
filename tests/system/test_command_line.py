"""Words of the command line that make no sense: each is reported, boot goes on as if it were not there."""

import unittest

from support import LEAN, SystemTest

REPORTED = {
    "nonsense=1": "nonsense=1: unknown key",
    "fastpaht=off": "fastpaht=off: unknown key",
    "cpus=0": "cpus=0: out of range",
    "cpus=99999999999999999999999": "cpus=9+: not a number",
    "cpus=-1": "cpus=-1: not a number",
    "cpus=": "cpus=: not a number",
    "fastpath=maybe": "fastpath=maybe: not one of: on.off",
    "console=lpt": "console=lpt: not one of: com1.com2.none",
    "seed=0xg": "seed=0xg: not a number",
    "quiet": "quiet=: (no value|unknown key)",
    "=x": "=x: unknown key",
    'bench="all"x': "bench=all: text after the quote",
    "bench=" + "x" * 300: "bench=x+: value too long",
}


class CommandLine(SystemTest):
    def check(self, append, *patterns):
        run = self.boot(f"test=environment {LEAN} {append}")
        self.assert_passed(run)
        for pattern in patterns:
            self.assert_says(run, f"^command line: {pattern}")
        self.assertEqual(len(run.matches("^command line: ")), len(patterns), run.text)
        return run

    def test_reported(self):
        run = self.check(" ".join(REPORTED), *REPORTED.values())
        self.assert_says(run, "^cpus: 2 running, 2 found$")

    def test_given_twice(self):
        run = self.check("cpus=2 cpus=1", "cpus=1: given twice")
        self.assert_says(run, "^cpus: 1 running")

    def test_open_quote(self):
        self.check('bench="all', "bench=all: no closing quote")

    def test_too_long(self):
        self.check("seed=1 " + " " * 1100 + "nonsense=1", ".*command line too long")

    def test_too_many_words(self):
        run = self.boot(f"test=environment {LEAN} " + "x=1 " * 100)
        self.assert_passed(run)
        self.assert_says(run, "too many words")

    def test_all_good(self):
        self.check("cpus=1 console=com1 fastpath=off smp.stress=0 seed=0x10")


if __name__ == "__main__":
    unittest.main()
