"""`./chorale bench --report`: measures what the page shows, on every machine, and writes the page.

Each run leaves its JSON in build/report/, from which `--from` makes the page again. A run that fails costs
its figures: the page says so, and the command fails after it has written the page.
"""

import argparse
import os

from chorale import arch, bench, build, figures, host_bench, page, paths, provenance, report
from chorale.errors import Failure, UsageError

FOLDER = paths.BUILD / "report"
PAGE = FOLDER / "report.html"
HOST_JSON = paths.tree("host") / host_bench.OUT


def check_usage(options):
    if options.report is None:
        for name, value in (("--from", options.from_), ("--host-json", options.host_json)):
            if value:
                raise UsageError(f"./chorale bench: {name} is for --report (try: ./chorale bench --help)")
        return
    for name in ("profile", "json", "count"):
        if getattr(options, name):
            raise UsageError(f"./chorale bench: --{name} does not go with --report, which counts and times "
                             "everything (try: ./chorale bench --help)")
    if options.machine:
        raise UsageError("./chorale bench host: --report measures the host too: leave host out")
    if options.bench != "all":
        raise UsageError("./chorale bench: --report shows all results: leave --bench out")


def plan(options):
    """(name, options) of each run: scaling below the machine's CPUs, everything counted, everything timed."""
    for architecture in [options.arch] if options.arch else arch.ARCHITECTURES:
        def run(name, architecture=architecture, **changed):
            return f"{architecture}-{name}", argparse.Namespace(
                **dict(vars(options), arch=architecture, **changed))

        pairs = 1
        while pairs < options.cpus:
            yield run(f"scale-{pairs}", count=True, cpus=pairs, bench=f"ipc.rt.scale.pairs{pairs}.w4")
            pairs *= 2
        yield run("count", count=True)
        yield run("time")


def measure_all(options, shown):
    """Runs the plan and adds the results. Returns what went wrong, a sentence each."""
    problems, built = [], {}  # architecture -> whether it could be built

    def failed(what, failure):
        log = f" ({paths.shown(failure.log)})" if failure.log else ""
        problems.append(f"{what}: {str(failure).partition(chr(10))[0]}{log}")
        shown.notes.append(f"Failed and gave no figures: {problems[-1]}")

    for name, chosen in plan(options):
        kept = FOLDER / f"{name}.json"
        kept.unlink(missing_ok=True)
        if chosen.arch not in built:
            try:
                build.build(chosen.arch, chosen.verbose)
                built[chosen.arch] = True
            except Failure as failure:
                built[chosen.arch] = False
                failed(chosen.arch, failure)
        if not built[chosen.arch]:
            continue
        try:
            document, missed, _ = bench.measure(chosen)
            report.write_json(kept, document)
            shown.add(document, paths.shown(kept))
            problems += [f"{chosen.arch}: {sentence}" for sentence in missed]
        except Failure as failure:
            failed(provenance.command_of(chosen), failure)
    return problems


def measure_host(options, shown):
    """Only when its program has been built: the host's tree is large. Returns what went wrong."""
    kept = FOLDER / "host.json"
    kept.unlink(missing_ok=True)
    if not host_bench.program(host_bench.PROGRAMS[0]).exists():
        return []
    facts = {"command": "./chorale bench host", "date": provenance.now(), "commit": provenance.commit(),
             "machine": provenance.machine()}
    try:
        host_bench.run(argparse.Namespace(**dict(vars(options), filter=None, json=None)))
        document = figures.load(HOST_JSON)
        document["context"]["run"] = facts
        report.write_json(kept, document)
        shown.add(document, paths.shown(kept))
    except Failure as failure:
        shown.notes.append(f"./chorale bench host failed and gave no figures: {failure}")
        return [f"./chorale bench host: {failure}"]
    return []


def budgets_of(architectures):
    return {one: report.load_budgets(one) for one in architectures if one in arch.ARCHITECTURES}


def run(options):
    target = options.report or PAGE
    shown, problems = figures.Figures(), []
    # What cannot be read is said before minutes of measuring.
    files = [(path, figures.load(path)) for path in options.from_ or ()]
    files += [(options.host_json, figures.load(options.host_json))] if options.host_json else []
    os.makedirs(FOLDER, exist_ok=True)
    if not options.from_:
        problems = measure_all(options, shown)
        problems += [] if options.host_json else measure_host(options, shown)
    for path, contents in files:
        shown.add(contents, paths.shown(path))
    made = {"command": command_of(options), "date": provenance.now(), "commit": provenance.commit()}
    report.write_text(target, page.render(shown, budgets_of(shown.architectures()), made))
    print(f"Page: {paths.shown(target)} ({len(shown.runs)} runs; JSON in {paths.shown(FOLDER)})")
    for sentence in shown.missing():
        print(f"Not measured: {sentence}")
    if problems:
        raise Failure("\n  ".join([f"the page is written, but {len(problems)} thing"
                                   f"{'s' * (len(problems) != 1)} went wrong:", *problems]))
    return 0


def command_of(options):
    words = ["./chorale", "bench", "--report"]
    words += ["--arch", options.arch] if options.arch else []
    if options.from_:
        words += ["--from", *(os.path.basename(path) for path in options.from_)]
    else:
        words += ["--cpus", str(options.cpus)]
    words += ["--host-json", os.path.basename(options.host_json)] if options.host_json else []
    return " ".join(words)
