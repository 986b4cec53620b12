"""The command line of ./chorale: help everywhere, one line and exit 2 for wrong usage."""

import pathlib
import re
import tempfile
import unittest
import unittest.mock

import support
from chorale import debug, nearest, report, test
from chorale.errors import Failure

CHORALE = support.ROOT / "chorale"
VERBS = ("bench", "test", "run", "trace", "image", "debug", "fuzz", "coverage", "setup")


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

    def test_what_bench_would_ignore_or_not_find(self):
        for words in ("", "--count --bench same", "--count --bench latency --profile null_call",
                      "--bench latency"):
            self.assert_usage_error("bench", "--events", "5", *words.split(), hint="--count --bench latency")
        for words in ("--bench cross", "--bench sched.pull --count", "--profile ipc.rt.cross_cpu.halted.w4"):
            self.assert_usage_error("bench", "--cpus", "1", *words.split(), hint="--cpus 2 or more")
        for words in ("", "--bench memory --count", "--profile memory.fault.zero", "--bench cos", "--report"):
            self.assert_usage_error("bench", "--memory", "23M", *words.split(), hint="--memory 24M or more")
        self.assert_usage_error("bench", "--bench", "frob",
                                hint="all, same, cross, scale, flood, latency, memory, cos")
        self.assert_usage_error("bench", "--bench", "memroy", hint="did you mean memory?")
        self.assert_usage_error("bench", "--profile", "nul_call", hint="did you mean null_call?")
        groups = ", ".join(report.GROUPS)
        self.assertIn(groups, " ".join(support.run(CHORALE, "bench", "--help").stdout.split()))

    def test_setup_changes_nothing_when_nothing_is_missing(self):
        done = support.run(CHORALE, "setup")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"\[ +\d+\.\ds\] set-up … ok\n")


class NearestTest(unittest.TestCase):
    KNOWN = ["gate.budgets", "rv.gate.budgets", "host.Format.Numbers", "sim.runs",
             "chorale::thread_level::mask_interrupts"]

    def test_the_whole_or_a_part_is_alike(self):
        for wanted, first in (("gate.bugets", "gate.budgets"), ("fromat", "host.Format.Numbers"),
                              ("mask_interupts", self.KNOWN[-1]), ("other::mask_interupts", self.KNOWN[-1])):
            self.assertEqual(nearest.nearest(wanted, self.KNOWN)[:1], [first])
        self.assertEqual(nearest.nearest("chorale::nowhere", self.KNOWN), [])

    def test_no_test_matches(self):
        def listed(*choice):
            return [name for name in self.KNOWN if re.search((choice or ("", ""))[1], name)]

        with unittest.mock.patch.object(test, "listed", listed):
            test.check_filter("^sim")
            with self.assertRaisesRegex(Failure, r"'\^sim.rans', did you mean sim.runs.* -N\)"):
                test.check_filter("^sim.rans")
            with self.assertRaisesRegex(Failure, r"matches 'qq' \(all names: ctest "):
                test.check_filter("qq")

    def test_ctest_is_asked(self):
        with tempfile.TemporaryDirectory() as directory, \
                unittest.mock.patch.object(test.paths, "BUILD", pathlib.Path(directory)):
            file = pathlib.Path(directory, "CTestTestfile.cmake")
            file.write_text("add_test(one true)\nadd_test(two true)\n")
            self.assertEqual(test.listed(), ["one", "two"])
            self.assertEqual(test.listed("--tests-regex", "^t"), ["two"])
            self.assertEqual(test.listed("--tests-regex", "three"), [])

    def test_no_function_to_stop_at(self):
        with tempfile.TemporaryDirectory() as directory:
            source = pathlib.Path(directory, "program.S")
            source.write_text(".globl load_bank\n.type load_bank, @function\nload_bank: ret\n")
            program = str(support.assemble(directory, source, "-e", "load_bank"))
            debug.check_function("load_bank", program)
            with self.assertRaisesRegex(Failure, '"lod_bank" not defined, did you mean load_bank.*llvm-nm'):
                debug.check_function("lod_bank", program)


if __name__ == "__main__":
    unittest.main()
