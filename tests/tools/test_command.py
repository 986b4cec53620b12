"""The command line of ./chorale: help everywhere, one line and exit 2 for wrong usage."""

import unittest

import support

CHORALE = support.ROOT / "chorale"
VERBS = ("bench", "test", "run", "image", "debug", "fuzz", "coverage", "setup")


class CommandTest(unittest.TestCase):
    def assert_usage_error(self, *words, hint):
        done = support.run(CHORALE, *words)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(hint, done.stderr)

    def test_help_of_every_verb_has_examples(self):
        for verb in VERBS:
            done = support.run(CHORALE, verb, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("examples:", done.stdout)
            self.assertIn(f"./chorale {verb}", done.stdout)

    def test_overall_help_names_every_verb(self):
        done = support.run(CHORALE, "--help")
        self.assertEqual(done.returncode, 0)
        for verb in VERBS:
            self.assertIn(f"  {verb}", done.stdout)

    def test_no_verb_is_wrong_usage_with_help(self):
        done = support.run(CHORALE)
        self.assertEqual(done.returncode, 2)
        self.assertIn("verbs:", done.stderr)

    def test_wrong_words_are_one_line(self):
        self.assert_usage_error("bnech", hint="did you mean bench?")
        self.assert_usage_error("bench", "--cpsu", "4", hint="did you mean --cpus?")
        self.assert_usage_error("bench", "surplus", hint="surplus")
        self.assert_usage_error("--frob", hint="--frob")

    def test_wrong_values_are_one_line(self):
        for value in ("0", "65", "four", "-1", "4.0", ""):
            self.assert_usage_error("bench", f"--cpus={value}", hint="1 to 64")
        for value in ("12", "0M", "1T", "15M", "M"):
            self.assert_usage_error("run", "--memory", value, hint="512M")
        self.assert_usage_error("bench", "--arch", "vax", hint="x86_64")
        self.assert_usage_error("bench", "--json", "/nowhere/file", hint="written")
        self.assert_usage_error("bench", "--bench", "a b", hint="--bench")
        self.assert_usage_error("bench", "--profile", "cross", hint="no result's name")
        self.assert_usage_error("test", "--filter", "(", hint="regular expression")
        self.assert_usage_error("test", "--stress", "0", hint="--stress")
        self.assert_usage_error("image", "--append", "a;reboot", hint="command line")
        self.assert_usage_error("image", "--iso", "--arch", "riscv64", hint="--arch x86_64 only")
        self.assert_usage_error("image", "--uboot", hint="--arch riscv64 only")
        self.assert_usage_error("image", "--append", "cpus=2", hint="--iso or --uboot")
        self.assert_usage_error("run", "--fastpath", "maybe", hint="'on', 'off'")

    def test_setup_changes_nothing_when_nothing_is_missing(self):
        done = support.run(CHORALE, "setup")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"\[ +\d+\.\ds\] set-up … ok\n")


if __name__ == "__main__":
    unittest.main()
