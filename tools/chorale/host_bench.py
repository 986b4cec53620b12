"""`./chorale bench host`: the nucleus's own code at full speed in a Linux process (bench/host).

The programs are Google Benchmark's and so is the JSON that is kept; the counter that matters, `cycles`, is
explained in docs/host-benchmarks.md.
"""

import json
import os
import re
import statistics
import tempfile

from chorale import build, paths, process, report
from chorale.errors import Failure, UsageError
from chorale.progress import phase

# The nucleus's parts by themselves, and calls through all of it.
PROGRAMS = ("host_bench", "host_machine_bench")
OUT = "bench.json"
# Counters that only some benchmarks have.
EXTRA = ("lines", "machine", "software")
SUFFIX = r"(/iterations:[0-9]+)?/manual_time$"  # Google Benchmark's, after each name that it lists
# A program that hangs: two threads that wait for each other, say.
TIMEOUT_SECONDS = 600


def check_usage(options):
    if options.machine not in (None, "host"):
        raise UsageError(f"./chorale bench: unknown argument {options.machine!r}, only host is one "
                         "(try: ./chorale bench --help)")
    if options.machine != "host":
        if options.filter:
            raise UsageError("./chorale bench: --filter is for ./chorale bench host; here it is --bench")
        return
    wrong = [word for word, given in (("--count", options.count), ("--profile", options.profile),
                                      ("--bench", options.bench != "all"), ("--fastpath", options.fastpath),
                                      ("--events", options.events))
             if given]
    if wrong:
        raise UsageError(f"./chorale bench host: {wrong[0]} is for a machine that boots; here is --filter")


def program(name):
    return paths.tree("host") / "bench" / "host" / name


def listed(name):
    """The names of a program's benchmarks, in its order."""
    log = paths.log(f"{name}-list")
    lines = []
    if process.run_logged([program(name), "--benchmark_list_tests"], log, lines.append) != 0:
        raise Failure(f"{name} does not start", log)
    return [re.sub(SUFFIX, "", line) for line in lines if line.startswith("host.")]


def exactly(names):
    """The option that chooses these, whatever characters they hold."""
    return "--benchmark_filter=^(" + "|".join(re.escape(name) for name in names) + ")" + SUFFIX


def run_program(name, names):
    """Runs the named benchmarks of one program; what it wrote, Google Benchmark's document."""
    log = paths.log(name)
    with phase(name) as progress, tempfile.TemporaryDirectory(prefix="chorale-bench-") as scratch:
        out = os.path.join(scratch, OUT)
        done = []

        def show(line):
            measured = re.match(r"(host\.\S+)_median\s", line)
            if measured:
                done.append(measured.group(1))
                progress.update(f"{len(done)}/{len(names)} {measured.group(1)}")

        command = ["timeout", str(TIMEOUT_SECONDS), program(name), "--benchmark_color=false", exactly(names),
                   f"--benchmark_out={out}"]
        status = process.run_logged(command, log, show)
        try:
            with open(out, encoding="utf-8") as file:
                document = json.load(file)
        except (OSError, ValueError) as error:
            raise Failure(f"{name} left no results ({error})", log) from error
        if status != 0:
            raise Failure(failed_ones(document) or f"{name} ended with status {status}", log)
        progress.result = f"ok ({len(names)} benchmark{'s' * (len(names) != 1)})"
    return document


def failed_ones(document):
    found = {entry["run_name"]: entry.get("error_message", "") for entry in document["benchmarks"]
             if entry.get("error_occurred")}
    return "; ".join(f"{name}: {message}" for name, message in found.items())


def joined(documents):
    """One document of several programs: the context is the first one's."""
    whole = {"context": documents[0]["context"], "benchmarks": []}
    for document in documents:
        whole["benchmarks"] += document["benchmarks"]
    return whole


def summaries(document):
    """For each benchmark the least, median and greatest of its repetitions, in counts; how far the middle
    half of them is apart, in per cent of the median; the median in nanoseconds; and how many round trips
    of a bare cache line that is, for what crosses CPUs."""
    per_second = float(document["context"]["counter_per_second"])
    repetitions = {}
    for entry in document["benchmarks"]:
        if entry["run_type"] == "iteration":
            repetitions.setdefault(entry["run_name"], []).append(entry)
    rows = []
    for name, entries in repetitions.items():
        counts = sorted(entry["cycles"] for entry in entries)
        median = statistics.median(counts)
        # Of few repetitions there is no half.
        half = counts[(3 * len(counts) - 1) // 4] - counts[len(counts) // 4]
        row = {"name": name, "unit": document["context"]["counter_unit"], "min": counts[0], "median": median,
               "max": counts[-1], "spread": 100 * half / median, "ns": median * 1e9 / per_second,
               "n": len(counts)}
        row.update({extra: statistics.median(entry[extra] for entry in entries)
                    for extra in EXTRA if extra in entries[0]})
        rows.append(row)
    return rows


def shown(row, column):
    if column in ("name", "unit"):
        return row[column]
    if column == "spread":
        return f"{row[column]:.0f}%"
    return report.format_number(row.get(column))


def table(rows):
    extra = [column for column in EXTRA if any(column in row for row in rows)]
    columns = ["name", "unit", "min", "median", "max", "spread", "ns", *extra, "n"]
    return report.aligned([columns] + [[shown(row, column) for column in columns] for row in rows])


def counter_note(context):
    """What was counted, and if it is not cycles, why and how far from them it is."""
    rate = float(context["counter_per_second"]) / 1e9
    note = f"counter: {context['counter']}, {rate:.2f} GHz"
    if context.get("counter_reason"):
        note += f", no hardware cycles: {context['counter_reason']}"
    if context["counter_unit"] != "cycles":
        step = float(context["counts_per_multiply_add"])
        note += (".\nThese are not the core's cycles: one multiply and add of a chain, four cycles on "
                 f"most CPUs, took {step:.2f} {context['counter_unit']}")
    return note + "."


def run(options):
    build.build("host", options.verbose, targets=PROGRAMS)
    documents = []
    for name in PROGRAMS:
        names = [each for each in listed(name) if not options.filter or re.search(options.filter, each)]
        if names:
            documents.append(run_program(name, names))
    if not documents:
        raise Failure(f"no benchmark's name matches {options.filter!r} (./chorale bench host prints them)")
    document = joined(documents)
    print(table(summaries(document)))
    print(counter_note(document["context"]))
    # A part must not pass for the whole where others read it.
    kept = [] if options.filter else [paths.tree("host") / OUT]
    for path in kept + [options.json] * bool(options.json):
        report.write_json(path, document)
        print(f"JSON: {paths.shown(path)}")
    return 0
