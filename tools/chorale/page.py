"""The report as one HTML page that loads nothing: charts, the exact numbers beside them, and for each figure
the command, the day, the commit and the machine that it came from.

Every statement on the page is computed from the figures. What was not measured is named, never filled in.
"""

import json
import re

from chorale import chart, paths, provenance, report
from chorale.chart import escape, number
from chorale.errors import Failure
from chorale.figures import total_of
from chorale.markup import (NOT_MEASURED, Html, command_html, figure, run_link, section, sources_of,
                            table)
from chorale.sections import Sections, sum_of

PEERS = paths.ROOT / "bench" / "peers.json"
STYLE = paths.TOOLS / "chorale" / "page.css"
WHERE = (("commit", "commit"), ("machine", "measured on"), ("emulator", "emulator"))
KNOWN = provenance.KEYS
KINDS = {"counted": "instructions counted", "timed": "times measured", "host": "the host's processor"}


def load_peers():
    """The figures of other systems, each with its source."""
    try:
        peers = json.loads(PEERS.read_text(encoding="utf-8"))
        if peers["schema"] != "chorale-peers/1":
            raise ValueError(f"schema {peers['schema']}")
        used = [peers["counted"]["source"], *(row["source"] for group in peers["published"]
                                              for row in group["rows"])]
        unknown = set(used) - set(peers["sources"])
        if unknown:
            raise ValueError(f"no such source: {', '.join(sorted(unknown))}")
        return peers
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(f"{paths.shown(PEERS)} is not usable: {error}") from error


class Page:
    def __init__(self, figures, peers, budgets, made):
        self.figures, self.peers, self.budgets, self.made = figures, peers, budgets, made
        self.machines = figures.architectures()

    # The head: what a reader takes away, and what he must not look for.

    def tiles(self):
        def counted(name):
            found = {one: self.figures.counted.get((one, name)) for one in self.machines}
            return {one: number(sum_of(pair[0])) if pair else None for one, pair in found.items()}

        growth, kept = {}, {}
        for one in self.machines:
            points = self.figures.scaling(one)
            growth[one] = f"{points[-1][1] - points[0][1]:+,g}" if len(points) > 1 else None
            kept[one] = self.budgets_kept(one)
        most = max((points[-1][0] for points in map(self.figures.scaling, self.machines) if points),
                   default=0)
        w4, halted = "ipc.rt.same_cpu.two_spaces.w4", "ipc.rt.cross_cpu.halted.w4"
        return '<div class="tiles">' + "".join((
            tile("Call and reply between address spaces, 4 words each way", counted(w4), "instructions"),
            tile("The same to another CPU that has halted", counted(halted), "instructions on both CPUs"),
            tile(f"What {most} pairs on {most} CPUs add to one pair's round trip" if most > 1
                 else "What more pairs add to a round trip", growth, "instructions"),
            tile("Budgets kept", kept, "bench/budgets.json"))) + "</div>"

    def budgets_kept(self, architecture):
        """Of those whose result was counted."""
        kept = owed = 0
        for name, budget in self.budgets.get(architecture, {}).get("results", {}).items():
            result, _ = self.figures.get(self.figures.counted, architecture, name)
            if result:
                owed += 1
                kept += not report.missed_results({"results": {name: budget}}, [result])
        return f"{kept} of {owed}" if owed else None

    def missing(self):
        sentences = self.figures.missing()
        if not sentences:
            return ""
        return ('<aside class="missing"><h2>Not measured</h2><ul>'
                + "".join(f"<li>{escape(one)}</li>" for one in sentences) + "</ul></aside>")

    def notes(self):
        items = "".join(f"<li>{escape(note)}</li>" for note in self.figures.notes)
        return f"<h3>Notes</h3><ul>{items}</ul>" if items else ""

    # Booting.

    def boot(self):
        rows = []
        def in_order(items):
            return sorted(items, key=lambda item: (self.machines.index(item[0][0]), item[0][1:]))

        for (one, cpus), (boot, run) in in_order(self.figures.boots.items()):
            budget = self.budgets.get(one, {}).get("boot", {})
            limit = budget.get("instructions_max") if budget.get("cpus") == cpus else None
            rows.append([f"{one}, {number(cpus)} CPU{'s' * (cpus != 1)}: instructions to the first user one",
                         *measured_against(boot["instructions"], limit),
                         number(boot["firmware"]) if boot["firmware"] else ("–", "none"), run_link(run)])
        for (one,), (sizes, run) in in_order(((one,), found) for one, found in self.figures.sizes.items()):
            budget = self.budgets.get(one, {})
            for key, what, limit in (("image", "bytes of the nucleus's image", "image"),
                                     ("bss", "bytes of the nucleus's bss", "boot"),
                                     ("boot", "bytes taken by the end of booting, bss included", "boot")):
                if key in sizes:
                    rows.append([f"{one}: {what}",
                                 *measured_against(sizes[key], budget.get(limit, {}).get("bytes_max")),
                                 ("–", "none"), run_link(run)])
        text = ("From the first instruction of the nucleus to the first of a user program. Waiting counts: "
                "for other CPUs, which start in parallel and so vary it a little, and for time to pass, "
                "which takes another number of instructions on one CPU, where the emulator's clock counts "
                "them.")
        if not rows:
            return section("Booting and size", "Not measured.")
        columns = [("figure", "words"), ("measured", ""), ("budget", ""), ("of it firmware", ""), ("run", "")]
        return section("Booting and size", text, table("What booting costs", columns, rows))

    # The host's processor.

    def host(self):
        text = ("Paths of the nucleus compiled for the host and run on its processor by Google Benchmark: "
                "what the software costs in real time, without traps, changes of address space or "
                "interrupts. These are no times of Chorale on a machine. A dot is the median, the line the "
                "span of the repetitions; all have one axis.")
        if not self.figures.host:
            return section("On the host's processor", text, "<p>Not measured.</p>")
        families = {}
        for row, run in self.figures.host:
            families.setdefault(family_of(row["name"]), []).append((row, run))
        times = [row[key] for row, _ in self.figures.host for key in ("low", "time", "high") if row[key]]
        span = (min(times, default=1), max(times, default=10))
        panels = "".join(self.host_family(family, rows, span) for family, rows in families.items())
        runs = [run for _, run in self.figures.host]
        return section("On the host's processor", text, f'<div class="columns">{panels}</div>',
                       sources_of(runs), self.host_table())

    def host_family(self, family, rows, span):
        points = [{"label": row["name"].removeprefix(family), "value": f"{number(row['time'])} ns",
                   "at": row["time"], "low": row["low"], "high": row["high"],
                   "title": f"{row['name']}: {number(row['time'])} ns, {number(row['low'])} to "
                            f"{number(row['high'])} in {row['repetitions']} repetitions"} for row, _ in rows]
        drawing = chart.dots(f"Host benchmarks {family}", points, "nanoseconds, logarithmic", span)
        return figure(family.strip("./"), "", drawing, [])

    def host_table(self):
        counters = list(dict.fromkeys(key for row, _ in self.figures.host for key in row["counters"]))
        units = {run.facts.get("its unit") for _, run in self.figures.host} - {None}
        # Our own benchmarks say what the counter that they call cycles has really counted.
        names = {"cycles": units.pop()} if len(units) == 1 else {}
        columns = [("benchmark", "words"), ("ns", ""), ("least", ""), ("most", ""), ("repetitions", ""),
                   *((names.get(key, key), "") for key in counters), ("remark", "words"), ("run", "")]
        rows = [[Html(f"<code>{escape(row['name'])}</code>"), number(row["time"]), number(row["low"]),
                 number(row["high"]), number(row["repetitions"]),
                 *(number(row["counters"].get(key)) for key in counters), row["label"], run_link(run)]
                for row, run in self.figures.host]
        return table("Host benchmarks: real time of one operation", columns, rows)

    # Other systems.

    def comparison(self):
        counted = self.peers["counted"]
        peer = counted["peer"]
        text = (f"Only figures of the same unit stand beside each other. {peer} was counted in the same "
                "emulator in the same way, so instructions compare; they say nothing of caches, TLBs and the "
                "price of single instructions. The other figures are here for orientation: Chorale has none "
                "of their kind.")
        panels = "".join(self.ratios(one, counted) for one in self.machines)
        tables = "".join(self.published(group) for group in self.peers["published"])
        return section("Beside other systems", text, f'<div class="panels">{panels}</div>',
                       self.counted_table(counted), tables, self.sources())

    def pairs(self, architecture, counted):
        """(row, ours or None, run, theirs) of each row that the peer was counted for."""
        for row in counted["rows"]:
            theirs = row["peers"].get(architecture)
            if theirs is not None:
                result, run = self.figures.get(self.figures.counted, architecture, row["result"])
                ours = part_of(result, row["part"]) if result else None
                yield row, ours, run, theirs

    def ratios(self, architecture, counted):
        peer, rows, runs = counted["peer"], [], []
        for row, ours, run, theirs in self.pairs(architecture, counted):
            runs.append(run)
            ratio = theirs / ours if ours else None
            value = f"{number(ours)} : {number(theirs)} = {ratio:.1f}×" if ratio else "not measured"
            rows.append({"label": row["label"], "value": value, "ratio": ratio,
                         "title": f"{row['label']}: Chorale {number(ours)}, {peer} {number(theirs)}"})
        if not rows:
            return figure(architecture, f"{peer} was not counted on this machine.", "", [])
        drawing = chart.ratios(f"Instructions of {peer} for each of Chorale's, {architecture}", rows,
                               f"instructions of {peer} for one of Chorale's (right of the line: more)")
        message = f"Instructions, Chorale : {peer} = how many times as many."
        return figure(architecture, message, drawing, runs)

    def counted_table(self, counted):
        peer = counted["peer"]
        rows = []
        for row in counted["rows"]:
            found = [(one, *pair) for one in self.machines for pair in self.pairs(one, {"rows": [row]})]
            for i, (one, _, ours, run, theirs) in enumerate(found):
                together = f"rows-{len(found)}"
                rows.append([(row["label"], together) if i == 0 else None, one,
                             number(ours) if ours is not None else NOT_MEASURED, number(theirs),
                             "nucleus" if row["part"] == "nucleus" else "all",
                             (row.get("note", ""), together) if i == 0 else None, run_link(run)])
        columns = [("operation", "words"), ("machine", "words"), ("Chorale", ""), (peer, ""), ("counted", ""),
                   ("difference in what was measured", "words"), ("run", "")]
        return table(f"Instructions; {peer}'s are from {self.source_name(counted['source'])}", columns, rows)

    def published(self, group):
        columns = [("system", "words"), ("machine", "words"), (group["unit"], ""), ("source", "words")]
        rows = [["Chorale", (group["ours"], "words none"), ("–", "none"), ""]]
        rows += [[row["system"], row["machine"], number(row["value"]), Html(self.source_link(row["source"]))]
                 for row in group["rows"]]
        return table(group["title"], columns, rows)

    def source_name(self, key):
        return f"source {list(self.peers['sources']).index(key) + 1}"

    def source_link(self, key):
        kind = self.peers["sources"][key]["kind"]
        return f'<a href="#source-{escape(key)}">{self.source_name(key)}</a>, {escape(kind)}'

    def sources(self):
        items = "".join(f'<li id="source-{escape(key)}"><b>{escape(source["kind"])}</b>: '
                        f'{escape(source["text"])}</li>' for key, source in self.peers["sources"].items())
        return f"<h3>Sources (bench/peers.json)</h3><ol>{items}</ol>"

    # Where it all comes from.

    def runs(self):
        text = ("A figure's run is named beside it. A count on one CPU comes out the same wherever its "
                "command is repeated on its commit; a time does not.")
        groups = {}
        for run in self.figures.runs:
            where = {title: run.facts.get(key, "") for key, title in WHERE if run.facts.get(key)}
            where |= {title: said for title, said in run.facts.items() if title not in KNOWN}
            groups.setdefault(tuple(where.items()), []).append(run)
        return section("How each figure was made", text,
                       *(run_group(where, runs) for where, runs in groups.items()), self.notes())

    def render(self):
        sections = Sections(self.figures, self.budgets)
        body = "".join((sections.instructions(), sections.scaling(), sections.times(), self.boot(),
                        self.host(), self.comparison(), self.runs()))
        style = STYLE.read_text(encoding="utf-8")
        made = f"{self.made['date']}, commit {self.made['commit']}"
        machines = " and ".join(self.machines)
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            'style-src \'unsafe-inline\'">'
            '<meta name="color-scheme" content="light dark"><title>Chorale: what was measured</title>'
            f"<style>{style}</style></head><body><header><h1>Chorale: what was measured</h1>"
            f'<p class="lead">Messages between protected address spaces on {escape(machines)}. '
            f"Page made {escape(made)}.</p></header><main>{self.tiles()}{self.missing()}{body}</main>"
            f"<footer><p>Made by {command_html(self.made['command'])}. Nothing on this page is loaded "
            "from elsewhere.</p></footer></body></html>\n")


def tile(title, values, unit):
    entries = "".join(f"<div><dt>{escape(one)}</dt><dd{'' if value else ' class=none'}>"
                      f"{escape(value or 'not measured')}</dd></div>" for one, value in values.items())
    return f'<section class="tile"><h3>{escape(title)}</h3><dl>{entries}</dl><p>{escape(unit)}</p></section>'


def measured_against(value, limit):
    """The cells for a figure and its budget."""
    over = limit is not None and value > limit
    return [(number(value), "over" if over else ""),
            (number(limit) + (": over" if over else ""), "") if limit is not None else ("–", "none")]


def part_of(result, part):
    return result.get(part) if part in report.PARTS else total_of(result)


def family_of(name):
    """The beginning that a name shares with its like: host.mailbox. of host.mailbox.send.n8."""
    words = re.split(r"(?<=[./])", name)
    return "".join(words[:2 if words[0] == "host." else 1]) if len(words) > 2 else ""


def run_group(where, runs):
    """The runs that share commit, machine and emulator."""
    facts = "".join(f"<dt>{escape(title)}</dt><dd>{escape(said)}</dd>" for title, said in where)
    columns = [("run", "words short"), ("what", "words"), ("command", "words"), ("date", "words"),
               ("counter", "words")]
    rows = []
    for run in runs:
        what = KINDS[run.kind] + ("" if run.kind == "host" else f", {run.arch}")
        emulated = ' <span class="badge">emulated</span>' if run.kind == "timed" and run.emulated else ""
        rows.append([Html(f'<span id="run-{run.number}">{run.number}</span>'),
                     Html(escape(what) + emulated), command_html(run.facts["command"]),
                     run.facts["date"], run.counter])
    numbers = ", ".join(str(run.number) for run in runs)
    caption = f"Run{'s' * (len(runs) != 1)} {numbers}"
    return f'{table(caption, columns, rows)}<dl class="run">{facts}</dl>'


def render(figures, budgets, made):
    """The page. `budgets` by architecture, `made` the command, day and commit of the page itself."""
    return Page(figures, load_peers(), budgets, made).render()
