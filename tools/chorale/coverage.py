"""`./chorale coverage`: how much of kernel/, fastpath/ and formats/ host tests and fuzzers' corpora reach.

The tests leave raw counters in build/host/profiles; they are added up with llvm-profdata, and llvm-cov says
what they mean. As the test `coverage` this module compares the sums with fuzz/coverage.json:
`python3 -m chorale.coverage TREE`.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from chorale import build, paths, process
from chorale.errors import Failure
from chorale.progress import phase

GOALS = paths.ROOT / "fuzz" / "coverage.json"
PAGES = paths.BUILD / "coverage"
FOLDERS = ("kernel", "fastpath", "formats")
KINDS = ("lines", "branches")


class Counters:
    """The raw counters of a build tree's tests, and what they are about."""

    def __init__(self, tree):
        self.tree = pathlib.Path(tree)
        self.folder = self.tree / "profiles"
        self.profile = self.tree / "coverage.profdata"
        listed = (self.tree / "coverage_objects.txt").read_text(encoding="utf-8").split()
        self.objects = [pathlib.Path(path) for path in listed if pathlib.Path(path).exists()]
        if not self.objects:
            raise Failure(f"nothing is built in {paths.shown(tree)}")

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def add_up(self):
        """Counters older than what they count are of an earlier build: they are thrown away."""
        built = max(path.stat().st_mtime for path in self.objects if path.suffix == ".o")
        for raw in self.folder.glob("*.profraw"):
            if raw.stat().st_mtime < built:
                raw.unlink()
        raw = sorted(self.folder.glob("*.profraw"))
        if not raw:
            raise Failure("no test has left counters: did they run?")
        command(["llvm-profdata-19", "merge", "-sparse", "-o", self.profile, *raw])

    def llvm_cov(self, verb, *options):
        objects = [f"-object={path}" for path in self.objects[1:]]
        return command(["llvm-cov-19", verb, self.objects[0], *objects, f"-instr-profile={self.profile}",
                        f"-compilation-dir={paths.ROOT}", *options])

    def measure(self):
        """{file: {"lines": (reached, all), "branches": (reached, all)}} of the folders that count."""
        export = json.loads(self.llvm_cov("export", "-summary-only"))
        found = {}
        for file in export["data"][0]["files"]:
            name = os.path.relpath(file["filename"], paths.ROOT)
            if name.split("/")[0] in FOLDERS:
                found[name] = {kind: (file["summary"][kind]["covered"], file["summary"][kind]["count"])
                               for kind in KINDS}
        return found

    def write_pages(self, folder):
        shutil.rmtree(folder, ignore_errors=True)
        sources = [paths.ROOT / name for name in FOLDERS]
        self.llvm_cov("show", "-format=html", "-show-branches=count", f"-output-dir={folder}", *sources)
        return folder / "index.html"


def command(words):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise Failure(f"{words[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()


def share(reached, every):
    return 100.0 * reached / every if every else 100.0


def sums(files):
    """{folder: {kind: (reached, all)}}, and "all" of everything."""
    total = {}
    for name, figures in files.items():
        for group in (os.path.dirname(name), "all"):
            for kind in KINDS:
                reached, every = total.setdefault(group, {}).get(kind, (0, 0))
                total[group][kind] = (reached + figures[kind][0], every + figures[kind][1])
    return total


def table(total):
    yield f"{'folder':16}  {'lines':>6}  {'reached':>7}  {'%':>5}  {'branches':>8}  {'reached':>7}  {'%':>5}"
    for group in sorted(total, key=lambda name: (name == "all", name)):
        (lines, all_lines), (branches, all_branches) = (total[group][kind] for kind in KINDS)
        yield (f"{group:16}  {all_lines:6}  {lines:7}  {share(lines, all_lines):5.1f}"
               f"  {all_branches:8}  {branches:7}  {share(branches, all_branches):5.1f}")


def uncounted(objects):
    """Sources that the host does not compile: nothing is known of them, and nobody should forget it."""
    compiled = [str(path) for path in objects]
    sources = (str(path.relative_to(paths.ROOT)) for folder in FOLDERS
               for path in (paths.ROOT / folder).rglob("*.cpp"))
    return sorted(name for name in sources if not any(path.endswith(f"/{name}.o") for path in compiled))


def report(counters, pages, json_file):
    """Prints the table, writes the pages and the JSON."""
    files = counters.measure()
    total = sums(files)
    index = counters.write_pages(pages)
    result = {"schema": "chorale-coverage/1", "files": files, "folders": total,
              "percent": {kind: round(share(*total["all"][kind]), 2) for kind in KINDS}}
    json_file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("\n".join(table(total)))
    for name in uncounted(counters.objects):
        print(f"not compiled for the host: {name}")
    print(f"\npages: {paths.shown(index)}\nfigures: {paths.shown(json_file)}")
    return total


def shortfall(total):
    """What is below the goals, as lines for the user."""
    goals = json.loads(GOALS.read_text(encoding="utf-8"))
    for kind in KINDS:
        reached = share(*total["all"][kind])
        if reached < goals[kind]:
            yield f"{kind}: {reached:.2f} % are reached, {GOALS.name} wants {goals[kind]} %"


def run(options):
    build.build("host", options.verbose, ["coverage"])
    counters = Counters(paths.tree("host"))
    counters.clear()
    log = paths.log("coverage")
    with phase("host tests") as progress:
        # The test needs those that leave counters, so that CTest runs them first. A failure shows in its log.
        words = ["ctest", "--test-dir", paths.tree("host"), "--tests-regex", "^coverage$", "--parallel",
                 str(os.cpu_count() or 1), "--output-on-failure"]
        env = dict(os.environ, CHORALE_COVERAGE_KEEP="1", GTEST_COLOR="no")
        show = progress.pause_for_output if options.verbose else lambda line: progress.update(line.strip())
        status = process.run_logged(words, log, show, env=env)
        if status != 0 and not counters.profile.exists():
            raise Failure("the host tests failed", log)
    report(counters, PAGES, PAGES / "coverage.json")
    if status != 0:
        raise Failure("too little is reached, or a test failed", log)
    return 0


def report_corpora(names, verbose=False):
    """What the committed corpora of some fuzzers reach by themselves."""
    counters = Counters(paths.tree("host"))
    counters.folder = paths.BUILD / "fuzz" / "profiles"
    counters.profile = paths.BUILD / "fuzz" / "coverage.profdata"
    counters.clear()
    with phase("coverage of the corpora"):
        for name in names:
            program = paths.tree("host") / "fuzz" / f"fuzz_{name}"
            words = [program, "-close_fd_mask=1", "-runs=0", paths.ROOT / "fuzz" / "corpus" / name]
            env = dict(os.environ, LLVM_PROFILE_FILE=f"{counters.folder}/{name}.profraw")
            log = paths.log(f"fuzz-{name}-corpus")
            if process.run_logged(words, log, print if verbose else None, env=env) != 0:
                raise Failure(f"{name} fails with its corpus", log)
        counters.add_up()
    pages = PAGES / "fuzz"
    report(counters, pages, paths.BUILD / "fuzz" / "coverage.json")


def main(tree):
    """The test: the sums against the goals. What was counted is thrown away, unless ./chorale asks."""
    counters = Counters(tree)
    try:
        counters.add_up()
        total = sums(counters.measure())
    except Failure as failure:
        print(f"coverage: {failure}")
        return 1
    finally:
        if not os.environ.get("CHORALE_COVERAGE_KEEP"):
            counters.clear()
    print("\n".join(table(total)))
    missing = list(shortfall(total))
    print("\n".join(missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
