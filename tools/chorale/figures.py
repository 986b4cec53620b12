"""What was measured: reads the JSON of benchmark runs and knows what is missing.

Two formats: `chorale-bench/1`, which ./chorale bench --json writes, and the JSON of Google Benchmark. Files
may come from anywhere: what is not well-formed is refused with a sentence, and text in it is only text.
"""

import dataclasses
import json
import math
import re

from chorale import arch, paths, provenance, report
from chorale.errors import Failure
from chorale.transcript import result_problem

FILE_LIMIT = 64 << 20
TEXT_LIMIT = 300
VALUE_LIMIT = 2 ** 64
PAIRS = re.compile(r"ipc\.rt\.scale\.pairs(\d{1,3})\.w4$")
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
# What Google Benchmark writes for each benchmark beside the counters that a benchmark adds.
GOOGLE_KEYS = {"name", "run_name", "run_type", "family_index", "per_family_instance_index", "repetitions",
               "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit", "label",
               "aggregate_name", "aggregate_unit", "error_occurred", "error_message", "skipped",
               "skip_message"}


HOST_CONTEXT = {"build": "build", "counter": "counter", "counter_reason": "why this counter",
                "counter_unit": "its unit", "counter_per_second": "counts per second",
                "counts_per_multiply_add": "counts of a dependent multiplication and addition",
                "library_build_type": "build of the Google Benchmark library"}


@dataclasses.dataclass
class Run:
    number: int
    kind: str  # counted, timed or host
    arch: str
    cpus: int
    counter: str
    emulated: bool
    facts: dict  # provenance.KEYS to text
    results: list
    boots: list = dataclasses.field(default_factory=list)
    sizes: dict = dataclasses.field(default_factory=dict)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < VALUE_LIMIT


def text_of(value, missing="not recorded"):
    return str(value)[:TEXT_LIMIT] if isinstance(value, (str, int, float)) and value != "" else missing


def histogram_problem(histogram, n):
    """Buckets rise, none is empty, together they hold all samples."""
    if not isinstance(histogram, list):
        return "is not a list"
    before, total = -1, 0
    for bucket in histogram:
        if (not isinstance(bucket, list) or len(bucket) != 3
                or not all(is_number(value) and isinstance(value, int) for value in bucket)):
            return "holds something that is not [first, last, count]"
        first, last, count = bucket
        if not before < first <= last or count == 0:
            return "has buckets out of order or empty ones"
        before, total = last, total + count
    return "" if not histogram or total == n else f"holds {total} samples of {n}"


def problem_of(result):
    """What is wrong with a result, or None."""
    problem = result_problem(result)
    if problem:
        return problem
    name = result["name"][:60]
    if not name or len(result["name"]) > 120:
        return f"result {name!r}: a name has 1 to 120 characters"
    for key in ("min", "median", "p90", "p99", "p999", "max", "n", *report.PARTS):
        if key in result and not (is_number(result[key]) and math.isfinite(result[key])):
            return f"result {name}: {key} is no number from 0 to 2^64"
    problem = histogram_problem(result.get("histogram", []), result["n"])
    return f"result {name}: its histogram {problem}" if problem else None


def load(path):
    """A JSON file, whichever of the two formats it is."""
    try:
        with open(path, "rb") as file:
            text = file.read(FILE_LIMIT + 1)
        if len(text) > FILE_LIMIT:
            raise Failure(f"{paths.shown(path)} is larger than {FILE_LIMIT >> 20} MiB")
        contents = json.loads(text.decode("utf-8"))
    except OSError as error:
        raise Failure(f"cannot read {paths.shown(path)}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Failure(f"{paths.shown(path)} is not JSON: {error}") from error
    if not isinstance(contents, dict) or not (contents.get("schema") == report.SCHEMA
                                              or {"context", "benchmarks"} <= set(contents)):
        raise Failure(f"{paths.shown(path)} is neither {report.SCHEMA} nor Google Benchmark's JSON")
    return contents


class Figures:
    """Everything that the page shows, each figure with the run that it came from."""

    def __init__(self):
        self.runs = []
        self.counted, self.timed = {}, {}  # (arch, name) -> (result, run)
        self.boots, self.sizes = {}, {}  # (arch, cpus) -> (boot, run); arch -> (sizes, run)
        self.host = []  # (row, run)
        self.notes = []  # what the reader should know

    def add(self, contents, origin):
        if contents.get("schema") == report.SCHEMA:
            self._add_target(contents, origin)
        else:
            self._add_host(contents, origin)

    def _add_target(self, contents, origin):
        results = contents.get("results")
        if not isinstance(results, list) or not isinstance(contents.get("arch"), str):
            raise Failure(f"{origin}: arch or results are missing")
        for result in results:
            problem = problem_of(result)
            if problem:
                raise Failure(f"{origin}: {problem}")
        units = {result["unit"] for result in results}
        if len(units) > 1:
            raise Failure(f"{origin}: results of different units: {', '.join(sorted(units))}")
        kind = "counted" if units == {report.COUNTED_UNIT} else "timed"
        given = contents.get("run") if isinstance(contents.get("run"), dict) else {}
        cpus = contents.get("cpus")
        run = Run(len(self.runs) + 1, kind, contents["arch"][:20], cpus if isinstance(cpus, int) else 0,
                  text_of(contents.get("counter")), contents.get("emulated") is not False,
                  {key: text_of(given.get(key)) for key in provenance.KEYS}, results)
        self.runs.append(run)
        table = self.counted if kind == "counted" else self.timed
        for result in results:
            self._put(table, (run.arch, result["name"]), result, run)
        self._add_boots(contents, run)

    def _add_boots(self, contents, run):
        boots = contents.get("boot")
        for boot in boots if isinstance(boots, list) else []:
            if isinstance(boot, dict) and all(is_number(boot.get(key)) for key in
                                              ("cpus", "instructions", "firmware")):
                self.boots.setdefault((run.arch, boot["cpus"]), (boot, run))
        sizes = contents.get("bytes")
        if isinstance(sizes, dict):
            kept = {key: sizes[key] for key in ("image", "bss", "boot") if is_number(sizes.get(key))}
            # What booting takes depends on the CPUs: the largest machine is shown.
            if run.arch not in self.sizes or self.sizes[run.arch][1].cpus < run.cpus:
                self.sizes[run.arch] = (kept, run)

    def _put(self, table, key, result, run):
        if key in table:
            self.notes.append(f"{key[0]} {key[1]} is in runs {table[key][1].number} and {run.number}: "
                              f"run {run.number} is shown.")
        table[key] = (result, run)

    def _add_host(self, contents, origin):
        context, benchmarks = contents.get("context"), contents.get("benchmarks")
        if not isinstance(context, dict) or not isinstance(benchmarks, list):
            raise Failure(f"{origin}: context or benchmarks are of the wrong type")
        facts = host_facts(context)
        counter = facts.pop("counter", "not recorded")
        run = Run(len(self.runs) + 1, "host", "host", 0, counter, False, facts, [])
        self.runs.append(run)
        names = {}
        for one in benchmarks:
            if not isinstance(one, dict) or not isinstance(one.get("name"), str):
                raise Failure(f"{origin}: a benchmark without a name")
            names.setdefault(text_of(one.get("run_name"), one["name"])[:120], []).append(one)
        for name, several in names.items():
            failed = next((one for one in several if one.get("error_occurred") or one.get("skipped")), None)
            row = None if failed else host_row(name, several)
            if row:
                self.host.append((row, run))
            else:
                why = failed and (failed.get("error_message") or failed.get("skip_message"))
                self.notes.append(f"Host benchmark {name} has no figure"
                                  + (f": {text_of(why)}." if why else "."))

    def architectures(self):
        known = list(arch.ARCHITECTURES)
        return known + sorted({run.arch for run in self.runs if run.kind != "host"} - set(known))

    def names(self, table):
        """In the order of the benchmark, those that it does not know at the end."""
        order = {name: i for i, name in enumerate([*report.SAME_CPU, *report.CROSS_CPU])}
        found = {name for _, name in table}
        return sorted(found, key=lambda name: (order.get(name, len(order)), pairs_of(name), name))

    def get(self, table, architecture, name):
        return table.get((architecture, name), (None, None))

    def scaling(self, architecture):
        """[(pairs, instructions)] by rising number of pairs."""
        return sorted((pairs_of(name), total_of(result)) for (one, name), (result, _) in self.counted.items()
                      if one == architecture and pairs_of(name))

    def missing(self):
        """A sentence for each figure that the page should have and nobody measured."""
        sentences = []
        for architecture in self.architectures():
            sentences += self._missing_of(architecture)
        if not any(run.kind == "timed" and not run.emulated for run in self.runs):
            sentences.append("Times of Chorale on hardware: every run was under an emulator.")
        if not self.host:
            sentences.append("The nucleus's paths on the host's processor (./chorale bench host).")
        return sentences

    def _missing_of(self, architecture):
        command = f"./chorale bench --arch {architecture}"
        for what, table, option in (("Instructions", self.counted, " --count"), ("Times", self.timed, "")):
            names = [name for name in (*report.SAME_CPU, *report.CROSS_CPU)
                     if (architecture, name) not in table]
            if len(names) == len(report.SAME_CPU) + len(report.CROSS_CPU):
                yield f"{what} on {architecture}: all of them ({command}{option})."
            elif names:
                yield f"{what} on {architecture}: {', '.join(names)} ({command}{option})."
        if len(self.scaling(architecture)) < 2:
            yield (f"Scaling on {architecture}: it takes runs with different numbers of CPUs ({command} "
                   "--count --bench scale).")
        if not any(one == architecture for one, _ in self.boots):
            yield f"What booting costs on {architecture} ({command} --count)."


def pairs_of(name):
    match = PAIRS.match(name)
    return int(match.group(1)) if match else 0


def total_of(result):
    """What the operation costs in all: its median, to which the parts add up where each is the same in every
    round."""
    return result["median"]


def host_facts(context):
    cpus, clock = context.get("num_cpus"), context.get("mhz_per_cpu")
    machine = [text_of(context.get("processor"), "")] if context.get("processor") else []
    machine += [f"{cpus} CPUs"] if is_number(cpus) else []
    machine += [f"{clock} MHz"] if is_number(clock) else []
    given = context.get("run") if isinstance(context.get("run"), dict) else {}
    facts = {key: text_of(given.get(key)) for key in provenance.KEYS}
    if "machine" not in given:
        facts["machine"] = ", ".join(machine) or "not recorded"
    if "date" not in given:
        facts["date"] = text_of(context.get("date"))
    if "command" not in given:
        facts["command"] = "./chorale bench host"
    facts["emulator"] = "none: on the host's processor"
    # What our own benchmarks add; those of others need not have it.
    facts.update({title: text_of(context[key]) for key, title in HOST_CONTEXT.items() if key in context})
    return facts


def host_row(name, several):
    """One benchmark's time in nanoseconds: the median of its repetitions where there are some."""
    single = [one for one in several if one.get("run_type", "iteration") != "aggregate"]
    median = next((one for one in several if one.get("aggregate_name") == "median"), None)
    shown = median or (single[0] if single else None)
    times = [time for time in map(host_time, single) if time is not None]
    if not shown or host_time(shown) is None:
        return None
    counters = {text_of(key): shown[key] for key in shown
                if key not in GOOGLE_KEYS and is_number(shown[key]) and math.isfinite(shown[key])}
    return {"name": name, "time": host_time(shown), "low": min(times, default=None),
            "high": max(times, default=None), "repetitions": max(len(single), 1),
            "iterations": shown.get("iterations") if median is None else None, "counters": counters,
            "label": text_of(shown.get("label"), "")}


def host_time(one):
    factor = NANOSECONDS.get(one.get("time_unit", "ns") if isinstance(one.get("time_unit"), str) else "ns")
    value = one.get("real_time")
    return value * factor if factor and is_number(value) and math.isfinite(value) else None
