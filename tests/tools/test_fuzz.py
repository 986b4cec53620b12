"""./chorale fuzz and coverage: wrong usage, the corpora that are committed, what is made of the figures."""

import os
import pathlib
import tempfile
import unittest

import support
from chorale import coverage, fuzz

CHORALE = support.ROOT / "chorale"
CORPORA = support.ROOT / "fuzz" / "corpus"


class UsageTest(unittest.TestCase):
    def assert_usage_error(self, *words, hint):
        done = support.run(CHORALE, *words)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(hint, done.stderr)

    def test_help_names_the_targets_and_has_examples(self):
        done = support.run(CHORALE, "fuzz", "--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("examples:", done.stdout)
        for name in fuzz.targets():
            self.assertIn(name, done.stdout)

    def test_wrong_words_are_one_line(self):
        self.assert_usage_error("fuzz", "cpoi", hint="did you mean cpio?")
        self.assert_usage_error("fuzz", "nothing_like_it", hint="cpio, elf")
        self.assert_usage_error("fuzz", "cpio", "elf", hint="elf")
        self.assert_usage_error("fuzz", "--arch", "x86_64", hint="--arch")
        self.assert_usage_error("coverage", "cpio", hint="cpio")

    def test_wrong_values_are_one_line(self):
        for value in ("0", "-1", "soon", "1e9"):
            self.assert_usage_error("fuzz", f"--time={value}", hint="--time")
        self.assert_usage_error("fuzz", "--jobs", "65", hint="1 to 64")
        self.assert_usage_error("fuzz", "cpio", "--replay", "/nowhere/file", hint="read")
        self.assert_usage_error("fuzz", "--replay", __file__, hint="needs the target")
        self.assert_usage_error("fuzz", "cpio", "--replay", __file__, "--report", hint="--report")


class CorpusTest(unittest.TestCase):
    """Replaying nothing would pass: so there is something, and not so much that it takes long."""

    def test_every_target_has_a_corpus(self):
        for name in fuzz.targets():
            self.assertTrue((CORPORA / name).is_dir() and any((CORPORA / name).iterdir()), name)

    def test_every_corpus_has_a_target(self):
        self.assertEqual(sorted(os.listdir(CORPORA)), sorted(fuzz.targets()))

    def test_corpora_stay_small(self):
        sizes = [path.stat().st_size for path in CORPORA.rglob("*") if path.is_file()]
        self.assertLess(sum(sizes), 420 << 10)
        self.assertLess(len(sizes), 800)


class StoryTest(unittest.TestCase):
    def test_a_crash_is_told_without_what_is_the_fuzzers_own(self):
        log = ("#5 NEW cov: 1 ft: 2 corp: 1/1b\n"
               "fuzz/cpio.cpp:70: does not hold: no name comes twice\n"
               "==7== ERROR: libFuzzer: deadly signal\n"
               "    #0 0x1 in chorale::fuzz::must fuzz/target.hpp:31:5\n"
               "    #1 0x2 in fuzzer::Fuzzer::ExecuteCallback\n"
               "MS: 1 Custom-\n")
        self.assertEqual(fuzz.story(log), ["fuzz/cpio.cpp:70: does not hold: no name comes twice",
                                           "==7== ERROR: libFuzzer: deadly signal",
                                           "    #0 0x1 in chorale::fuzz::must fuzz/target.hpp:31:5"])

    def test_without_a_known_beginning_the_end_is_told(self):
        self.assertEqual(fuzz.story("first\nlast\n", limit=1), ["last"])

    def test_progress_is_read_from_every_job(self):
        with tempfile.TemporaryDirectory() as folder:
            logs = [pathlib.Path(folder) / name for name in "ab"]
            logs[0].write_text("#10\tNEW    cov: 7 ft: 9 corp: 1/1b\n#20\tpulse  cov: 8 ft: 12 corp: 1/1b\n")
            logs[1].write_text("#30\tDONE   cov: 6 ft: 20 corp: 1/1b\nstat::number_of_executed_units: 31\n")
            target = fuzz.Target("cpio")
            fuzz.note_progress(target, logs)
            self.assertEqual((target.runs, target.edges, target.features), (51, 8, 20))


class FiguresTest(unittest.TestCase):
    FILES = {"formats/elf.cpp": {"lines": (90, 100), "branches": (8, 10)},
             "formats/cpio.cpp": {"lines": (10, 20), "branches": (0, 0)},
             "fastpath/call.cpp": {"lines": (0, 30), "branches": (1, 10)}}

    def test_folders_add_up(self):
        total = coverage.sums(self.FILES)
        self.assertEqual(total["formats"], {"lines": (100, 120), "branches": (8, 10)})
        self.assertEqual(total["all"], {"lines": (100, 150), "branches": (9, 20)})
        last = list(coverage.table(total))[-1].split()
        self.assertEqual(last, ["all", "150", "100", "66.7", "20", "9", "45.0"])

    def test_too_little_is_named(self):
        missing = list(coverage.shortfall(coverage.sums({"kernel/x.cpp": {"lines": (0, 10),
                                                                          "branches": (10, 10)}})))
        self.assertEqual(len(missing), 1)
        self.assertIn("lines: 0.00 %", missing[0])

    def test_enough_is_enough(self):
        full = coverage.sums({"kernel/x.cpp": {"lines": (10, 10), "branches": (0, 0)}})
        self.assertEqual(list(coverage.shortfall(full)), [])

    def test_sources_that_are_not_compiled_are_named(self):
        names = coverage.uncounted([pathlib.Path("/tree/nucleus_checked.dir/formats/elf.cpp.o")])
        self.assertNotIn("formats/elf.cpp", names)
        self.assertIn("formats/cpio.cpp", names)


if __name__ == "__main__":
    unittest.main()
