"""The bench report: transcript, table, JSON document, budgets."""

import json
import pathlib
import tempfile
import unittest

import support  # noqa: F401  (puts tools/ on the module path)
from chorale import arch, bench, report
from chorale.transcript import Transcript


def result(name, value=100, **more):
    return dict({"name": name, "unit": "ticks", "min": value, "median": value, "p99": value, "max": value,
                 "n": 10}, **more)


class LostTest(unittest.TestCase):
    def test_a_part_that_is_gone_is_noticed(self):
        for line in ("actor ipcbench: not loaded: no memory",
                     "actor lapserver in a LAP: page fault (address 0x0, pc 0x10): actor deleted",
                     "actor ipcserver thread 2: out of memory (address 0x1000, pc 0x4010): actor deleted"):
            self.assertTrue(bench.LOST.match(line), line)
        for line in ("actor ipcbench loaded: 80 KiB, priority 100", "ipcbench: null_call",
                     "@json {}", "thread 3: actor deleted"):
            self.assertFalse(bench.LOST.match(line), line)


class TranscriptTest(unittest.TestCase):
    def feed(self, *lines):
        transcript = Transcript()
        kinds = [transcript.feed(line) for line in lines]
        return transcript, kinds

    def test_results_come_in_pieces(self):
        said, _ = self.feed(json_line(result("a")), json_line({"results": [result("b"), result("c")]}),
                            '@meta {"cpus": 4}', "@done pass")
        self.assertEqual([piece["name"] for piece in said.results], ["a", "b", "c"])
        self.assertEqual(said.meta, {"cpus": 4})
        self.assertTrue(said.passed())

    def test_malformed_lines_are_errors(self):
        for line in ("@json {", "@json 3", '@json {"results": 4}', "@test x maybe", "@done perhaps", "@what",
                     '@json {"name": "a"}', json_line(dict(result("a"), n="10")), "@meta []"):
            said, kinds = self.feed(line, "@done pass")
            self.assertEqual(kinds[0], "error", line)
            self.assertFalse(said.passed())

    def test_a_panic_swallows_what_follows(self):
        said, kinds = self.feed("@panic", "@done pass", "@endpanic", "text")
        self.assertEqual(kinds, ["panic", "panic", "panic", "text"])
        self.assertFalse(said.passed())

    def test_one_failure_fails(self):
        self.assertFalse(self.feed("@test a ok", "@test b FAIL", "@done pass")[0].passed())
        self.assertFalse(self.feed("@done FAIL", "@done pass")[0].passed())
        self.assertFalse(self.feed("@test a ok")[0].passed())


def json_line(contents):
    return "@json " + json.dumps(contents)


class ReportTest(unittest.TestCase):
    def test_owed_results(self):
        everything = [*report.SAME_CPU, *report.MEMORY, *report.CROSS_CPU, *report.FLOOD,
                      "ipc.rt.scale.pairs4.w4"]
        self.assertEqual(report.missing_results("all", 4, everything), [])
        self.assertEqual(report.missing_results("all", 4, everything[1:]), ["null_call"])
        self.assertEqual(report.missing_results("all", 4, everything[:-1]), ["ipc.rt.scale.pairsN.w4"])
        self.assertEqual(report.missing_results("all", 1, [*report.SAME_CPU, *report.MEMORY]), [])
        self.assertEqual(report.missing_results("cos", 1, report.COS[1:]), report.COS[:1])
        self.assertEqual(report.missing_results("cross", 4, report.CROSS_CPU[:1]), report.CROSS_CPU[1:])
        self.assertEqual(report.missing_results("null_call", 4, []), ["null_call"])

    def test_table_is_aligned(self):
        lines = report.table([result("null_call", 7), result("ipc.rt.scale.pairs4.w4", 1234567)]).splitlines()
        self.assertEqual(len({len(line) for line in lines}), 1)
        self.assertIn("1,234,567", lines[-1])

    def test_document_is_the_published_schema(self):
        counted = result("null_call", nucleus=20, user=4, extra="dropped")
        document = report.document("x86_64", 4, {"counter": "tsc", "emulated": True}, [counted])
        self.assertEqual(list(document), ["schema", "arch", "cpus", "counter", "emulated", "results"])
        self.assertEqual(document["schema"], "chorale-bench/1")
        self.assertEqual(list(document["results"][0]),
                         ["name", "unit", "min", "median", "p99", "max", "n", "nucleus", "user"])
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "out.json"
            report.write_json(path, document)
            self.assertEqual(json.loads(path.read_text()), document)

    def test_budgets(self):
        budgets = {"results": {"a": {"nucleus_max": 30, "steady": True}, "b": {"total_max": 50}},
                   "boot": {"instructions_max": 10, "bytes_max": 100}}
        kept = [result("a", 34, nucleus=30, user=4), result("b", nucleus=40, user=10),
                result("c", nucleus=9, user=9)]
        self.assertEqual(report.missed_results(budgets, kept), [])
        over = [result("a", 35, nucleus=31, user=4, median=36), result("b", nucleus=40, user=11)]
        self.assertEqual(len(report.missed_results(budgets, over)), 3)
        self.assertEqual(report.missed_boot(budgets, 10, {"boot_bytes": 100}), [])
        self.assertEqual(len(report.missed_boot(budgets, 11, {"boot_bytes": 101})), 2)
        self.assertEqual(len(report.missed_boot(budgets, None, {})), 2)

    def test_a_budget_may_be_another_result_and_a_part_of_it(self):
        budgets = {"results": {"b": {"grows_max": {"over": "a", "percent": 10}}}}
        alone = result("a", p99=200)
        self.assertEqual(report.missed_results(budgets, [alone, result("b", p99=220)]), [])
        self.assertEqual(len(report.missed_results(budgets, [alone, result("b", p99=221)])), 1)
        self.assertEqual(report.missed_results(budgets, [result("b", p99=221)]), [])

    def test_a_budget_may_be_so_much_more_than_another_result(self):
        budgets = {"results": {"b": {"exceeds_max": {"what": "a", "by": 10}}}}
        base = result("a", nucleus=1, user=4)
        self.assertEqual(report.missed_results(budgets, [base, result("b", nucleus=15)]), [])
        self.assertEqual(report.missed_results(budgets, [base, result("b", nucleus=16)]),
                         ["b: 11 instructions more than a, budget 10"])
        self.assertEqual(report.missed_results(budgets, [result("b", nucleus=16)]), [])

    def test_budgets_of_c_os(self):
        budgets = {"c_os": {"bytes_max": 100, "memory": "512M", "actors_min": 5}}
        self.assertEqual(report.missed_c_os(budgets, {"bytes": 100, "actors": 5}, "512M"), [])
        self.assertEqual(len(report.missed_c_os(budgets, {"bytes": 101, "actors": 4}, "512M")), 2)
        self.assertEqual(len(report.missed_c_os(budgets, {"bytes": 1, "actors": None}, "512M")), 1)
        self.assertEqual(report.missed_c_os(budgets, {"bytes": 1, "actors": 4}, "64M"), [])
        self.assertIn("4 actors", report.c_os_note({"bytes": 1, "actors": 4}, "64M"))
        self.assertNotIn("actors", report.c_os_note({"bytes": 1, "actors": None}, "64M"))

    def test_what_is_wanted_beyond_the_budget_is_told(self):
        budgets = {"results": {"a": {"total_max": 9, "total_wanted": 5},
                               "b": {"exceeds_max": {"what": "a", "by": 9, "wanted": 2}}},
                   "c_os": {"actors_wanted": 7}}
        results = [result("a", nucleus=6), result("b", nucleus=9), result("c", nucleus=9)]
        told = report.unreached(budgets, results, {"actors": 6})
        self.assertEqual([sentence.partition(",")[0] for sentence in told],
                         ["a: 6 instructions", "b: 3 instructions", "C_OS: 6 actors alive at once"])
        self.assertEqual(report.missed_results(budgets, results), [])
        self.assertEqual(report.unreached(budgets, [result("a", nucleus=5)], {"actors": 7}), [])

    def test_firmware_counts_in_the_total(self):
        budgets = {"results": {"a": {"nucleus_max": 30, "total_max": 50}}}
        self.assertEqual(report.missed_results(budgets, [result("a", nucleus=30, user=20)]), [])
        over = [result("a", nucleus=30, user=20, firmware=0.5)]
        self.assertEqual(report.missed_results(budgets, over), ["a: 50.5 total instructions, budget 50"])
        self.assertIn("firmware", report.table(over).splitlines()[0])
        self.assertNotIn("firmware", report.table([result("a", nucleus=30, user=20)]))
        self.assertIn("firmware", report.document("riscv64", 1, {}, over)["results"][0])
        self.assertIn("(5 of them the firmware's)", report.boot_note(1, {"instructions": 9, "firmware": 5}))

    def test_a_message_costs_the_same_on_any_number_of_cpus(self):
        rows = [result(f"ipc.rt.scale.pairs{cpus}.w4", median) for cpus, median in ((1, 200), (8, 204))]
        self.assertEqual(report.missed_scaling([result("null_call", 9), *rows]), [])
        rows[1]["median"] = 205
        missed = report.missed_scaling(rows)
        self.assertEqual(len(missed), 1)
        self.assertIn("pairs8.w4: 205 instructions, ipc.rt.scale.pairs1.w4: 200", missed[0])
        self.assertEqual(report.missed_scaling([result("null_call", 9)]), [])

    def test_budgets_of_the_project_name_results_that_are_owed(self):
        for name in arch.ARCHITECTURES:
            names = set(report.load_budgets(name)["results"])
            usual = {name for name in names if not report.LATENCY.match(name)}
            self.assertLessEqual(usual, {*report.SAME_CPU, *report.MEMORY, *report.CROSS_CPU, *report.FLOOD,
                                         *report.COS, *report.BUDGETED_LATENCY})

    def test_who_takes_turns(self):
        """The others run freely, and no more CPUs than are needed spin."""
        self.assertTrue(bench.takes_turns("x86_64", "ipc.rt.cross_cpu.polling.w4"))
        self.assertTrue(bench.takes_turns("riscv64", "ipc.rt.cross_cpu.halted.w4"))
        self.assertFalse(bench.takes_turns("x86_64", "ipc.flood.target"))
        self.assertFalse(bench.takes_turns("riscv64", "ipc.rt.cross_cpu.polling.w4"))
        self.assertEqual(bench.useful_cpus("x86_64", "ipc.rt.cross_cpu.polling.w4", 4), 4)
        self.assertEqual(bench.useful_cpus("riscv64", "ipc.rt.cross_cpu.polling.w4", 4), 2)
        self.assertEqual(bench.useful_cpus("riscv64", "scale", 4), 4)

    def test_the_dearest_boot_counts(self):
        cheap, dear = {"instructions": 5}, {"instructions": 6}
        self.assertIs(bench.dearest(cheap, dear), dear)
        self.assertIs(bench.dearest(dear, None), dear)
        self.assertIsNone(bench.dearest(None, None))

    def test_counts_replace_times(self):
        figures = {"min": 6, "median": 7, "p99": 8, "max": 9, "mean": 7.0, "sum": 700}
        none = dict.fromkeys(figures, 0)
        span = {"n": 100, "nucleus": figures, "user": figures, "firmware": none, "total": figures}
        counted = bench.counted(result("null_call"), 0, {(0, "round", "local"): span})
        self.assertEqual((counted["median"], counted["nucleus"], counted["n"]), (7, 7, 100))
        cross = bench.counted(result(report.CROSS_CPU[0]), 0, {(0, "round", "all"): span})
        self.assertEqual(cross["unit"], report.COUNTED_UNIT)
        self.assertNotIn("firmware", counted)
        rare = dict(span, firmware=dict(none, max=50, sum=50))
        counted = bench.counted(result("null_call"), 0, {(0, "round", "local"): rare})
        self.assertEqual(counted["firmware"], 0.5)
        batch = dict(span, n=2, firmware=figures)
        sent = bench.counted(result("ipc.send.same_cpu.two_spaces.w4"), 3, {(3, "batch", "local"): batch})
        self.assertEqual((sent["nucleus"], sent["median"], sent["firmware"]), (70.0, 1.4, 70.0))
        with self.assertRaises(bench.Failure):
            bench.counted(result("null_call"), 0, {})


if __name__ == "__main__":
    unittest.main()
