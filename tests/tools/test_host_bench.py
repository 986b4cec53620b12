"""`./chorale bench host`: what it makes of the benchmarks' output, and that they count what they say."""

import contextlib
import io
import json
import os
import pathlib
import re
import tempfile
import types
import unittest

import support
from chorale import host_bench
from chorale.errors import Failure, UsageError

# Where the program is, if it has been built; CTest says so.
PROGRAM = os.environ.get("CHORALE_HOST_BENCH")

# Stands between the program and the kernel: perf_event_open() fails with a number, or gives a counter of one
# of the kinds that are met. One count of a good one is a third of a nanosecond.
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int counter = -1;

long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    long a[6];
    for (int i = 0; i < 6; ++i) a[i] = va_arg(list, long);
    va_end(list);
    const char* kind = getenv("PERF_EVENT");
    if (number != SYS_perf_event_open) {
        long (*real)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
        return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    if (atoi(kind) != 0) {
        errno = atoi(kind);
        return -1;
    }
    return counter = open("/dev/zero", O_RDONLY);
}

ssize_t read(int file, void* to, size_t size) {
    const char* kind = getenv("PERF_EVENT");
    if (file != counter || counter < 0) return syscall(SYS_read, file, to, size);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t values[3] = {((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) * 3, 9, 9};
    if (strcmp(kind, "still") == 0) values[0] = 5;
    if (strcmp(kind, "sometimes") == 0) values[2] = 4;
    memcpy(to, values, sizeof values);
    return sizeof values;
}
"""


def entry(name, cycles, **more):
    return dict({"name": name, "run_name": name, "run_type": "iteration", "cycles": cycles, "real_time": 1.0,
                 "iterations": 1000}, **more)


def document(*entries, **context):
    return {"context": dict({"counter": "tsc", "counter_unit": "ticks", "counter_per_second": "2000000000",
                             "counts_per_multiply_add": "3.0", "counter_reason": "none here"}, **context),
            "benchmarks": list(entries)}


def options(**changed):
    plain = {"machine": "host", "filter": None, "count": False, "profile": None, "bench": "all",
             "fastpath": None, "events": None}
    return types.SimpleNamespace(**dict(plain, **changed))


class OutputTest(unittest.TestCase):
    def test_repetitions_become_one_row(self):
        rows = host_bench.summaries(document(
            *(entry("host.a.b", cycles) for cycles in (14.0, 10.0, 12.0, 11.0, 100.0)),
            entry("host.a.b_median", 12.0, run_name="host.a.b", run_type="aggregate")))
        self.assertEqual(len(rows), 1)
        row = rows[0]
        self.assertEqual((row["min"], row["median"], row["max"], row["n"]), (10.0, 12.0, 100.0, 5))
        self.assertEqual(row["ns"], 6.0)
        # The middle half is 11 to 14: one that was disturbed does not widen it.
        self.assertAlmostEqual(row["spread"], 100 * 3 / 12)
        self.assertNotIn("lines", row)

    def test_columns_that_only_some_have(self):
        plain = host_bench.summaries(document(entry("host.a.b", 5.0)))
        self.assertNotIn("lines", host_bench.table(plain))
        both = host_bench.summaries(document(entry("host.a.b", 5.0), entry("host.c.d", 70.0, lines=3.5)))
        lines = host_bench.table(both).splitlines()
        self.assertIn("lines", lines[0])
        self.assertIn("3.5", lines[3])
        self.assertEqual(len({len(line) for line in lines}), 1)

    def test_the_counter_is_told(self):
        ticks = host_bench.counter_note(document()["context"])
        self.assertIn("counter: tsc, 2.00 GHz", ticks)
        self.assertIn("none here", ticks)
        self.assertIn("not the core's cycles", ticks)
        context = document(counter="cycles (perf_event)", counter_unit="cycles")["context"]
        del context["counter_reason"]
        self.assertEqual(host_bench.counter_note(context), "counter: cycles (perf_event), 2.00 GHz.")

    def test_failures_are_named(self):
        failed = entry("host.a.b", 0.0, error_occurred=True, error_message="no memory")
        self.assertEqual(host_bench.failed_ones(document(failed, entry("host.c.d", 1.0))),
                         "host.a.b: no memory")

    def test_programs_are_joined(self):
        whole = host_bench.joined([document(entry("host.a.b", 1.0), date="first"),
                                   document(entry("host.c.d", 2.0))])
        self.assertEqual(whole["context"]["date"], "first")
        self.assertEqual([row["name"] for row in host_bench.summaries(whole)], ["host.a.b", "host.c.d"])

    def test_a_choice_is_exact(self):
        chosen = re.compile(host_bench.exactly(["host.a.n1", "host.b"]).partition("=")[2])
        for name in ("host.a.n1/manual_time", "host.b/iterations:64/manual_time"):
            self.assertTrue(chosen.search(name), name)
        for name in ("host.a.n10/manual_time", "host.axn1/manual_time", "host.b.c/manual_time"):
            self.assertFalse(chosen.search(name), name)

    def test_usage(self):
        host_bench.check_usage(options())
        host_bench.check_usage(options(machine=None, count=True))
        for wrong, word in ((options(count=True), "--count"), (options(bench="same"), "--bench"),
                            (options(profile="x"), "--profile"), (options(fastpath="off"), "--fastpath"),
                            (options(events=5), "--events"),
                            (options(machine=None, filter="x"), "--filter"),
                            (options(machine="hots"), "only host is one")):
            with self.assertRaisesRegex(UsageError, word):
                host_bench.check_usage(wrong)

    def test_results_that_are_none(self):
        with tempfile.TemporaryDirectory() as directory:
            silent = pathlib.Path(directory) / "silent"
            silent.write_text("#!/bin/sh\nexit 0\n")
            silent.chmod(0o755)
            real, host_bench.program = host_bench.program, lambda _: silent
            try:
                with contextlib.redirect_stderr(io.StringIO()), \
                        self.assertRaisesRegex(Failure, "left no results"):
                    host_bench.run_program("silent", ["host.a.b"])
            finally:
                host_bench.program = real


@unittest.skipUnless(PROGRAM, "the host benchmark is not built")
class CounterTest(unittest.TestCase):
    """The program under kernels and machines of every kind."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        source = pathlib.Path(cls.scratch.name) / "shim.c"
        source.write_text(SHIM)
        cls.shim = source.with_suffix(".so")
        made = support.run("clang-19", "-shared", "-fPIC", "-O1", "-o", cls.shim, source)
        assert made.returncode == 0, made.stderr

    def run_it(self, *words, kind=None):
        out = pathlib.Path(self.scratch.name) / "out.json"
        out.unlink(missing_ok=True)
        environment = {} if kind is None else {"LD_PRELOAD": str(self.shim), "PERF_EVENT": str(kind)}
        done = support.run(PROGRAM, "--benchmark_filter=host.lock.uncontended", "--benchmark_repetitions=3",
                           "--benchmark_min_time=0.0001", f"--benchmark_out={out}", *words, **environment)
        return done, json.loads(out.read_text()) if out.exists() and out.stat().st_size else None

    def assert_fallback(self, kind, reason):
        done, result = self.run_it(kind=kind)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(result["context"]["counter"], ("tsc", "ns"))
        self.assertIn(reason, result["context"]["counter_reason"])
        self.assertGreater(host_bench.summaries(result)[0]["min"], 0)

    def test_without_the_event_ticks_are_counted_and_the_reason_told(self):
        self.assert_fallback(1, "forbidden")  # EPERM
        self.assert_fallback(13, "perf_event_paranoid")  # EACCES
        self.assert_fallback(2, "no hardware cycle counter")  # ENOENT
        self.assert_fallback(38, "no perf_event_open")  # ENOSYS
        self.assert_fallback(24, "Too many open files")

    def test_an_event_that_does_not_count_is_found_out(self):
        self.assert_fallback("still", "counts 0 cycles")
        self.assert_fallback("sometimes", "part of the time")

    def test_cycles_where_they_are_to_be_had(self):
        done, result = self.run_it(kind="good")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(result["context"]["counter"], "cycles (perf_event)")
        self.assertEqual(result["context"]["counter_unit"], "cycles")
        self.assertNotIn("counter_reason", result["context"])
        self.assertAlmostEqual(float(result["context"]["counter_per_second"]) / 3e9, 1, delta=0.2)
        row = host_bench.summaries(result)[0]
        self.assertTrue(1 < row["ns"] < 1000, row)

    def test_who_asks_for_one_counter_gets_it_or_an_error(self):
        done, _ = self.run_it("--counter=perf_event", kind=2)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no hardware cycle counter", done.stderr)
        done, result = self.run_it("--counter=tsc", kind="good")
        self.assertEqual((done.returncode, result["context"]["counter"]), (0, "tsc"), done.stderr)
        self.assertEqual(self.run_it("--counter=sundial")[0].returncode, 2)

    def test_names_are_plain_and_listed(self):
        _, result = self.run_it()
        self.assertEqual({one["run_name"] for one in result["benchmarks"]}, {"host.lock.uncontended"})
        listing = support.run(PROGRAM, "--benchmark_list_tests").stdout.splitlines()
        names = [re.sub(host_bench.SUFFIX, "", line) for line in listing]
        self.assertEqual(len(set(names)), len(names))
        for name in names:
            self.assertRegex(name, r"^host\.[a-z_]+\.[a-z_]+[0-9]*(\.[a-z_]+[0-9]*)?$")


if __name__ == "__main__":
    unittest.main()
