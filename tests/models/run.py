#!/usr/bin/env python3
"""Checks the models of the protocols between CPUs with spin.

Each model has variants: the protocol as it is, which must be clean in every interleaving and with every stale
value that its memory orders allow; and wrong ones, each with one order weaker or one step missing, which the
checker must find: so it is known that the model would see them.

A clean run counts only when the whole state space was visited.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
COMPILER = "clang-19"
MEGABYTES = 1500
STEPS = 200_000  # of one execution
PATIENCE = 300   # seconds for one run
INCOMPLETE = ("max search depth too small", "out of memory", "reached -DMEMLIM", "VECTORSZ",
              "hash table full", "aborting", "interrupted")


@dataclasses.dataclass(frozen=True)
class Variant:
    name: str
    flags: tuple = ()
    found: str = ""  # what the checker must say; "": the variant is clean
    liveness: bool = False


def clean(name, *flags, liveness=False):
    return Variant(name, flags, "", liveness)


def wrong(flag, found, *flags, liveness=False):
    return Variant(flag, (flag, *flags), found, liveness)


ALL_TAKEN = "taken[0]=="
ALL_GOT = "taken=="
NO_MESSAGE_LEFT = "queue==0"
THE_OWNERS = "owner_now==cpu"
A_STRANGER = "owner=="
BAD = "assertion violated"
RACE = "data race"

MODELS = {
    # What C++ allows must be found, what it forbids must not.
    "litmus": (
        clean("store buffering, seq_cst", "STORE_BUFFERING_SEQ_CST"),
        clean("store buffering, fences", "STORE_BUFFERING_FENCES"),
        wrong("STORE_BUFFERING_RELEASE", BAD),
        wrong("STORE_BUFFERING_CHANGE", BAD),
        clean("store buffering, AMO.aqrl", "STORE_BUFFERING_CHANGE", "RVWMO"),
        clean("message passing", "MESSAGE_ACQUIRE"),
        wrong("MESSAGE_RELAXED_STORE", BAD),
        wrong("MESSAGE_RELAXED_LOAD", BAD),
        clean("coherence", "COHERENCE"),
        clean("release sequence", "RELEASE_SEQUENCE"),
        wrong("RELEASE_SEQUENCE_BROKEN", BAD),
        clean("causality", "CAUSALITY"),
        clean("independent reads, seq_cst", "INDEPENDENT_READS_SEQ_CST"),
        wrong("INDEPENDENT_READS_ACQUIRE", BAD),
        clean("load buffering, which is not modelled", "LOAD_BUFFERING"),
        clean("interrupt, ordered", "BELL_ORDERED"),
        wrong("BELL_UNORDERED", BAD, "ORDERED_BELL=0"),
    ),
    "lock": (
        clean("as it is"),
        wrong("BUG_LOCK_RELAXED", RACE),
        wrong("BUG_UNLOCK_RELAXED", RACE),
    ),
    "mutex": (
        clean("as it is"),
        clean("as it is, RVWMO", "RVWMO"),
        clean("twice each", "PROGRAMS=2", "ROUNDS=2"),
        wrong("BUG_TAKE_RELAXED", RACE),
        wrong("BUG_GIVE_RELAXED", RACE),
        wrong("BUG_LOOK_THEN_KEEP_OUT", "done=="),
        wrong("BUG_LET_IN_WHILE_OTHERS_WAIT", "done=="),
    ),
    "mailbox": (
        clean("as it is", "LETTERS=5"),
        clean("as it is, RVWMO", "RVWMO"),
        clean("three slots", "SLOTS=3"),
        clean("all arrive in the end", "LIVENESS", "LETTERS=3", liveness=True),
        clean("the empty slot relaxed", "KEEP_EMPTY_RELAXED"),
        wrong("BUG_BELL_WHEN_FULL", "received==", "LETTERS=3"),
        wrong("BUG_BELL_WHEN_FULL", "received==", "SLOTS=3"),
        wrong("BUG_BELL_WHEN_FULL", "acceptance cycle", "LIVENESS", "LETTERS=3", liveness=True),
        wrong("BUG_NO_BELL_BACK", "received=="),
        wrong("BUG_TOLD_ONCE", "received==", "LETTERS=5"),
        wrong("BUG_STARVING_AFTER_BELL", "received=="),
        wrong("BUG_BELL_BACK_BEFORE_CLEAR", "received==", "LETTERS=5"),
        wrong("BUG_EXCHANGE_RELAXED", "received=="),
        wrong("BUG_SLOT_STORE_RELAXED", "a letter without contents"),
        wrong("BUG_SLOT_LOAD_RELAXED", "a letter without contents"),
    ),
    "ring": (
        clean("as it is"),
        clean("as it is, RVWMO", "RVWMO"),
        wrong("BUG_FILLED_RELAXED", RACE),
        wrong("BUG_WORDS_RELAXED", RACE),
        wrong("BUG_NEWS_RELEASE", ALL_GOT),
        wrong("BUG_LOOK_AT_SLEEPER_ACQUIRE", ALL_GOT),
        wrong("BUG_SLEEP_RELEASE", ALL_GOT),
        wrong("BUG_LAST_LOOK_ACQUIRE", ALL_GOT),
        wrong("BUG_LOOK_BEFORE_SLEEP", ALL_GOT),
        wrong("BUG_NO_WAKE", ALL_GOT),
    ),
    "doorbell": (
        clean("as it is"),
        clean("as it is, RVWMO", "RVWMO"),
        wrong("BUG_STOP_RELEASE", ALL_TAKEN),
        wrong("BUG_LOOK_ACQUIRE", ALL_TAKEN),
        wrong("BUG_LOOK_BEFORE_STOP", ALL_TAKEN),
        wrong("BUG_HALT_WITHOUT_LOOK", ALL_TAKEN),
        wrong("BUG_BELL_RELAXED", ALL_TAKEN),
        wrong("BUG_BELL_ACQ_REL", ALL_TAKEN),
        wrong("BUG_POLLING_READ_RELAXED", ALL_TAKEN),
        wrong("BUG_BELL_BEFORE_SLOT", ALL_TAKEN),
        wrong("BUG_EVERY_BELL_BUT_THE_FIRST", ALL_TAKEN),
        wrong("BUG_EXCHANGE_RELAXED", ALL_TAKEN),
        wrong("BUG_TAKE_BEFORE_CLEAR", ALL_TAKEN),
        wrong("ORDERED_BELL=0", ALL_TAKEN, "RVWMO"),
    ),
    "wake": (
        clean("with a time limit"),
        clean("with a time limit, RVWMO", "RVWMO"),
        clean("without", "LIMIT=false"),
        wrong("BUG_LOOK_BEFORE_STOP", "ended==", "LIMIT=false"),
        wrong("BUG_PENDING_FORGOTTEN", "ended=="),
        wrong("BUG_TRANSACTION_NOT_COMPARED", "calls-1"),
        wrong("BUG_TIMEOUT_NOT_COUNTED", "calls-1"),
    ),
    "migration": (
        clean("two moves"),
        clean("a move and the end", "SECOND=END"),
        clean("a move, the end, a late reply", "SECOND=END", "THIRD=REPLY"),
        wrong("BUG_OWNER_BEFORE_MOVING", RACE),
        wrong("BUG_OWNER_STORE_RELAXED", RACE),
        wrong("BUG_OWNER_LOAD_RELAXED", RACE),
        wrong("BUG_MOVING_NOT_LOOKED_AT", THE_OWNERS),
        wrong("BUG_SERIAL_NOT_LOOKED_AT", THE_OWNERS, "SECOND=END"),
        wrong("BUG_SERIAL_NOT_COUNTED", THE_OWNERS, "SECOND=END"),
        wrong("BUG_OWNER_LOOKED_AT_FIRST", RACE, "SECOND=END", "THIRD=REPLY"),
        wrong("UNORDERED_MAIL", RACE),
    ),
    "token": (
        clean("one server", "MESSAGES=3"),
        clean("one server, RVWMO", "MESSAGES=3", "RVWMO"),
        clean("two servers", "SERVERS=2"),
        clean("the port's memory is used again", "REUSE", "MESSAGES=3"),
        clean("any port, RVWMO", "ANY", "RVWMO"),
        clean("any port, a fence after enlisting", "ANY", "FENCE"),
        wrong("ANY", NO_MESSAGE_LEFT),
        wrong("BUG_SET_CLEARED", NO_MESSAGE_LEFT, "REUSE"),
        wrong("BUG_QUEUED_RELEASE", NO_MESSAGE_LEFT),
        wrong("BUG_SET_ACQUIRE", NO_MESSAGE_LEFT),
        wrong("BUG_LOOK_ACQUIRE", NO_MESSAGE_LEFT),
        wrong("BUG_ENLIST_ACQ_REL", NO_MESSAGE_LEFT),
        wrong("BUG_PARK_WITHOUT_SECOND_LOOK", NO_MESSAGE_LEFT),
        wrong("BUG_NO_SECOND_TOUR", NO_MESSAGE_LEFT),
        wrong("BUG_TOKEN_BEFORE_QUEUED", NO_MESSAGE_LEFT),
        wrong("BUG_ENABLED_RELAXED", NO_MESSAGE_LEFT, "ANY", "RVWMO", "MESSAGES=1"),
        wrong("UNORDERED_MAIL", NO_MESSAGE_LEFT),
    ),
    "moving": (
        clean("to another actor", "MESSAGES=3"),
        clean("to another actor, RVWMO", "RVWMO"),
        clean("and back", "MOVES=2"),
        clean("and then deleted", "DELETION"),
        wrong("BUG_NUMBER_TAKEN_LATE", A_STRANGER),
        wrong("BUG_ACTOR_KEPT", A_STRANGER),
        wrong("BUG_NO_TOUR", A_STRANGER),
        wrong("BUG_ACTOR_NOT_COMPARED", A_STRANGER),
        wrong("UNORDERED_MAIL", A_STRANGER),
    ),
    "lookup": (
        clean("as it is"),
        clean("life relaxed", "KEEP_LIFE_RELAXED"),
        wrong("BUG_NUMBER_RELAXED", "place==value"),
        wrong("BUG_TABLE_RELAXED", "place==name"),
        wrong("BUG_LIVE_NOT_LOOKED_AT", "evicted"),
        wrong("BUG_ACTOR_KEPT", "place==1"),
        wrong("BUG_NO_TOUR", BAD),
    ),
    "direct_trap": (
        clean("as it is"),
        clean("as it is, RVWMO", "RVWMO"),
        clean("interrupted between", "INTERRUPTS"),
        clean("compared first", "COMPARE_FIRST"),
        wrong("COMPARE_FIRST", BAD, "INTERRUPTS"),
        wrong("BUG_CONNECTED_KEPT", BAD),
        wrong("BUG_NO_TOUR", BAD),
        wrong("BUG_SEARCH_BEFORE_TOUR", BAD),
        wrong("BUG_LOOK_BEFORE_LOCK", BAD),
        wrong("BUG_QUICK_INTERRUPTED", BAD),
        wrong("UNORDERED_MAIL", BAD),
    ),
    "tlb": (
        clean("as it is"),
        clean("as it is, RVWMO", "RVWMO"),
        clean("enter_cpu() relaxed", "KEEP_ENTER_RELAXED"),
        wrong("BUG_NO_FENCE_ON_LOAD", "reaped", "RVWMO"),
        wrong("BUG_ENTER_AFTER_FENCE", "reaped"),
        wrong("BUG_FLUSH_WITHOUT_FENCE", "reaped"),
        wrong("BUG_FLUSH_IS_NO_FENCE", "reaped"),
        wrong("BUG_SET_BEFORE_HIDING", "reaped"),
        wrong("BUG_REAP_BEFORE_ANSWER", "reaped"),
        wrong("BUG_LEAF_ONLY", "reaped"),
    ),
}


LONG = ("mailbox", "doorbell", "migration", "token", "moving")


class Broken(Exception):
    """A tool is missing or a model does not compile."""


@dataclasses.dataclass
class Outcome:
    verdict: str
    good: bool
    states: int
    seconds: float


def call(command, folder):
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
    except FileNotFoundError as error:
        raise Broken(f"{command[0]} is not installed (try: ./chorale setup)") from error
    except subprocess.TimeoutExpired as error:
        raise Broken(f"{command[0]} did not end in {PATIENCE} s") from error
    return done.returncode, done.stdout.decode(errors="replace")


def compile_checker(model, variant, folder):
    for source in (HERE / f"{model}.pml", HERE / "weak.pml", HERE / "weak.h"):
        (folder / source.name).write_bytes(source.read_bytes())
    defines = [f"-D{flag}" for flag in variant.flags]
    status, said = call(["spin", f"-P{COMPILER} -E -x c", "-a", *defines, f"{model}.pml"], folder)
    if status != 0 or "Error" in said:
        raise Broken(f"spin does not take {model}.pml {' '.join(defines)}:\n{said}")
    # Where the run is short, compiling is what takes the time.
    level = "-O2" if model in LONG and not variant.found else "-O0"
    kind = ["-DNFAIR=3"] if variant.liveness else ["-DSAFETY"]
    command = [COMPILER, level, "-w", "-DCOLLAPSE", f"-DMEMLIM={MEGABYTES}", *kind,
               "-I.", "-o", "pan", "pan.c"]
    status, said = call(command, folder)
    if status != 0:
        raise Broken(f"the checker of {model}.pml {' '.join(defines)} does not compile:\n{said}")


def judge(variant, said):
    """(verdict, as it should be) of what the checker printed."""
    errors = re.search(r"errors: (\d+)", said)
    first = re.search(r"^pan:1: (.*?)(?: \(at depth \d+\))?$", said, re.MULTILINE)
    if errors is None:
        return "no verdict", False
    if variant.found:
        if first is None:
            return "NOT FOUND", False
        if variant.found not in first.group(1):
            return f"found something else: {first.group(1)}", False
        return "found", True
    if first is not None or errors.group(1) != "0":
        return f"WRONG: {first.group(1) if first else 'errors'}", False
    for sign in INCOMPLETE:
        if sign in said:
            return f"INCOMPLETE: {sign}", False
    return "clean", True


def check(model, variant, keep):
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="models-") as place:
        folder = pathlib.Path(keep or place)
        compile_checker(model, variant, folder)
        search = ["-a", "-f"] if variant.liveness else []
        _, said = call(["./pan", "-E", f"-m{STEPS}", *search], folder)
        (folder / "said.txt").write_text(said)
    stored = re.search(r"(\d+) states, stored", said)
    verdict, good = judge(variant, said)
    return Outcome(verdict, good, int(stored.group(1)) if stored else 0, time.monotonic() - begun), said


def label(variant):
    """The name, and the flags that it does not say already."""
    rest = [flag for flag in variant.flags if flag != variant.name]
    return variant.name + (f" ({', '.join(rest)})" if rest and variant.found else "")


def parse():
    parser = argparse.ArgumentParser(prog="models", description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", choices=sorted(MODELS),
                        help="only this (may be repeated)")
    parser.add_argument("--variant", default="", metavar="REGEX", help="only variants that match")
    parser.add_argument("--keep", default="", metavar="FOLDER",
                        help="leave the checker and what it said there: `./pan -r` tells the way to an error")
    return parser.parse_args()


def main():
    options = parse()
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
    failed = runs = 0
    begun = time.monotonic()
    print(f"{'model':10} {'variant':52} {'states':>10} {'seconds':>8}  verdict")
    for model in options.model or MODELS:
        for variant in MODELS[model]:
            if not re.search(options.variant, label(variant)):
                continue
            runs += 1
            try:
                outcome, said = check(model, variant, options.keep)
            except Broken as problem:
                print(f"models: {problem}")
                return 1
            print(f"{model:10} {label(variant):52} {outcome.states:>10,} {outcome.seconds:>8.1f}  "
                  f"{outcome.verdict}", flush=True)
            if not outcome.good:
                failed += 1
                print(said)
    print(f"{runs} runs, {failed} not as they should be, {time.monotonic() - begun:.0f} s")
    return 1 if failed or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
