"""`./chorale fuzz`: runs the fuzzers of fuzz/ and keeps what they find.

A target's committed corpus, fuzz/corpus/<target>, stays small: a run works in build/fuzz/<target>/corpus and
at its end adds only inputs that reach code that no committed input reaches. libFuzzer names them by their
hash; an input that somebody gave a name stays whatever happens. What crashes is left in
build/fuzz/<target>/crashes.
"""

import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from chorale import build, coverage, paths, process
from chorale.errors import Failure, UsageError
from chorale.progress import phase

FOLDER = paths.ROOT / "fuzz"
POLL_SECONDS = 0.25
# What one input may take: more is a hang or a leak.
UNIT_SECONDS, MEMORY_MEGABYTES = 10, 2048
HASH = re.compile(r"[0-9a-f]{40}")
CORPUS_LIMIT = 192 << 10  # bytes of one target's committed corpus; above it is minimised as a whole
STATUS_LINE = re.compile(r"^#(\d+)\s.*\bcov: (\d+) ft: (\d+)", re.MULTILINE)
FINAL_RUNS = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
TARGET_LINE = re.compile(r"^chorale_fuzzer\((\w+)", re.MULTILINE)
# Where the story of a crash begins and ends, in what a fuzzer says.
STORY_BEGIN = re.compile(r"does not hold|nucleus panic|^==\d+== ?ERROR|runtime error|terminate called",
                         re.MULTILINE)


def targets():
    return TARGET_LINE.findall((FOLDER / "CMakeLists.txt").read_text(encoding="utf-8"))


class Target:
    """A fuzzer, its folders and what a run found."""

    def __init__(self, name):
        self.name = name
        self.program = paths.tree("host") / "fuzz" / f"fuzz_{name}"
        self.corpus = FOLDER / "corpus" / name
        self.work = paths.BUILD / "fuzz" / name / "corpus"
        self.crashes = paths.BUILD / "fuzz" / name / "crashes"
        self.runs = self.edges = self.features = self.added = 0
        self.crash = None

    def flags(self):
        """Of every run: the target's own (fuzz/<target>.options) and its dictionary."""
        flags = ["-close_fd_mask=1", f"-timeout={UNIT_SECONDS}", f"-rss_limit_mb={MEMORY_MEGABYTES}"]
        options = FOLDER / f"{self.name}.options"
        if options.exists():
            flags += options.read_text(encoding="utf-8").split()
        dictionary = FOLDER / f"{self.name}.dict"
        return flags + ([f"-dict={dictionary}"] if dictionary.exists() else [])

    def log(self, what):
        return paths.log(f"fuzz-{self.name}-{what}")


def environment():
    env = dict(os.environ, LLVM_PROFILE_FILE=os.devnull)
    symbolizer = shutil.which("llvm-symbolizer-19")
    if symbolizer:
        env["ASAN_SYMBOLIZER_PATH"] = env["UBSAN_SYMBOLIZER_PATH"] = symbolizer
    return env


def check_usage(options):
    known = targets()
    if options.target and options.target not in known:
        near = difflib.get_close_matches(options.target, known, 1)
        hint = f"did you mean {near[0]}?" if near else "there are: " + ", ".join(known)
        raise UsageError(f"./chorale fuzz: no target {options.target!r}, {hint} (try: ./chorale fuzz --help)")
    if options.replay and not options.target:
        raise UsageError("./chorale fuzz: --replay needs the target (try: ./chorale fuzz --help)")
    if options.replay and options.report:
        raise UsageError("./chorale fuzz: --report is of a run, not of --replay (try: ./chorale fuzz --help)")


def run(options):
    chosen = [Target(name) for name in ([options.target] if options.target else targets())]
    build.build("host", options.verbose, [f"fuzz_{target.name}" for target in chosen] + ["fuzz_seeds"])
    if options.replay:
        return replay(chosen[0], options.replay)
    seeds = paths.BUILD / "fuzz" / "seeds"
    if process.run_logged([paths.tree("host") / "fuzz" / "fuzz_seeds", seeds], paths.log("fuzz-seeds"),
                          env=environment()) != 0:
        raise Failure("the first inputs could not be made", paths.log("fuzz-seeds"))
    for target in chosen:
        explore(target, seeds / target.name, options)
    show(chosen)
    if options.report:
        coverage.report_corpora([target.name for target in chosen], options.verbose)
    crashed = [target.name for target in chosen if target.crash]
    if crashed:
        raise Failure("crashes in " + ", ".join(crashed))
    return 0


def explore(target, seeds, options):
    """Lets the target look for new inputs, then keeps those that count."""
    for folder in (target.work, target.crashes, target.corpus):
        folder.mkdir(parents=True, exist_ok=True)
    known = set(target.crashes.iterdir())
    command = [target.program, *target.flags(), f"-max_total_time={options.time}", "-print_final_stats=1",
               f"-artifact_prefix={target.crashes}/", target.work, target.corpus]
    command += [seeds] if seeds.exists() else []
    with phase(f"fuzz {target.name}") as progress:
        search(target, command, options, progress)
        # A hang comes as timeout-*, a leak as leak-*, too much memory as oom-*.
        fresh = [path for path in target.crashes.iterdir()
                 if path not in known and not path.name.startswith("slow-unit-")]
        if fresh:
            target.crash = max(fresh, key=lambda path: path.stat().st_mtime)
            progress.result = "CRASH"
            return
        target.added = merge(target, seeds, options.minimise)
        progress.result = f"ok ({target.runs} runs, {target.edges} edges, {target.added} inputs added)"


def search(target, command, options, progress):
    """Runs `jobs` processes that share one corpus; the first to crash ends the others."""
    logs = [target.log(job) for job in range(options.jobs)]
    children = []
    try:
        for log in logs:
            with open(log, "wb") as output:
                children.append(process.start(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                              env=environment()))
        end = time.monotonic() + options.time + 10 * UNIT_SECONDS
        while any(child.poll() is None for child in children):
            if any(child.poll() for child in children):
                break
            if time.monotonic() > end:
                raise Failure(f"{target.name} does not come to its end", logs[0])
            note_progress(target, logs)
            progress.update(f"{target.runs} runs, {target.edges} edges, {target.features} features")
            if options.verbose:
                progress.pause_for_output(f"{target.name}: {progress.note}")
            time.sleep(POLL_SECONDS)
    finally:
        for child in children:
            process.stop(child)
    note_progress(target, logs)


def note_progress(target, logs):
    runs = 0
    for log in logs:
        text = tail(log)
        final, lines = FINAL_RUNS.findall(text), STATUS_LINE.findall(text)
        if final or lines:
            runs += int(final[-1] if final else lines[-1][0])
        for _, edges, features in lines:
            target.edges, target.features = max(target.edges, int(edges)), max(target.features, int(features))
    target.runs = max(target.runs, runs)


def tail(log, size=16384):
    with open(log, "rb") as file:
        file.seek(max(0, os.path.getsize(log) - size))
        return file.read().decode(errors="replace")


def size_of(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


def merge(target, seeds, anew):
    """Adds the inputs that reach something new to the committed corpus. Returns how many."""
    before = set(path.name for path in target.corpus.iterdir())
    found = [target.work] + ([seeds] if seeds.exists() else [])
    if not anew:
        cover(target, target.corpus, *found)
    if anew or size_of(target.corpus) > CORPUS_LIMIT:
        minimise(target, *found)
    return len(set(path.name for path in target.corpus.iterdir()) - before)


def minimise(target, *found):
    """Replaces the committed corpus by as few inputs as reach the same."""
    fresh = target.work.parent / "minimised"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for path in target.corpus.iterdir():
        if not HASH.fullmatch(path.name):
            shutil.copy(path, fresh)
    cover(target, fresh, target.corpus, *found)
    shutil.rmtree(target.corpus)
    shutil.move(fresh, target.corpus)


def cover(target, into, *others):
    # Without counters: how often a line is reached makes no input worth keeping here. The work corpus knows.
    command = [target.program, *target.flags(), "-use_counters=0", "-set_cover_merge=1", into, *others]
    log = target.log("merge")
    if process.run_logged(command, log, env=environment()) != 0:
        raise Failure(f"the corpus of {target.name} could not be merged", log)


def show(chosen):
    width = max(len(target.name) for target in chosen)
    print(f"{'target':{width}}  {'runs':>10}  {'edges':>6}  {'features':>8}  {'corpus':>6}  {'KiB':>5}"
          f"  {'added':>5}")
    for target in chosen:
        files = len(list(target.corpus.iterdir()))
        print(f"{target.name:{width}}  {target.runs:10}  {target.edges:6}  {target.features:8}  {files:6}"
              f"  {size_of(target.corpus) / 1024:5.1f}  {target.added:5}")
    for target in chosen:
        if target.crash:
            show_crash(target)


def show_crash(target):
    """The end of the log of the process that crashed: what did not hold, and the stack."""
    print(f"\n{target.name} crashed with {paths.shown(target.crash)}")
    for log in sorted(paths.LOGS.glob(f"fuzz-{target.name}-[0-9]*.log")):
        text = log.read_text(encoding="utf-8", errors="replace")
        if target.crash.name in text:
            print("\n".join("  " + line for line in story(text)))
            print(f"whole log: {paths.shown(log)}")
            break
    print(f"replay it: ./chorale fuzz {target.name} --replay {paths.shown(target.crash)}")


def story(text, limit=40):
    """The lines of a crash, without those that are libFuzzer's own."""
    begin = STORY_BEGIN.search(text)
    from_ = text.rfind("\n", 0, begin.start()) + 1 if begin else 0
    lines = text[from_:].splitlines() if begin else text.splitlines()[-limit:]
    kept = []
    for line in lines:
        if line.startswith("MS: ") or "fuzzer::" in line or len(kept) == limit:
            break
        if line and not line.startswith(("NOTE: libFuzzer", "      Combine", "===")):
            kept.append(line[:200])
    return kept


def replay(target, file):
    """One input, with everything that the target says."""
    log = target.log("replay")
    command = [target.program, *target.flags(), str(pathlib.Path(file).resolve())]
    status = process.run_logged(command, log, print, env=environment())
    sys.stdout.flush()
    if status != 0:
        raise Failure(f"{target.name} fails with {file}", log, tail=False)
    print(f"{target.name} holds with {file}")
    return 0
