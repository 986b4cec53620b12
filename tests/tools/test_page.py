"""The page of ./chorale bench --report, from fixed JSON: well-formed, whole, honest about what is missing."""

import argparse
import copy
import html.parser
import json
import pathlib
import re
import tempfile
import unittest
import xml.etree.ElementTree
from unittest import mock

import support
from chorale import arch, chart, figures, page, provenance, report, survey
from chorale.errors import Failure

MADE = {"command": "./chorale bench --report", "date": "2026-11-21 12:00 UTC", "commit": "0123456789ab"}
FACTS = {"command": "./chorale bench --arch {} --count", "date": "2026-11-20 09:08 UTC", "commit": "abcdef",
         "machine": "A machine, 2 CPUs", "emulator": "QEMU emulator version 7"}
VOID = {"meta", "wbr", "br", "hr", "link", "input"}
HOSTILE = "<script>alert(1)</script>\"'&\x00\x1b]&lt;<svg onload=x>"


def counted_document(architecture, cpus=4, step=0):
    """Each figure is another number, so that it can be found on the page."""
    results = []
    for i, name in enumerate([*report.SAME_CPU, *report.CROSS_CPU, f"ipc.rt.scale.pairs{cpus}.w4"]):
        nucleus, user = 101 + 10 * i + step, 3 + i
        total = nucleus + user
        results.append({"name": name, "unit": "instructions", "min": total - 1, "median": total, "p99": total,
                        "max": total + 7000, "n": 9000 + i, "nucleus": nucleus, "user": user})
    results[-2]["firmware"] = 1700.25
    return {"schema": "chorale-bench/1", "arch": architecture, "cpus": cpus,
            "counter": "instructions (plugin)", "emulated": True, "results": results,
            "boot": [{"cpus": cpus, "instructions": 876543, "firmware": 0}],
            "bytes": {"image": 123457, "bss": 65537, "boot": 765431},
            "run": dict(FACTS, command=FACTS["command"].format(architecture))}


def scale_document(architecture, cpus):
    whole = counted_document(architecture, cpus)
    return dict(whole, results=whole["results"][-1:])


def timed_document(architecture, emulated=True):
    results = []
    for i, name in enumerate([*report.SAME_CPU, *report.CROSS_CPU]):
        low = 20011 * (i + 1)
        results.append({"name": name, "unit": "ticks", "min": low, "median": low + 2, "p90": low + 3,
                        "p99": low + 5, "p999": low * 20, "max": low * 30 + 1, "n": 10,
                        "histogram": [[low, low + 3, 8], [low + 5, low + 9, 1], [low * 20, low * 30 + 1, 1]]})
    return {"schema": "chorale-bench/1", "arch": architecture, "cpus": 4, "counter": "tsc",
            "emulated": emulated, "results": results,
            "run": dict(FACTS, command=f"./chorale bench --arch {architecture}")}


def host_document():
    entries = []
    for name, base in (("host.mailbox.post", 12.5), ("host.timer.arm.n8", 4321.5), ("BM_other/8", 7.25)):
        for i in range(3):
            entries.append({"name": name, "run_name": name, "run_type": "iteration", "iterations": 1000,
                            "real_time": base + i})
        entries.append({"name": f"{name}_median", "run_name": name, "run_type": "aggregate",
                        "real_time": base + 1, "aggregate_name": "median"})
        for entry in entries[-4:]:
            entry.update(cpu_time=99999.0, time_unit="ns", cycles=base * 3)
    return {"context": {"date": "2026-11-19T10:11:12+00:00", "num_cpus": 2, "mhz_per_cpu": 2300,
                        "counter": "tsc", "counter_unit": "ticks"}, "benchmarks": entries}


def whole_set():
    documents = [host_document()]
    for architecture, step in (("x86_64", 0), ("riscv64", 300)):
        documents += [scale_document(architecture, 1), scale_document(architecture, 2),
                      counted_document(architecture, step=step), timed_document(architecture)]
    return documents


def collected(*documents):
    shown = figures.Figures()
    for i, document in enumerate(documents):
        shown.add(copy.deepcopy(document), f"document {i}")
    return shown


def rendered(*documents, budgets=None):
    shown = collected(*documents)
    if budgets is None:
        budgets = survey.budgets_of(shown.architectures())
    return page.render(shown, budgets, MADE)


class Reader(html.parser.HTMLParser):
    """Reads a page as strictly as XML: each tag closed, in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.problems, self.attributes, self.text = [], [], [], []
        self.feed(text)
        self.close()
        self.problems += [f"{tag} is not closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        if len({name for name, _ in attrs}) != len(attrs):
            self.problems.append(f"{tag} has an attribute twice")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes another tag")

    def handle_data(self, data):
        self.text.append(data)


def drawings(text):
    return re.findall(r"<svg.*?</svg>", text, re.DOTALL)


class WholePage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = rendered(*whole_set())
        cls.read = Reader(cls.text)
        cls.words = "".join(cls.read.text)

    def test_well_formed(self):
        self.assertEqual(self.read.problems, [])
        ids = [value for _, name, value in self.read.attributes if name == "id"]
        self.assertEqual(len(ids), len(set(ids)))
        links = {value for _, name, value in self.read.attributes if name == "href"}
        self.assertTrue(links)
        self.assertLessEqual(links, {f"#{one}" for one in ids})

    def test_nothing_is_loaded(self):
        for word in ("://", "url(", "@import", "<script", "src=", "<link", "<iframe", "javascript:"):
            self.assertNotIn(word, self.text)
        self.assertIn("default-src 'none'", self.text)

    def test_drawings_are_xml_and_can_be_heard(self):
        charts = [one for one in drawings(self.text) if 'class="chart"' in one]
        # Two for each machine's instructions, times and ratios, two of lines, three families of the host.
        self.assertGreaterEqual(len(charts), 13)
        for one in drawings(self.text):
            tree = xml.etree.ElementTree.fromstring(one)
            if tree.get("class") == "chart":
                self.assertEqual(tree.get("role"), "img")
                self.assertGreater(len(tree.get("aria-label")), 10)
                self.assertGreater(len(tree.find("desc").text), 10)
                self.assertGreater(len(tree.findall(".//title")), 0)
            else:
                self.assertEqual(tree.get("aria-hidden"), "true")

    def test_everything_stays_inside_the_drawing(self):
        for one in drawings(self.text):
            _, _, width, height = map(float, xml.etree.ElementTree.fromstring(one).get("viewBox").split())
            for name, value in re.findall(r'\b(x|y|x1|x2|y1|y2|cx|cy)="(-?[\d.]+)"', one):
                self.assertLessEqual(float(value), width if name in ("x", "x1", "x2", "cx") else height)
                self.assertGreaterEqual(float(value), 0)

    def test_every_figure_is_there(self):
        for document in whole_set():
            for result in document.get("results", ()):
                for key in ("min", "median", "max", "n", *(("p90", "p999") if "p90" in result else ()),
                            *(part for part in report.PARTS if part in result)):
                    self.assertIn(chart.number(result[key]), self.words, f"{result['name']} {key}")
        for value in (876543, 123457, 65537, 765431):
            self.assertIn(f"{value:,}", self.words)
        for name in ("host.mailbox.post", "host.timer.arm.n8", "BM_other/8"):
            self.assertIn(name, self.words)
        for value in (13.5, 4322.5, 8.25):
            self.assertIn(chart.number(value), self.words)
        self.assertNotIn("99,999", self.words)  # its time includes what was not measured

    def test_every_figure_has_its_origin(self):
        for document in whole_set():
            facts = document.get("run", {})
            for value in facts.values():
                self.assertIn(value, self.words)
        self.assertIn("2026-11-19T10:11:12+00:00", self.words)
        self.assertIn("Run 9", self.words)
        for source in page.load_peers()["sources"].values():
            self.assertIn(source["text"], self.words)

    def test_units_are_told_apart(self):
        # What a counter calls cycles may be ticks: the file says which.
        host = self.text.partition("Host benchmarks: real time")[2].partition("Beside other systems")[0]
        self.assertIn(">ticks</th>", host)
        self.assertNotIn(">cycles</th>", host)
        for one in drawings(self.text):
            units = {unit for unit in ("instructions", "nanoseconds", "ticks") if f">{unit}" in one}
            self.assertLessEqual(len(units), 1)

    def test_nothing_is_missing_but_hardware(self):
        self.assertIn("Times of Chorale on hardware", self.words)
        self.assertEqual(len(collected(*whole_set()).missing()), 1)
        self.assertGreaterEqual(self.words.count("emulated times"), 2)


class MissingFigures(unittest.TestCase):
    def test_an_empty_page_names_everything_and_invents_nothing(self):
        text = rendered()
        self.assertEqual(Reader(text).problems, [])
        for architecture in arch.ARCHITECTURES:
            for what in ("Instructions", "Times"):
                self.assertIn(f"{what} on {architecture}: all of them", text)
        self.assertIn("not measured", text)
        self.assertIn("./chorale bench host", text)
        self.assertNotRegex(text[text.index("</style>"):text.index("Beside other systems")], r"<dd>[\d+]")

    def test_one_machine_alone(self):
        text = rendered(counted_document("x86_64"))
        self.assertIn("Instructions on riscv64: all of them (./chorale bench --arch riscv64 --count)", text)
        self.assertIn("Times on x86_64: all of them", text)
        self.assertIn("Scaling on x86_64", text)
        self.assertEqual(Reader(text).problems, [])

    def test_one_result_is_missing(self):
        document = counted_document("x86_64")
        del document["results"][0]
        self.assertIn("Instructions on x86_64: null_call (./chorale", rendered(document))
        both = rendered(document, counted_document("riscv64"))
        self.assertRegex(both, r"<code>null_call</code></th><td class=\"words\">x86_64</td>"
                               r"<td class=\"none\">not measured</td>")

    def test_no_provenance_is_said(self):
        document = counted_document("x86_64")
        del document["run"]
        self.assertIn("not recorded", rendered(document))

    def test_hardware_is_not_called_emulated(self):
        text = rendered(timed_document("x86_64", emulated=False))
        self.assertNotIn("emulated times", text)
        self.assertIn("Measured on hardware: A machine, 2 CPUs", text)
        self.assertNotIn("Times of Chorale on hardware", text)

    def test_a_failed_host_benchmark_is_named(self):
        document = host_document()
        document["benchmarks"].append({"name": "host.bad", "run_name": "host.bad", "error_occurred": True,
                                       "error_message": "measured nothing"})
        self.assertIn("Host benchmark host.bad has no figure: measured nothing.", rendered(document))

    def test_two_runs_of_the_same_figure(self):
        shown = collected(counted_document("x86_64"), counted_document("x86_64", step=5))
        self.assertIn("x86_64 null_call is in runs 1 and 2: run 2 is shown.", shown.notes)
        self.assertEqual(shown.counted["x86_64", "null_call"][0]["nucleus"], 106)

    def test_a_missed_budget_is_shown(self):
        budgets = {"x86_64": {"results": {"null_call": {"nucleus_max": 100},
                                          "thread.yield": {"total_max": 500}},
                              "boot": {"cpus": 4, "instructions_max": 5}}}
        text = rendered(counted_document("x86_64"), budgets=budgets)
        self.assertIn("101 + 3 = 104 over budget", text)
        self.assertIn("nucleus 100: over", text)
        self.assertIn("1 of 2", text)
        self.assertIn("5: over", text)


class HostileFiles(unittest.TestCase):
    def test_text_stays_text(self):
        counted, timed, host = counted_document("x86_64"), timed_document("x86_64"), host_document()
        for document in (counted, timed):
            document["results"][0]["name"] = HOSTILE
            document["counter"] = HOSTILE
            document["run"] = dict.fromkeys(provenance.KEYS, HOSTILE)
        counted["arch"] = HOSTILE
        host["context"] = dict.fromkeys(("date", "commit", "counter", "counter_unit", "build"), HOSTILE)
        host["benchmarks"][0].update(name=HOSTILE, run_name=HOSTILE, label=HOSTILE)
        host["benchmarks"].append({"name": "x", "error_occurred": True, "error_message": HOSTILE})
        host["benchmarks"][0][HOSTILE] = 5
        text = rendered(counted, timed, host)
        read = Reader(text)
        self.assertEqual(read.problems, [])
        self.assertNotIn("<script", text)
        self.assertNotIn("\x00", text)
        self.assertFalse([one for one in read.attributes if one[1].startswith("on")])
        self.assertIn("<script>alert(1)", "".join(read.text))
        for one in drawings(text):
            xml.etree.ElementTree.fromstring(one)

    def broken(self, **changes):
        document = timed_document("x86_64")
        document["results"][0].update(changes)
        return document

    def test_what_is_not_well_formed_is_refused(self):
        good = timed_document("x86_64")
        mixed = timed_document("x86_64")
        mixed["results"][0]["unit"] = "instructions"
        cases = [self.broken(median=-1), self.broken(median=float("nan")), self.broken(max=float("inf")),
                 self.broken(n=True), self.broken(p90="9"), self.broken(name=""), self.broken(name="x" * 200),
                 self.broken(histogram=[[1, 2, 3]]), self.broken(histogram=[[5, 4, 10]]),
                 self.broken(histogram=[[1, 5, 5], [5, 6, 5]]),
                 self.broken(histogram=[[1, 2, 0], [3, 4, 10]]), self.broken(histogram="no"),
                 self.broken(histogram=[[1, 2]]), self.broken(max=2 ** 64),
                 dict(good, results=7), dict(good, arch=None), dict(good, results=[3]), mixed,
                 dict(host_document(), benchmarks=[{}]), dict(host_document(), context=5)]
        for i, document in enumerate(cases):
            with self.subTest(case=i), self.assertRaises(Failure) as raised:
                collected(document)
            self.assertNotIn("\n", str(raised.exception))
        collected(good)

    def test_files_that_are_none(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "file.json"
            for content in (b"", b"{", b"[]", b"\xff\xfe", b"[" * 100000, b'{"schema": "other"}', b"nul"):
                path.write_bytes(content)
                with self.subTest(content=content[:9]), self.assertRaises(Failure):
                    figures.load(path)
            path.write_text(json.dumps(host_document()))
            self.assertEqual(figures.load(path), host_document())

    def test_odd_values_still_draw(self):
        zero = self.broken(min=0, median=0, p90=0, p99=0, p999=0, max=0, histogram=[[0, 0, 10]])
        large = self.broken(max=2 ** 64 - 1, p999=2 ** 64 - 1, histogram=[[0, 2 ** 64 - 1, 10]])
        for document in (zero, large):
            text = rendered(document)
            for one in drawings(text):
                self.assertNotRegex(one, r"nan|inf")
                xml.etree.ElementTree.fromstring(one)
        document = host_document()
        document["benchmarks"][0]["real_time"] = 0
        rendered(document)


class Command(unittest.TestCase):
    def options(self, **changes):
        return argparse.Namespace(**dict({"arch": None, "cpus": 4, "memory": "512M", "fastpath": None,
                                          "count": False, "bench": "all"}, **changes))

    def test_the_plan_names_each_command(self):
        commands = [provenance.command_of(chosen) for _, chosen in survey.plan(self.options())]
        for architecture in arch.ARCHITECTURES:
            self.assertIn(f"./chorale bench --arch {architecture} --count --cpus 4", commands)
            self.assertIn(f"./chorale bench --arch {architecture} --cpus 4", commands)
            for cpus in (1, 2):
                self.assertIn(f"./chorale bench --arch {architecture} --count --cpus {cpus} "
                              f"--bench ipc.rt.scale.pairs{cpus}.w4", commands)
        self.assertEqual(len(commands), 4 * len(arch.ARCHITECTURES))
        names = [name for name, _ in survey.plan(self.options(arch="riscv64", cpus=6))]
        self.assertEqual(names, ["riscv64-scale-1", "riscv64-scale-2", "riscv64-scale-4", "riscv64-count",
                                 "riscv64-time"])

    def in_folder(self, directory):
        folder = pathlib.Path(directory)
        return mock.patch.multiple(survey, FOLDER=folder, HOST_JSON=folder / "bench.json")

    def test_a_failed_run_costs_its_figures_alone(self):
        def measure(options):
            if not options.count:
                raise Failure("the guest panicked:\nregisters")
            make = scale_document if "scale" in options.bench else counted_document
            return make(options.arch, options.cpus), ["one budget"] if options.cpus == 4 else [], {}

        shown = figures.Figures()
        with tempfile.TemporaryDirectory() as directory, self.in_folder(directory), \
                mock.patch.object(survey.build, "build") as build, \
                mock.patch.object(survey.bench, "measure", measure):
            build.side_effect = lambda name, _: None if name == "x86_64" else self.fail_build()
            problems = survey.measure_all(self.options(verbose=False), shown)
            self.assertEqual(sorted(path.stem for path in pathlib.Path(directory).iterdir()),
                             ["x86_64-count", "x86_64-scale-1", "x86_64-scale-2"])
        self.assertEqual(problems, ["x86_64: one budget",
                                    "./chorale bench --arch x86_64 --cpus 4: the guest panicked:",
                                    "riscv64: the build failed"])
        self.assertEqual((len(shown.runs), len(shown.notes)), (3, 2))
        self.assertIn("the guest panicked", page.render(shown, {}, MADE))

    def fail_build(self):
        raise Failure("the build failed")

    def test_the_host_is_measured_when_it_is_built(self):
        def run(options):
            self.assertEqual((options.filter, options.json), (None, None))
            report.write_json(survey.HOST_JSON, host_document())

        shown = figures.Figures()
        with tempfile.TemporaryDirectory() as directory, self.in_folder(directory), \
                mock.patch.object(survey.host_bench, "program") as program, \
                mock.patch.object(survey.host_bench, "run", run):
            program.return_value = pathlib.Path(directory) / "none"
            self.assertEqual(survey.measure_host(self.options(), shown), [])
            self.assertEqual(shown.host, [])
            program.return_value = pathlib.Path(__file__)
            self.assertEqual(survey.measure_host(self.options(), shown), [])
        self.assertEqual(len(shown.host), 3)
        self.assertEqual(shown.runs[0].facts["command"], "./chorale bench host")
        self.assertEqual(shown.runs[0].facts["machine"], provenance.machine())

    def test_peers_compare_with_results_that_there_are(self):
        peers = page.load_peers()
        for row in peers["counted"]["rows"]:
            self.assertTrue(report.group_of(row["result"]), row)
            self.assertIn(row["part"], (*report.PARTS, "total"))
            self.assertLessEqual(set(row["peers"]), set(arch.ARCHITECTURES))
        for group in peers["published"]:
            self.assertTrue(group["unit"] and group["ours"])
            for row in group["rows"]:
                self.assertGreater(row["value"], 0)

    def test_a_page_from_files(self):
        with tempfile.TemporaryDirectory() as directory:
            folder = pathlib.Path(directory)
            names = []
            for i, document in enumerate(whole_set()):
                names.append(folder / f"{i}.json")
                report.write_json(names[-1], document)
                self.assertEqual(json.loads(names[-1].read_text()), document)
            done = support.run(support.ROOT / "chorale", "bench", "--report", folder / "page.html", "--from",
                               *names[1:], "--host-json", names[0])
            self.assertEqual((done.returncode, done.stdout.count("Not measured:")), (0, 1), done.stderr)
            self.assertEqual(Reader((folder / "page.html").read_text()).problems, [])
            names[3].write_text("{")
            done = support.run(support.ROOT / "chorale", "bench", "--report", folder / "other.html", "--from",
                               *names)
            self.assertEqual(done.returncode, 1)
            self.assertIn("is not JSON", done.stderr)
            self.assertFalse((folder / "other.html").exists())

    def test_lists_of_numbers_are_lines(self):
        document = {"text": "[\\n1,  2]", "rows": [[1, 2, 3], [4, 5, 6]], "none": []}
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "file.json"
            report.write_json(path, document)
            self.assertEqual(json.loads(path.read_text()), document)
            self.assertLessEqual(len(path.read_text().splitlines()), 10)

    def test_wrong_usage_is_one_line(self):
        for words, hint in ((("--from", __file__), "--report"), (("--report", "--count"), "--count"),
                            (("--report", "/nowhere/page.html"), "written"),
                            (("--report", "--bench", "same"), "--bench"),
                            (("--report", "--from", "/nowhere.json"), "read")):
            done = support.run(support.ROOT / "chorale", "bench", *words)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
            self.assertIn(hint, done.stderr)


if __name__ == "__main__":
    unittest.main()
