"""Interrupt latency: the plugin on known code, and how its traces become names."""

import json
import pathlib
import tempfile
import unittest
import unittest.mock

import support
from chorale import arch, bench, build, latency, qemu, report


class Named:
    """Functions of 100 bytes each."""

    def place(self, address):
        return address // 100 * 100, f"f{address // 100}"


def event(pieces, **more):
    length = sum(count for _, count in pieces)
    return dict({"length": length, "cpu": 0, "waits": 0, "firmware": 0, "pieces": pieces}, **more)


class TraceTest(unittest.TestCase):
    def test_calls_and_returns(self):
        """f1 calls f2, which calls f3 twice; back in f1 it goes on to f4."""
        pieces = [[100, 5], [200, 3], [300, 10], [210, 1], [300, 20], [215, 1], [120, 2], [400, 7]]
        root = latency.call_tree(Named(), pieces)
        f1 = root.callees["f1"]
        self.assertEqual((root.whole, f1.whole, f1.own), (49, 49, 7))
        self.assertEqual(f1.callees["f2"].whole, 35)
        self.assertEqual(f1.callees["f2"].callees["f3"].own, 30)
        self.assertEqual(latency.heaviest_path(root), [("f1", 49), ("f2", 35), ("f3", 30)])

    def test_the_unknown_middle_and_a_loop_to_the_beginning(self):
        root = latency.call_tree(Named(), [[150, 1], [200, 2], [200, 4], [210, 1]])
        self.assertEqual(root.callees["f1"].callees["f2"].own, 7)

    def test_one_line_names_the_path(self):
        line = latency.describe(Named(), event([[150, 10], [300, 1000]], waits=3))
        self.assertEqual(line, "1,010 on CPU 0: f1 1,010 > f3 1,000, 3 more turns of waiting")

    def test_budgets_are_for_any_number_of_cpus_or_for_one(self):
        budgets = {"results": {"latency.masked": {"longest_max": 10}, "latency.wake": {"median_max": 5}}}
        measured = [{"name": "latency.masked.cpus3", "median": 4, "max": 11},
                    {"name": "latency.wake.cpus1", "median": 6, "max": 9}]
        self.assertEqual(report.missed_results(budgets, measured), [
            "latency.masked.cpus3: longest 11 instructions, budget 10",
            "latency.wake.cpus1: median 6 instructions, budget 5"])
        budgets["results"]["latency.wake.cpus1"] = {"median_max": 6}
        self.assertEqual(report.missed_results(budgets, measured[-1:]), [])


class RepetitionTest(unittest.TestCase):
    """On several CPUs a budget is missed when three runs in a row miss it."""

    BUDGETS = {"results": {"latency.masked": {"longest_max": 10}}}

    def passes(self, cpus, *longest):
        """What is made of runs with these longest stretches, and how many of them there were."""
        runs = [([{"name": f"latency.masked.cpus{cpus}", "median": 1, "max": length}], [f"run {i}"], {"n": i})
                for i, length in enumerate(longest)]
        with unittest.mock.patch.object(bench, "latency_pass", side_effect=runs) as run:
            made = bench.sure_latency_pass("options", cpus, 3000, self.BUDGETS)
        for call in run.call_args_list:
            self.assertEqual(call.args, ("options", cpus, 3000))
        self.assertIn(made, runs)
        return made[2]["n"], run.call_count

    def test_the_first_good_run_is_the_last(self):
        self.assertEqual(self.passes(4, 10, 99), (0, 1))
        self.assertEqual(self.passes(4, 11, 10, 99), (1, 2))
        self.assertEqual(self.passes(4, 11, 11, 3), (2, 3))

    def test_three_bad_runs_miss_it(self):
        self.assertEqual(self.passes(2, 11, 12, 13, 1), (2, 3))

    def test_one_cpu_is_the_same_every_time(self):
        self.assertEqual(self.passes(1, 11, 1), (0, 1))


class PluginTests:
    def test_known_code(self):
        with tempfile.TemporaryDirectory() as directory:
            guest, out = support.fake_guest(directory, self.arch), pathlib.Path(directory) / "counts"
            base = arch.ARCHITECTURES[self.arch].nucleus_base
            plugin = f"{build.plugin('latency')},out={out},text={base:#x}-0xffffffffffffffff"
            command = qemu.Machine(arch=self.arch, kernel=str(guest), bank="none", append="i", plugin=plugin,
                                   cpus=1).command(directory, ["-serial", "stdio"])
            done = support.run(*command)
            self.assertEqual(done.returncode, 33, done.stderr)
            events = latency.read(out)
        self.assertEqual({key: events["stretch"][key] for key in ("n", "min", "median", "max")},
                         {"n": 3, "min": 5, "median": 10, "max": 11})
        self.assertEqual((events["wake"]["n"], events["wake"]["max"]), (1, 9))
        self.assertEqual(events["exit"]["unwoken"], 0)
        longest = events["longest stretch"]
        self.assertEqual(longest[0]["length"], 11)
        for trace in [*longest, *events["longest wake"]]:
            self.assertEqual(sum(count for _, count in trace["pieces"]), trace["length"])
            self.assertEqual(trace["waits"], 2 if trace["length"] == 5 else 0)

    def test_bad_arguments(self):
        for bad in ("text=5", "text=5-4", "nonsense=1", "from=boot"):
            with self.subTest(bad), tempfile.TemporaryDirectory() as directory:
                plugin = f"{build.plugin('latency')},out={directory}/counts,{bad}"
                done = support.run(f"qemu-system-{self.arch}", "-display", "none", "-plugin", plugin)
                self.assertIn(f"bad argument {bad}", done.stderr)


class PluginOnX86(PluginTests, unittest.TestCase):
    arch = "x86_64"


class PluginOnRiscv(PluginTests, unittest.TestCase):
    arch = "riscv64"


class ReadTest(unittest.TestCase):
    def test_unfinished_output_is_a_failure(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "out"
            for text in ("", json.dumps({"event": "stretch", "n": 1}) + "\n", "{\n"):
                path.write_text(text)
                with self.assertRaises(latency.Failure):
                    latency.read(path)


if __name__ == "__main__":
    unittest.main()
