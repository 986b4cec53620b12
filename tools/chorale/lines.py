"""Which cache lines several CPUs write while round trips of one result are measured."""

import bisect
import json
import os
import subprocess
import tempfile

from chorale import arch, build, paths, profile
from chorale.errors import Failure

ROUNDS = 500  # of each pair: a line that the path shares is written in all of them
SELDOM = 5    # not by the path: interrupts come into some of the rounds when the host is busy


class Objects:
    """Names of the nucleus's data, by the nearest symbol before an address."""

    def __init__(self, architecture):
        listing = subprocess.run(["llvm-nm-19", "-C", "-n", str(paths.kernel(architecture))],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in listing.splitlines()]
        rows = [(int(row[0], 16), row[2]) for row in rows if len(row) == 3]
        self.addresses, self.names = [row[0] for row in rows], [row[1] for row in rows]
        self.base = arch.ARCHITECTURES[architecture].nucleus_base

    def name(self, address):
        if address < self.base:
            return f"user memory {address:#x}"
        index = bisect.bisect_right(self.addresses, address) - 1
        if index < 0 or index + 1 == len(self.addresses):
            return f"memory {address:#x}"
        return f"{self.names[index].partition('(')[0]} + {address - self.addresses[index]:#x}"


def read(path):
    """(lines with several writers, how much was seen)."""
    try:
        with open(path, encoding="ascii") as file:
            events = [json.loads(line) for line in file]
        *lines, end = events
        if end["event"] != "exit" or end["lost"] or not end["stores"] or not end["rounds"]:
            raise Failure("the plugin saw no round trip, or could not keep what it saw")
    except (OSError, ValueError, KeyError) as error:
        raise Failure(f"the plugin's output is not usable: {error}") from error
    return lines, end


def shared_by_the_path(lines):
    """Those which a second CPU writes as often as no interrupt does."""
    return [line for line in lines if sorted(one["stores"] for one in line["writers"])[-2] > SELDOM]


def measure(options, name, cpus, boot):
    """Runs the result on `cpus` under the plugin. A round trip of one CPU is that CPU's doing, another one
    everybody's."""
    whole = "cross" in name
    with tempfile.TemporaryDirectory(prefix="chorale-lines-") as scratch:
        out = os.path.join(scratch, "lines.jsonl")
        plugin = f"{build.plugin('lines')},out={out}{',all=1' if whole else ''}"
        boot(options, f"lines on {cpus} CPUs", cpus, name, f"bench.rounds={ROUNDS} poll=off",
             one_thread=arch.ARCHITECTURES[options.arch].spinning_yields, plugin=plugin)
        return read(out)


def table(architecture, lines, end):
    """A row for each line: what it is, and who writes it from where."""
    objects, code = Objects(architecture), profile.Symbols(architecture)
    rows = [f"{end['rounds']:,} round trips, {end['stores']:,} stores to {end['lines']:,} cache lines; "
            f"written by several CPUs: {len(lines) or 'none'}"]
    for line in sorted(lines, key=lambda line: -sum(one["stores"] for one in line["writers"])):
        rows.append(f"  {line['physical']:#012x}  {objects.name(line['address'])}")
        rows += [f"      CPU {one['cpu']}: {one['stores']:,} stores, the last in {code.name(one['pc'])}"
                 for one in line["writers"]]
    return "\n".join(rows)
