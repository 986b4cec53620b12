"""The result table for people, the JSON document for programs, the budget checks."""

import json
import os
import re
import tempfile

from chorale import elf, paths
from chorale.errors import Failure

SCHEMA = "chorale-bench/1"
SAME_CPU = ["null_call", "thread.yield",
            *(f"ipc.rt.same_cpu.two_spaces.{size}" for size in (
                "w0", "w4", "typed4", "w8", "b64", "b1024", "b4096", "b65536")), "memcpy.b65536",
            "ipc.rt.same_cpu.one_space.w4", "ipc.send.same_cpu.two_spaces.w4",
            "lap.plain", "lap.safe", "lap.user", "trap.null", "ipc.rt.handler.w4",
            "mipc.allocate", "mipc.put", "mipc.get", "mipc.free",
            "sync.mutex", "sync.mutex.handoff", "sync.semaphore.wake", "sync.event.wake",
            "sync.rt_mutex.inversion", "sched.quantum",
            "ring.pair8", "ring.pair8.wake", "ring.run32", "ring.batch32", "ring.wake"]
CROSS_CPU = ["ipc.rt.cross_cpu.polling.w4", "ipc.rt.cross_cpu.halted.w4", "ipc.send.cross_cpu.polling.w4",
             "sched.pull"]
FLOOD = ["ipc.flood.alone", "ipc.flood.victim", "ipc.flood.target"]
SCALE = re.compile(r"ipc\.rt\.scale\.pairs\d+\.w4$")
SCALING_CPUS = (1, 2, 4, 8)  # on which a pair's message must cost the same,
SCALING = 0.02               # but for this part
LATENCY = re.compile(r"latency\.(wake|masked)\.cpus\d+$")
BUDGETED_LATENCY = ("latency.wake", "latency.masked")  # for any number of CPUs
MEMORY = ["memory.fault.zero", "memory.fault.copy", "memory.fault.alone",
          *(f"ipc.queued.{size}.{use}" for use in ("kept", "written") for size in ("b16384", "b65536"))]
COS = ["cos.getpid", "cos.read1", "cos.read4k", "cos.copy4k", "cos.spawn"]
GROUPS = ("all", "same", "cross", "scale", "flood", "latency", "memory", "cos")
COUNTED_UNIT = "instructions"
# Whose instructions they are. "firmware" is there only where some ran: in machine mode on riscv64.
PARTS = ("nucleus", "user", "firmware")


def needs_several_cpus(selection):
    return selection in ("cross", "flood", *CROSS_CPU, *FLOOD)


def result_names():
    """Those whose name says no number of CPUs, and what the others are called on 4."""
    return [*SAME_CPU, *MEMORY, *CROSS_CPU, *FLOOD, *COS, "ipc.rt.scale.pairs4.w4", "latency.wake.cpus4",
            "latency.masked.cpus4"]


def group_of(name):
    if SCALE.match(name):
        return "scale"
    if LATENCY.match(name):
        return "latency"
    groups = {"same": SAME_CPU, "cross": CROSS_CPU, "flood": FLOOD, "memory": MEMORY, "cos": COS}
    return next((group for group, names in groups.items() if name in names), "")


def missing_results(selection, cpus, names):
    """The results that a run of `bench=<selection>` owes and did not deliver."""
    have = set(names)
    if selection == "latency":
        selection = f"latency.wake.cpus{cpus}"
    if selection not in GROUPS:
        return [name for name in selection.split(",") if name not in have]
    owed = []
    if selection in ("all", "same"):
        owed += SAME_CPU
    if selection in ("all", "memory"):
        owed += MEMORY
    if selection == "cos":  # in a system of its own
        owed += COS
    if cpus > 1 and selection in ("all", "cross"):
        owed += CROSS_CPU
    if cpus > 1 and selection in ("all", "flood"):
        owed += FLOOD
    missing = [name for name in owed if name not in have]
    if cpus > 1 and selection in ("all", "scale") and not any(SCALE.match(name) for name in have):
        missing.append("ipc.rt.scale.pairsN.w4")
    return missing


def format_number(value):
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def table(results):
    """Aligned columns: names to the left, numbers to the right."""
    parts = [part for part in PARTS if any(part in result for result in results)]
    columns = ["name", "unit", "min", "median", "p99", "max", "n", *parts]
    rows = [columns] + [[str(result[c]) if c in ("name", "unit") else format_number(result.get(c))
                         for c in columns] for result in results]
    return aligned(rows)


def aligned(rows):
    """The first row is the header; two columns of words, then numbers."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) if i < 2 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    lines.insert(1, "─" * max(len(line) for line in lines))
    return "\n".join(lines)


def counter_note(document):
    if document["counter"].startswith(COUNTED_UNIT):
        return "Counted, not timed: instructions per operation, split where the privilege changes."
    if document["emulated"]:
        return (f"Counter: {document['counter']}. Times are the emulator's, not a machine's: "
                "use --count for exact instruction counts.")
    return f"Counter: {document['counter']}."


def document(arch, cpus, meta, results):
    keys = ("name", "unit", "min", "median", "p90", "p99", "p999", "max", "n", *PARTS, "histogram")
    return {"schema": SCHEMA, "arch": str(meta.get("arch", arch)), "cpus": cpus,
            "counter": str(meta.get("counter", "unknown")), "emulated": bool(meta.get("emulated", True)),
            "results": [{key: result[key] for key in keys if key in result} for result in results]}


def write_json(path, contents):
    """Lists of numbers are lines, not columns."""
    text = json.dumps(contents, indent=2)
    write_text(path, re.sub(r"\[\n[\d\s.,]+\]", lambda found: " ".join(found.group().split()), text) + "\n")


def write_text(path, text):
    """Whole or not at all: another program may be reading."""
    directory = os.path.dirname(os.path.abspath(path))
    try:
        with tempfile.NamedTemporaryFile("w", dir=directory, prefix=".chorale-", delete=False,
                                         encoding="utf-8") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(file.name, 0o666 & ~umask)
        os.replace(file.name, path)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror}") from error


def boot_note(cpus, boot):
    # CPUs that start in parallel wait for each other for more or less long.
    instructions = boot["instructions"]
    about = f"{instructions:,}" if cpus == 1 else f"about {instructions / 1e6:.1f} million"
    whose = f" ({boot['firmware']:,} of them the firmware's)" if boot["firmware"] else ""
    return f"Boot, {cpus} CPU{'s' * (cpus != 1)}: {about} instructions to the first user one{whose}."


def load_budgets(arch):
    path = paths.ROOT / "bench" / "budgets.json"
    try:
        budgets = json.loads(path.read_text())
        if budgets["schema"] != "chorale-budgets/2":
            raise ValueError(f"schema {budgets['schema']}")
        return budgets[arch]
    except (OSError, ValueError, KeyError) as error:
        raise Failure(f"{paths.shown(path)} is not usable: {error}") from error


def total_of(result):
    return sum(result.get(part, 0) for part in PARTS)


def missed_results(budgets, results):
    """A sentence for each budget that a counted result does not keep."""
    missed = []
    for result in results:
        # Latencies may have one budget for all numbers of CPUs, and a better one for a number of its own.
        name = result["name"].rpartition(".")[0] if LATENCY.match(result["name"]) else result["name"]
        budget = {**budgets["results"].get(name, {}), **budgets["results"].get(result["name"], {})}
        values = {**{part: result.get(part, 0) for part in PARTS}, "total": total_of(result)}
        for part, value in values.items():
            limit = budget.get(f"{part}_max")
            if limit is not None and value > limit:
                missed.append(f"{result['name']}: {value:,} {part} instructions, budget {limit:,}")
        for figure in ("median", "longest"):
            limit, value = budget.get(f"{figure}_max"), result["max" if figure == "longest" else figure]
            if limit is not None and value > limit:
                missed.append(f"{result['name']}: {figure} {value:,} instructions, budget {limit:,}")
        missed += missed_growth(budget.get("grows_max"), result, results)
        missed += missed_excess(budget.get("exceeds_max"), result, results)
        if budget.get("steady") and result["median"] != result["min"]:
            missed.append(f"{result['name']}: median {result['median']:,} is not the minimum "
                          f"{result['min']:,}")
    return missed


def missed_scaling(results):
    """The same where a message costs more when more CPUs have pairs of their own."""
    rows = [result for result in results if SCALE.match(result["name"])]
    if not rows:
        return []
    least = min(rows, key=lambda row: row["median"])
    return [f"{row['name']}: {row['median']:,} instructions, {least['name']}: {least['median']:,}; the "
            f"difference must be below {SCALING:.0%}"
            for row in rows if row["median"] > least["median"] * (1 + SCALING)]


def missed_growth(limit, result, results):
    """The same for a budget that says by how much a result's p99 may exceed another's."""
    base = next((other for other in results if limit and other["name"] == limit["over"]), None)
    if base is None or result["p99"] * 100 <= base["p99"] * (100 + limit["percent"]):
        return []
    return [f"{result['name']}: p99 {result['p99']:,} instructions, budget {limit['percent']} % more than "
            f"the {base['p99']:,} of {base['name']}"]


def excess(limit, result, results):
    """By how many instructions a result's total exceeds that of the one that its budget names, or None."""
    base = next((other for other in results if limit and other["name"] == limit["what"]), None)
    return total_of(result) - total_of(base) if base is not None else None


def missed_excess(limit, result, results):
    """The same for a budget that says by how much a result may exceed another's."""
    over = excess(limit, result, results)
    if over is None or over <= limit["by"]:
        return []
    return [f"{result['name']}: {over:,} instructions more than {limit['what']}, budget {limit['by']:,}"]


def c_os_facts(path, meta):
    """What its image takes in memory, how many actors were alive at once (if the run has seen)."""
    image = elf.Elf(path)
    return {"bytes": image.image_bytes() + image.bss_bytes(), "actors": meta.get("actors")}


def c_os_note(facts, memory):
    actors = f"; {facts['actors']} actors alive at once in {memory}" if facts["actors"] else ""
    return f"C_OS: {facts['bytes']:,} bytes in memory{actors}."


def missed_c_os(budgets, facts, memory):
    """The same for C_OS."""
    budget, missed = budgets["c_os"], []
    taken, limit = facts["bytes"], budget["bytes_max"]
    if taken > limit:
        missed.append(f"C_OS image: {taken:,} bytes, budget {limit:,}")
    actors, least = facts["actors"], budget["actors_min"]
    if memory == budget["memory"] and (not isinstance(actors, int) or actors < least):
        missed.append(f"C_OS: {actors} actors alive at once in {memory}, budget {least} or more")
    return missed


def unreached(budgets, results, meta):
    """A sentence for each budget that is kept but looser than what is wanted."""
    sentences = []
    for result in results:
        budget = budgets["results"].get(result["name"], {})
        limit = budget.get("exceeds_max", {})
        for value, wanted in ((total_of(result), budget.get("total_wanted")),
                              (excess(limit, result, results), limit.get("wanted"))):
            if None not in (value, wanted) and value > wanted:
                sentences.append(f"{result['name']}: {value:,} instructions, wanted {wanted:,}")
    actors, wanted = meta.get("actors"), budgets["c_os"].get("actors_wanted", 0)
    if isinstance(actors, int) and actors < wanted:
        sentences.append(f"C_OS: {actors} actors alive at once, wanted {wanted}")
    return sentences


def missed_image(budgets, kernel):
    """The same for the size of the nucleus."""
    image = elf.Elf(kernel)
    missed = []
    limit = budgets["image"]["bytes_max"]
    if image.image_bytes() > limit:
        missed.append(f"nucleus image: {image.image_bytes():,} bytes, budget {limit:,}")
    limit = budgets["boot"]["bytes_max"]
    if image.bss_bytes() > limit:
        missed.append(f"nucleus bss: {image.bss_bytes():,} bytes, budget {limit:,}")
    return missed


def missed_boot(budgets, instructions, meta):
    """And for what booting costs: instructions up to the first user one, memory taken by then."""
    missed = []
    limit = budgets["boot"]["instructions_max"]
    if instructions is None:
        missed.append("boot: the guest emitted no first-user marker")
    elif instructions > limit:
        missed.append(f"boot: {instructions:,} instructions, budget {limit:,}")
    taken, limit = meta.get("boot_bytes"), budgets["boot"]["bytes_max"]
    if not isinstance(taken, int) or taken <= 0:
        missed.append("boot: the guest did not say how much memory it took")
    elif taken > limit:
        missed.append(f"boot: bss and allocations of {taken:,} bytes, budget {limit:,}")
    return missed
