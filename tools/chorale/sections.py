"""The page's sections on the target machines: instructions, scaling, distributions of times.

Every statement is computed from the figures.
"""

import itertools

from chorale import chart, report
from chorale.chart import escape, number
from chorale.figures import pairs_of, total_of
from chorale.markup import NOT_MEASURED, body_size, by_machine, figure, label_of, run_link, section, table

PART_NAMES = {"nucleus": "nucleus", "user": "user programs", "firmware": "firmware (machine mode)"}
SMALL, BODY_AXIS = 600, 256  # instructions that share the first chart; bytes of bodies that are not in it
SERIES = ("series-a", "series-b")  # of the machines in turn


def parts_of(result):
    """(class, amount, tooltip) of each part; a result that was not split is shown whole as the nucleus's."""
    return [(part, result[part], f"{label_of(result['name'])}: {number(result[part])} {part}")
            for part in report.PARTS if result.get(part)]


def sum_text(result):
    amounts = [number(amount) for _, amount, _ in parts_of(result)]
    total = number(sum_of(result))
    return f"{' + '.join(amounts)} = {total}" if len(amounts) > 1 else total


def sum_of(result):
    parts = [result[part] for part in report.PARTS if part in result]
    return round(sum(parts), 3) if parts else total_of(result)


def marks_of(budget, name):
    return [(f"of-{part}", budget[f"{part}_max"], f"{label_of(name)}: budget of {budget[f'{part}_max']:,} "
             + ("in all" if part == "total" else f"for the {part}"))
            for part in ("nucleus", "total") if f"{part}_max" in budget]


def budget_text(budget):
    return ", ".join(f"{part} {number(budget[f'{part}_max'])}" for part in (*report.PARTS, "total")
                     if f"{part}_max" in budget) or ("–", "none")


class Sections:
    def __init__(self, figures, budgets):
        self.figures, self.budgets = figures, budgets
        self.machines = figures.architectures()

    def budget(self, architecture, name):
        return self.budgets.get(architecture, {}).get("results", {}).get(name, {})

    def counted(self, architecture, name):
        return self.figures.get(self.figures.counted, architecture, name)

    # Instructions.

    def instructions(self):
        names = self.figures.names(self.figures.counted)
        if not names:
            return section("Instructions per operation", "Not measured.")
        plain = [name for name in names if not pairs_of(name) and body_size(name) < BODY_AXIS]
        dearest = {name: max(sum_of(result) for (_, one), (result, _) in self.figures.counted.items()
                             if one == name) for name in plain}
        group = {name: report.group_of(name) for name in plain}
        cheap = [name for name in plain if group[name] == "same" and dearest[name] <= SMALL]
        charts = [("On one CPU", cheap),
                  ("Dearer, and across CPUs", [name for name in plain if group[name] and name not in cheap]),
                  ("Others", [name for name in plain if not group[name]])]
        panels = "".join(self.bars(title, chosen) for title, chosen in charts if chosen)
        return section(
            "Instructions per operation",
            "Counted, not timed. An instruction belongs to the nucleus, to user programs or to the firmware "
            "by its address; what is shown is the median of the rounds. Across CPUs, the instructions of "
            "both are added, and it takes a few more or less as one finds the other.",
            LEGEND, panels, self.bodies(), self.instruction_table(names))

    def bars(self, title, names):
        """One panel for each machine, on the same axis."""
        marks = [place for one in self.machines for name in names
                 for _, place, _ in marks_of(self.budget(one, name), name)]
        sums = [sum_of(result) for (_, name), (result, _) in self.figures.counted.items() if name in names]
        panels = []
        for one in self.machines:
            rows, runs = [], []
            for name in names:
                result, run = self.counted(one, name)
                runs.append(run)
                over = bool(result and report.missed_results(self.budgets_of(one), [result]))
                value = sum_text(result) + (" over budget" if over else "") if result else "not measured"
                rows.append({"label": label_of(name), "value": value, "over": over,
                             "parts": parts_of(result) if result else [],
                             "marks": marks_of(self.budget(one, name), name) if result else []})
            drawing = chart.stacked_bars(f"{title}, {one}: instructions per operation", rows, "instructions",
                                         max(sums + marks))
            panels.append(figure(f"{title}: {one}", "", drawing, runs))
        return f'<div class="panels">{"".join(panels)}</div>'

    def budgets_of(self, architecture):
        return {"results": self.budgets.get(architecture, {}).get("results", {})}

    def bodies(self):
        series, runs = [], []
        for one, class_ in zip(self.machines, itertools.cycle(SERIES)):
            found = {body_size(name): self.counted(one, name) for name in self.figures.names(
                self.figures.counted) if body_size(name) and self.counted(one, name)[0]}
            if len(found) > 1:
                series.append((one, class_, [(size, sum_of(found[size][0])) for size in sorted(found)]))
                runs += [run for _, run in found.values()]
        if not series:
            return ""
        slopes = [f"{(points[-1][1] - points[-2][1]) / (points[-1][0] - points[-2][0]):.2f} on {one}"
                  for one, _, points in series]
        message = (f"Between the two largest, an added byte, there and back, costs instructions: "
                   f"{', '.join(slopes)}.")
        drawing = chart.lines("Instructions of a call and reply by the size of the body", series,
                              "bytes each way (logarithmic)", "instructions (logarithmic)", log=True)
        sizes = sorted({size for _, _, points in series for size, _ in points})
        rows = [[number(size), *(number(dict(points).get(size)) for _, _, points in series)]
                for size in sizes]
        numbers = table("Instructions of a call and reply with a body",
                        [("bytes each way", "words"), *((one, "") for one, _, _ in series)], rows)
        return (f'<div class="panels">{figure("Messages with a body", message, drawing, runs)}'
                f"<div>{numbers}</div></div>")

    def instruction_table(self, names):
        def cells(result, run, one):
            if not result:
                return [NOT_MEASURED, *[""] * 8]
            over = report.missed_results(self.budgets_of(one), [result])
            budget = budget_text(self.budget(one, result["name"]))
            return [*(number(result.get(part, 0)) for part in report.PARTS),
                    *(number(result[key]) for key in ("min", "median", "max", "n")),
                    (f"{budget}: over", "over") if over else budget, run_link(run)]
        titles = ["nucleus", "user", "firmware", "min", "median", "max", "rounds", "budget", "run"]
        return self._by_machine("Instructions: median of the rounds, split by whose they are", names,
                               self.figures.counted, titles, cells)

    def _by_machine(self, caption, names, measured, titles, cells):
        return by_machine(caption, names, self.machines, titles,
                          lambda one, name: cells(*self.figures.get(measured, one, name), one))

    # Scaling.

    def scaling(self):
        series, runs, said = [], [], []
        for one, class_ in zip(self.machines, itertools.cycle(SERIES)):
            points = self.figures.scaling(one)
            if len(points) > 1:
                series.append((one, class_, points))
                runs += [run for (machine, name), (_, run) in self.figures.counted.items()
                         if machine == one and pairs_of(name)]
                said.append(f"{one} {points[-1][1] - points[0][1]:+,g} from {points[0][0]} to "
                            f"{points[-1][0]} pairs")
        text = ("Each CPU has a client and a server that call each other as fast as they can. Counted are "
                "the instructions of one round trip on one CPU while all the others do the same: a shared "
                "lock or a retry would show as growth. Cache misses and waiting for memory do not show in "
                "instructions.")
        if not series:
            return section("Scaling by CPUs", text, "<p>Not measured.</p>")
        drawing = chart.lines("Instructions per round trip by the number of pairs, one on each CPU", series,
                              "pairs, one on each CPU", "instructions per round trip")
        by_pairs = {one: dict(self.figures.scaling(one)) for one in self.machines}
        rows = [[number(pairs), *(number(by_pairs[one].get(pairs)) for one in self.machines)]
                for pairs in sorted(set().union(*by_pairs.values()))]
        columns = [("pairs", "words"), *((one, "") for one in self.machines)]
        numbers = table("Instructions per round trip", columns, rows)
        return section("Scaling by CPUs", text, '<div class="panels">',
                       figure("Instructions per round trip", f"Growth: {'; '.join(said)}.", drawing, runs),
                       f"<div>{numbers}</div></div>")

    # Times.

    def times(self):
        names = self.figures.names(self.figures.timed)
        text = ("Each row shows how the rounds of one result spread around their median, to its own height. "
                "99 % of the rounds lie left of the red stroke, 99.9 % left of the thin one; an arrow says "
                "that some lie farther out. Beside it, the median in ticks of the machine's own counter (the "
                "two are different units and do not compare) and where 99.9 % of the rounds end.")
        if not names:
            return section("Latency distributions", text, "<p>Not measured.</p>")
        panels = "".join(self.distribution(one, names) for one in self.machines)

        def cells(result, run, _):
            if not result:
                return [NOT_MEASURED, *[""] * 7]
            return [*(number(result.get(key)) for key in ("min", "median", "p90", "p99", "p999", "max", "n")),
                    run_link(run)]
        titles = ["min", "median", "90 %", "99 %", "99.9 %", "max", "rounds", "run"]
        return section("Latency distributions", text, f'<div class="panels">{panels}</div>',
                       self._by_machine(f"Times in ticks ({self.counters()})", names, self.figures.timed,
                                        titles, cells))

    def counters(self):
        runs = {run.number: run for _, run in self.figures.timed.values()}.values()
        return "; ".join(dict.fromkeys(f"{run.arch}: {run.counter}, " + (
            "under an emulator" if run.emulated else "on hardware") for run in runs))

    def distribution(self, architecture, names):
        found = [self.figures.get(self.figures.timed, architecture, name) for name in names]
        if not any(result for result, _ in found):
            return figure(architecture, "Not measured.", "", [])
        rows, runs = zip(*((distribution_row(result), run) for result, run in found if result))
        run = runs[0]
        emulated = any(one.emulated for one in runs)
        message = ("Times of the emulator, on its host as busy as it was then: not a machine's."
                   if emulated else f"Measured on hardware: {run.facts['machine']}.")
        drawing = chart.distributions(f"Distribution of times on {architecture}", rows,
                                      f"multiples of the median (ticks of {run.counter}), logarithmic")
        return figure(architecture, message, drawing, runs, "emulated times" if emulated else "")


def distribution_row(result):
    """Scaled by the median, from which a clock that is too coarse leaves nothing."""
    label, median = label_of(result["name"]), result["median"]
    histogram = result.get("histogram", []) if median else []
    quantiles = [(result[key] / median, class_, f"{label}: {what} {number(result[key])}")
                 for class_, key, what in (("tail", "p99", "99 %"), ("far-tail", "p999", "99.9 %"))
                 if key in result and histogram]
    value = number(median)
    if median and "p999" in result:
        value += f" · 99.9 % ≤ {number(result['p999'] / median)}×"
    return {"label": label, "value": value if histogram else f"{value}, no histogram",
            "histogram": [(first / median, (last + 1) / median, count) for first, last, count in histogram],
            "quantiles": quantiles,
            "title": f"{label}: {number(result['min'])} to {number(result['max'])}, {result['n']:,} rounds"}


LEGEND = ('<ul class="legend">' + "".join(
    '<li><svg viewBox="0 0 14 14" aria-hidden="true">'
    f'<rect x="1" y="2" width="12" height="10" class="{part}"/></svg>{escape(name)}</li>'
    for part, name in PART_NAMES.items()) + "".join(
    '<li><svg viewBox="0 0 14 14" aria-hidden="true">'
    f'<path class="mark {class_}" d="M7 13V3M3.5 1h7l-3.5 5z"/></svg>{name}</li>'
    for class_, name in (("of-nucleus", "budget of the nucleus"), ("of-total", "budget in all"))) + "</ul>")
