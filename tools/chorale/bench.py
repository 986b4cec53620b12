"""`./chorale bench`: boots the system, lets it measure itself, checks and shows what it measured."""

import json
import os
import re
import sys
import tempfile

from chorale import arch, build, elf, latency, lines, paths, profile, provenance, qemu, report
from chorale.errors import Failure, UsageError
from chorale.progress import phase
from chorale.run import command_line

QUICK, THOROUGH = 3000, 100_000  # wakes of the latency benchmark, of all CPUs together
# Megabytes, by the groups `memory` and `cos`, on both machines; the others run in the least there is.
MEMORY_NEEDED = 24
COUNTER = "instructions (QEMU TCG plugin)"
# What the nucleus says of a part of the benchmark that it cannot load or has ended.
LOST = re.compile(r"actor \S+.*: (?:actor deleted$|not loaded: )")
# What the guest says of its own times.
TIMED = ("p90", "p999", "histogram")


def check_usage(options):
    """What of a run that boots would come to nothing, said before anything is built."""
    if options.machine:
        return
    chosen = options.profile or options.lines or options.bench
    much = chosen in ("all", "memory", "cos") or report.group_of(chosen) in ("memory", "cos")
    if much and qemu.megabytes(options.memory) < MEMORY_NEEDED:
        raise UsageError(f"./chorale bench: {chosen} needs --memory {MEMORY_NEEDED}M or more")
    if options.report is not None:
        return
    if options.cpus == 1 and report.needs_several_cpus(chosen):
        raise UsageError(f"./chorale bench: {chosen} is between CPUs and needs --cpus 2 or more")
    wakes = chosen in ("all", "latency") or report.group_of(chosen) == "latency"
    if options.events and not (options.count and wakes and not options.profile):
        raise UsageError("./chorale bench: --events is for --count with the latency benchmark (try: "
                         "./chorale bench --count --bench latency --events N)")


def is_cos(selection):
    """Whether C_OS is measured: by a program of its own in a bank of its own, on one CPU."""
    return selection == "cos" or report.group_of(selection) == "cos"


def boot_once(options, name, cpus, selection, words="", **machine):
    """One guest run; `words` go to the nucleus's command line too. Returns its outcome; anything but full
    success is a Failure."""
    if is_cos(selection):
        words, machine["bank"] = f"init=/bin/cosbench {words}", str(paths.cosbench_bank(options.arch))
    guest = qemu.Machine(arch=options.arch, cpus=cpus, memory=options.memory,
                         append=command_line(options, f"bench={selection} {words}".rstrip()), **machine)
    with phase(name) as progress:
        def show(kind, line, transcript):
            if options.verbose:
                progress.pause_for_output(line)
            # Everybody else would wait for it until the time is over. Of C_OS's actors the last has no room.
            if LOST.match(line) and not is_cos(selection):
                raise qemu.Stop(f"the benchmark has lost a part, with --memory {options.memory}: {line}")
            if kind == "json" and transcript.results:
                progress.update(f"{len(transcript.results)} results, {transcript.results[-1]['name']}")

        log = paths.log(name.replace(" ", "-"))
        outcome = qemu.boot(guest, log, options.timeout, show)
        names = [result["name"] for result in outcome.transcript.results]
        problem = outcome.problem() or wrong_results(selection, cpus, names)
        if problem:
            qemu.fail_for(outcome, problem)
        progress.result = f"ok ({len(names)} results)"
        return outcome


def wrong_results(selection, cpus, names):
    missing = report.missing_results(selection, cpus, names)
    if missing:
        return "the guest passed but these results are missing: " + ", ".join(missing)
    return "the guest reported a result twice" if len(set(names)) != len(names) else ""


def read_counts(path):
    """The plugin's lines, sorted by what they are about; an event that did not come is None."""
    counts = {"boot": None, "exit": None, "spans": {}, "profile": []}
    try:
        with open(path, encoding="ascii") as file:
            for event in map(json.loads, file):
                if event["event"] == "boot":
                    counts["boot"] = event
                elif event["event"] == "exit":
                    counts["exit"] = event
                elif event["event"] == "profile":
                    counts["profile"].append(event)
                else:
                    counts["spans"][event["result"], event["event"], event["scope"]] = event
    except (OSError, ValueError, KeyError) as error:
        raise Failure(f"the plugin's output is not usable: {error}") from error
    end = counts["exit"]
    if not end:
        raise Failure("the plugin did not finish its output")
    wrong = [f"{key} {end[key]}" for key in ("unknown_markers", "unpaired_markers", "lost") if end[key]]
    if wrong:
        raise Failure("the plugin could not follow the guest's markers: " + ", ".join(wrong))
    return counts


def counted(result, index, spans):
    """The guest's result with the plugin's figures in place of its own times.

    A round trip that ends on the CPU where it began is what that CPU did; a cross-CPU one is what all CPUs
    did, but a message without a reply what its sender did. Operations measured in batches are the batches'
    sums divided by the operations.
    """
    both = report.group_of(result["name"]) == "cross" and ".send." not in result["name"]
    scope = "all" if both else "local"
    figures = {key: value for key, value in result.items() if key not in TIMED}
    figures["unit"] = report.COUNTED_UNIT
    span = spans.get((index, "round", scope))
    if span:
        figures.update({key: span["total"][key] for key in ("min", "median", "p99", "max")}, n=span["n"],
                       nucleus=span["nucleus"]["median"], user=span["user"]["median"])
        if span["firmware"]["sum"]:
            # Where it is rare the median would hide it.
            figures["firmware"] = span["firmware"]["median"] or round(span["firmware"]["sum"] / span["n"], 3)
        return figures
    span = spans.get((index, "batch", scope))
    if not span or result["n"] <= 0:
        raise Failure(f"the guest put no markers around {result['name']}")

    def per_operation(total, batches):
        return round(total * batches / result["n"], 1)

    figures.update({key: per_operation(span["total"][key], span["n"])
                    for key in ("min", "median", "p99", "max")})
    figures.update({key: per_operation(span[key]["sum"], 1) for key in ("nucleus", "user")})
    if span["firmware"]["sum"]:
        figures["firmware"] = round(span["firmware"]["sum"] / result["n"], 3)
    return figures


def address_options(architecture, kernel):
    """What the plugin must know of addresses: where the firmware hands over, and what is whose."""
    image = elf.Elf(kernel)
    firmware = arch.ARCHITECTURES[architecture].firmware_base
    if not firmware:
        return f",entry={image.pvh_entry():#x}"
    # The firmware stays behind below the nucleus and enters it at its first byte, which is physical.
    low, end = image.physical_range()
    return f",entry={low:#x},image={low:#x}-{end:#x},firmware={firmware:#x}-{low:#x}"


def takes_turns(architecture, selection):
    """Whether the emulator runs the CPUs in turn on one thread, which makes each run the same. Where a CPU
    that spins keeps its turn to the end, a tenth of a second, only halted ones can be waited for."""
    if selection == "ipc.flood.target":  # what arrives would wait for the sender's turn to end
        return False
    return arch.ARCHITECTURES[architecture].spinning_yields or "halted" in selection


def useful_cpus(architecture, selection, cpus):
    """More than the two that poll would only spin, on host CPUs that emulate those that are measured."""
    turns = takes_turns(architecture, selection)
    return cpus if turns or "polling" not in selection else min(cpus, 2)


def count_pass(options, name, cpus, selection, icount, words="", more=""):
    """One guest run under the plugin. Returns (results, the plugin's counts, meta)."""
    with tempfile.TemporaryDirectory(prefix="chorale-count-") as scratch:
        out = os.path.join(scratch, "counts.jsonl")
        addresses = address_options(options.arch, qemu.existing(paths.kernel(options.arch)))
        plugin = f"{build.plugin()},out={out}{addresses}{more}"
        outcome = boot_once(options, name, cpus, selection, words, icount=icount,
                            one_thread=not icount and takes_turns(options.arch, selection), plugin=plugin)
        counts = read_counts(out)
        with open(out, "rb") as source, open(paths.log(name.replace(" ", "-") + "-plugin"), "wb") as kept:
            kept.write(source.read())
    results = [counted(result, index, counts["spans"])
               for index, result in enumerate(outcome.transcript.results)]
    return results, counts, outcome.transcript.meta


def latency_pass(options, cpus, events):
    """One run of the latency benchmark. Returns (results, lines about the longest ones, meta)."""
    name = f"latency on {cpus} CPU{'s' * (cpus != 1)}"
    with tempfile.TemporaryDirectory(prefix="chorale-latency-") as scratch:
        out = os.path.join(scratch, "latency.jsonl")
        kernel = qemu.existing(paths.kernel(options.arch))
        plugin = f"{build.plugin('latency')}{latency.plugin_options(options.arch, kernel, out)}"
        outcome = boot_once(options, name, cpus, "latency", f"bench.rounds={events}", icount=cpus == 1,
                            plugin=plugin)
        seen = latency.read(out)
    result = outcome.transcript.results[0]["name"]
    return latency.results(result, seen), latency.notes(options.arch, result, seen), outcome.transcript.meta


def sure_latency_pass(options, cpus, events, budgets):
    """The same. On several CPUs the emulator's turns, and so who waits for whom, follow the host's load: a
    budget is missed when three runs in a row miss one."""
    for _ in range(1 if cpus == 1 else 3):
        made = latency_pass(options, cpus, events)
        if not report.missed_results(budgets, made[0]):
            break
    return made


def flood_passes(cpus, selection):
    """Whoever floods others only is counted on one thread, as what floods elsewhere must cost nothing at all.
    Messages to a port of the counted CPU arrive in the middle of its rounds, on a thread of its own only."""
    alone, victim, target = report.FLOOD
    passes = []
    if selection in ("all", "flood", alone, victim):
        passes.append(("count flood", cpus, f"{alone},{victim}", False, "poll=off"))
    if selection in ("all", "flood", target):
        passes.append(("count flooded port", cpus, target, False, "poll=off"))
    return passes


def dearest(one, other):
    """Where secondary CPUs start in parallel their waiting varies a little: the dearest boot counts."""
    return max(filter(None, (one, other)), key=lambda boot: boot["instructions"], default=None)


def group_wanted(selection):
    return selection if selection in report.GROUPS else report.group_of(selection) or "same"


def counting_passes(options):
    """(name, CPUs, selection, icount, more words) of each run under the plugin."""
    selection = options.bench
    group, whole, passes = group_wanted(selection), selection == "all", []
    if group in ("all", "same"):
        passes.append(("count same", 1, "same" if whole else selection, True, ""))
    if whole or group == "cos":
        passes.append(("count C_OS", 1, "cos" if whole else selection, True, ""))
    if whole or group == "memory":
        passes.append(("count memory", 1, "memory" if whole else selection, False, ""))
    if options.cpus > 1:
        # Whether the receiver's CPU polls or halts is a matter of time: a count must not depend on it.
        for name, result, poll in (("count polling", "ipc.rt.cross_cpu.polling.w4", "poll=on"),
                                   ("count halted", "ipc.rt.cross_cpu.halted.w4", "poll=off"),
                                   ("count send", "ipc.send.cross_cpu.polling.w4", "poll=on")):
            if selection in ("all", "cross", result):
                passes.append((name, options.cpus, result, False, poll))
        if selection in ("all", "cross", "sched.pull"):
            passes.append(("count pull", options.cpus, "sched.pull", False, "poll=off"))
    if selection in ("all", "scale"):
        passes += [(f"count scale {pairs}", pairs, "scale", False, "") for pairs in report.SCALING_CPUS]
    elif group == "scale":
        passes.append(("count scale", options.cpus, selection, False, ""))
    if group == "flood" or (whole and options.cpus > 1):
        passes += flood_passes(options.cpus, selection)
    return passes


def count(options):
    """Exact counts: one CPU under -icount, then several CPUs with the plugin's per-CPU counts alone."""
    selection = options.bench
    group, whole = group_wanted(selection), selection == "all"
    quiet = whole or group == "latency"
    facts = arch.ARCHITECTURES[options.arch]
    results, boots, meta = [], {}, {}
    for name, cpus, chosen, icount, words in counting_passes(options):
        cpus = useful_cpus(options.arch, chosen, cpus)
        some, counts, latest = count_pass(options, name, cpus, chosen, icount, words)
        results += some
        if is_cos(chosen):  # another bank: what it takes is told apart
            meta.setdefault("actors", latest.get("actors"))
            continue
        meta.update(latest)
        # CPUs that wait for others by whole turns tell nothing of what booting costs.
        if cpus == 1 or facts.spinning_yields or not takes_turns(options.arch, chosen):
            boots[cpus] = dearest(boots.get(cpus), counts["boot"])
    longest = []
    budgets = report.load_budgets(options.arch)
    for cpus in sorted({1, options.cpus}) if quiet else ():
        events = options.events or (QUICK if whole else THOROUGH)
        some, notes, latest = sure_latency_pass(options, cpus, events, budgets)
        results += some
        longest += notes
        meta.update(latest)
    missed = report.missed_results(budgets, results)
    missed += report.missed_scaling(results)
    missed += report.missed_image(budgets, paths.kernel(options.arch))
    of_c_os = report.c_os_facts(paths.c_os(options.arch), meta)
    if selection in ("all", "cos"):
        missed += report.missed_c_os(budgets, of_c_os, options.memory)
    budgeted = budgets["boot"]
    if budgeted["cpus"] in boots and options.memory == budgeted["memory"]:
        boot = boots[budgeted["cpus"]]
        missed += report.missed_boot(budgets, boot and boot["instructions"], meta)
    meta.update(counter=COUNTER, emulated=True)
    document = report.document(options.arch, options.cpus, meta, results)
    document["boot"] = [{"cpus": cpus, "instructions": boot["instructions"], "firmware": boot["firmware"]}
                        for cpus, boot in boots.items() if boot]
    image = elf.Elf(paths.kernel(options.arch))
    document["bytes"] = {"image": image.image_bytes(), "bss": image.bss_bytes(),
                         "boot": meta.get("boot_bytes")}
    if whole or group == "cos":
        document["c_os"] = of_c_os
    document["longest"] = longest
    document["unreached"] = report.unreached(budgets, results, meta)
    return document, missed, boots


def time(options):
    """Without the plugin: the guest's own clock. All are two runs, the second one of C_OS."""
    said = boot_once(options, "bench", 1 if is_cos(options.bench) else options.cpus, options.bench).transcript
    results, meta = said.results, said.meta
    if options.bench == "all":
        of_c_os = boot_once(options, "bench C_OS", 1, "cos").transcript
        results, meta = results + of_c_os.results, {**of_c_os.meta, **meta}
    document = report.document(options.arch, options.cpus, meta, results)
    if "actors" in meta:
        document["c_os"] = report.c_os_facts(paths.c_os(options.arch), meta)
    return document


def measure(options):
    """One run as the options say: (document, budgets missed, boots)."""
    missed, boots = [], {}
    if options.count:
        document, missed, boots = count(options)
    else:
        document = time(options)
    document["run"] = provenance.of_run(options)
    return document, missed, boots


def print_lines(options):
    """Which cache lines several CPUs write. Of a result whose pairs have a CPU each there must be none."""
    shared, end = lines.measure(options, options.lines, max(options.cpus, 2), boot_once)
    print(lines.table(options.arch, shared, end))
    sys.stdout.flush()
    shared = lines.shared_by_the_path(shared)
    if shared and report.group_of(options.lines) == "scale":
        raise Failure(f"{len(shared)} cache lines are written by several CPUs on the local path")
    if not shared and report.group_of(options.lines) == "cross":
        raise Failure("a round trip between two CPUs without a line that both write: not all was seen")
    return 0


def run(options):
    options.arch = options.arch or arch.DEFAULT
    build.build(options.arch, options.verbose)
    if options.profile:
        same = report.group_of(options.profile) in ("same", "cos")
        cpus = 1 if same else useful_cpus(options.arch, options.profile, options.cpus)
        results, counts, _ = count_pass(options, "profile", cpus, options.profile, same,
                                        more=",profile=0")
        print(profile.table(options.arch, counts["profile"], results[0]))
        return 0
    if options.lines:
        return print_lines(options)
    document, missed, boots = measure(options)
    print(report.table(document["results"]))
    print(report.counter_note(document))
    for cpus, boot in boots.items():
        if boot is not None:
            print(report.boot_note(cpus, boot))
    if document.get("c_os"):
        print(report.c_os_note(document["c_os"], options.memory))
    for line in document.get("longest", ()):
        print(line)
    if document.get("unreached"):
        print("\n  ".join(["Kept, but not yet as wanted:", *document["unreached"]]))
    if options.json:
        report.write_json(options.json, document)
        print(f"JSON: {paths.shown(options.json)}")
    sys.stdout.flush()
    if missed:
        raise Failure("\n  ".join([f"{len(missed)} budget{'s' * (len(missed) != 1)} missed:", *missed]))
    if options.count:
        print("All budgets kept (bench/budgets.json).")
    return 0
