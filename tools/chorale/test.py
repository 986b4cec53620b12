"""`./chorale test`: builds the systems and the host programs, then lets CTest run everything.

CTest starts `tools/guest-test` and the gates; what the user chose for this run reaches them by environment
variables (CHORALE_*), for the build trees stay as they are.
"""

import json
import os
import re
import subprocess
import sys

from chorale import arch, build, paths, process
from chorale.errors import Failure
from chorale.nearest import did_you_mean

# The first to be tested is the cheapest to fail: host tests, then the machines'.
PRESETS = ("host", *arch.ARCHITECTURES)


def environment(options):
    chosen = {"CHORALE_STRESS_SECONDS": options.stress, "CHORALE_FASTPATH": options.fastpath,
              "CHORALE_CPUS": options.cpus, "CHORALE_MEMORY": options.memory,
              "CHORALE_SIM_SEEDS": options.sim_seeds, "CHORALE_EQUIVALENCE_PROGRAMS": options.programs}
    env = dict(os.environ, GTEST_COLOR="no")
    env.update({name: str(value) for name, value in chosen.items() if value})
    return env


def listed(*choice):
    """The names of the tests, as CTest chooses."""
    done = subprocess.run(["ctest", "--test-dir", paths.BUILD, "--show-only=json-v1", *choice],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    try:
        return [test["name"] for test in json.loads(done.stdout)["tests"]]
    except (ValueError, KeyError) as error:
        raise Failure("CTest does not say which tests there are") from error


def check_filter(expression):
    if not listed("--tests-regex", expression):
        plain = re.sub(r"[^\w./]", "", expression)
        raise Failure(f"no test's name matches {expression!r}{did_you_mean(plain, listed())} "
                      f"(all names: ctest --test-dir {paths.shown(paths.BUILD)} -N)")


def run(options):
    presets = [preset for preset in PRESETS if options.arch in (None, preset) or preset == "host"]
    for preset in presets:
        build.build(preset, options.verbose)
    # One run over all trees, so that there is one summary.
    (paths.BUILD / "CTestTestfile.cmake").write_text(f"subdirs({' '.join(presets)})\n")
    if options.filter:
        check_filter(options.filter)
    log = paths.log("test")
    command = ["ctest", "--test-dir", paths.BUILD, "--output-on-failure", "--no-tests=error",
               "--parallel", str(os.cpu_count() or 1), "--output-log", log]
    if options.filter:
        command += ["--tests-regex", options.filter]
    if options.verbose:
        command += ["--verbose"]
    sys.stdout.flush()
    child = process.start(command, stdin=subprocess.DEVNULL, env=environment(options))
    try:
        status = child.wait()
    finally:
        process.stop(child)
    if status != 0:
        raise Failure("tests failed", log, tail=False)
    return 0
