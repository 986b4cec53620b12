"""Charts as inline SVG: text in, text out, nothing loaded. Colours are classes of the page's style sheet.

Each chart is as wide as a phone and grows with its column. Its exact numbers stand beside the marks and, with
more of them, in the page's table; `<title>` elements are the tooltips.
"""

import html
import math
import re

WIDTH = 400
ROW_CHARACTERS = 54  # of a row's label and figure together, in the widest usual font
MARGIN = 8
AXIS_HEIGHT = 38
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text):
    """Any text as text of XML and HTML: markup becomes harmless, what XML forbids is replaced."""
    return html.escape(NOT_XML.sub("\ufffd", str(text)), quote=True)


def number(value):
    """As people read it: 12,345 or 12.3."""
    if value is None:
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2g}" if abs(value) < 1 else f"{value:,.2f}"


def short(value):
    """For axes: 20k, 1.5M."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:g}{letter}"
    return f"{value:g}"


class Linear:
    """From 0 up to the first round number that is not below `high`."""

    def __init__(self, high, left=MARGIN, right=WIDTH - MARGIN):
        high = max(high, 1e-6)
        power = 10 ** math.floor(math.log10(high))
        step = next(step * power for step in (0.25, 0.5, 1, 2, 2.5) if step * power * 5 >= high)
        self.high = math.ceil(high / step - 1e-9) * step
        self.ticks = [step * i for i in range(round(self.high / step) + 1)]
        self._left, self._length = left, right - left

    def __call__(self, value):
        return self._left + value / self.high * self._length


class Log:
    """From `low` to `high`, which are above 0, and a little beyond."""

    def __init__(self, low, high, left=MARGIN, right=WIDTH - MARGIN):
        self._low, self._high = math.log10(low) - 0.04, math.log10(max(high, low * 2)) + 0.04
        decades = range(math.floor(self._low), math.ceil(self._high) + 1)
        for steps in ((1,), (1, 3), (1, 2, 5)):
            self.ticks = [step * 10.0 ** decade for decade in decades for step in steps
                          if self._low <= math.log10(step * 10.0 ** decade) <= self._high]
            if len(self.ticks) > 2:
                break
        self.ticks = self.ticks[::-(-len(self.ticks) // 8)]
        self._left, self._length = left, right - left

    def __call__(self, value):
        place = (math.log10(value) - self._low) / (self._high - self._low) if value > 0 else 0.0
        return self._left + min(max(place, 0.0), 1.0) * self._length


class Svg:
    """A drawing that grows downwards; `label` is what it shows in a sentence, for those who hear it."""

    def __init__(self, label, description):
        self._label, self._description = label, description
        self._parts = []
        self.height = 0

    def add(self, tag, text=None, title=None, **attributes):
        written = "".join(f' {name.rstrip("_").replace("_", "-")}="{self._value(value)}"'
                          for name, value in attributes.items() if value is not None)
        # Between tags white space would be text.
        inside = (f"<title>{escape(title)}</title>" if title else "") + (escape(text) if text else "")
        self._parts.append(f"<{tag}{written}>{inside}</{tag}>" if inside else f"<{tag}{written}/>")

    def text(self, x, y, text, class_="label", anchor=None):
        self.add("text", text, x=x, y=y, class_=class_, text_anchor=anchor)

    def line(self, x1, y1, x2, y2, class_, title=None):
        self.add("line", title=title, x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)

    @staticmethod
    def _value(value):
        return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else escape(value)

    def axis(self, scale, top, unit, form=short):
        """Vertical grid lines from `top` to here, their numbers and the unit below."""
        for tick in scale.ticks:
            x = scale(tick)
            anchor = "start" if x < MARGIN + 4 else "end" if x > WIDTH - MARGIN - 4 else "middle"
            self.line(x, top, x, self.height, "grid")
            self.text(x, self.height + 14, form(tick), "tick", anchor)
        self.text(MARGIN, self.height + 31, unit, "unit")
        self.height += AXIS_HEIGHT

    def finish(self):
        return (f'<svg class="chart" viewBox="0 0 {WIDTH} {math.ceil(self.height)}" role="img" '
                f'aria-label="{escape(self._label)}"><desc>{escape(self._description)}</desc>'
                + "".join(self._parts) + "</svg>")

    def row_label(self, label, value, value_class="value"):
        """A row's first line: what it is to the left, its figure to the right."""
        room = ROW_CHARACTERS - len(value)
        if len(label) > room:
            self.add("text", label[:max(room - 1, 4)] + "…", label, x=MARGIN, y=self.height + 12,
                     class_="label")
        else:
            self.text(MARGIN, self.height + 12, label)
        self.text(WIDTH - MARGIN, self.height + 12, value, value_class, "end")


def sentence(rows):
    return "; ".join(f"{row['label']}: {row['value']}" for row in rows)


def stacked_bars(label, rows, unit, high):
    """Rows of {label, value, parts: [(class, amount, title)], marks: [(class, at, title)], over}; one without
    parts says by its value why."""
    svg = Svg(label, sentence(rows))
    scale = Linear(high)
    grid = Svg(label, "")  # behind the bars
    grid.height = svg.height = 4
    top, row_height, bar = svg.height, 38, 13
    grid.height += row_height * len(rows)
    grid.axis(scale, top, unit)
    for row in rows:
        svg.row_label(row["label"], row["value"], "value over" if row.get("over") else "value")
        y, at = svg.height + 17, 0
        for class_, amount, title in row["parts"]:
            begin, end = scale(at), scale(at + amount)
            svg.add("rect", title=title, x=begin, y=y, width=max(end - begin, 0.5), height=bar,
                    class_=f"bar {class_}")
            at += amount
        for class_, place, title in row["marks"]:
            x = scale(place)
            svg.add("path", title=title, class_=f"mark {class_}",
                    d=f"M{x:.1f} {y + bar + 2}V{y - 1}M{x - 3.5:.1f} {y - 3}h7l-3.5 5z")
        svg.height += row_height
    return join(grid, svg)


def join(behind, front):
    """One drawing of two that share their height."""
    front._parts = behind._parts + front._parts  # pylint: disable=protected-access
    front.height = max(behind.height, front.height)
    return front.finish()


BULK = (0.5, 8)  # multiples of the median; what lies farther out is told by an arrow and by figures


def distributions(label, rows, unit):
    """Rows of {label, value, histogram: [(begin, end, count)], quantiles: [(at, class, title)], title}, in
    multiples of the median: one histogram each on one logarithmic axis, each to its own height."""
    svg, grid = Svg(label, sentence(rows)), Svg(label, "")
    scale = Log(*BULK)
    grid.height = svg.height = 4
    top, row_height, tall = svg.height, 56, 28
    grid.height += row_height * len(rows)
    grid.axis(scale, top, unit, lambda tick: f"{tick:g}×")
    for row in rows:
        svg.row_label(row["label"], row["value"])
        base = svg.height + 17 + tall
        if row["histogram"]:
            draw_histogram(svg, scale, row, base, tall)
            svg.line(scale(1), base, scale(1), base + 7, "median", "the median")
        for at, class_, title in row["quantiles"]:
            if BULK[0] <= at <= BULK[1]:
                svg.line(scale(at), base - 6, scale(at), base + 7, class_, title)
        svg.height += row_height
    return join(grid, svg)


def draw_histogram(svg, scale, row, base, tall):
    """Height is density along the axis; a bucket that holds anything is at least a hairline high."""
    inside = [(max(begin, BULK[0]), min(end, BULK[1]), count * (min(end, BULK[1]) - max(begin, BULK[0])) /
               (end - begin)) for begin, end, count in row["histogram"] if begin < BULK[1] and end > BULK[0]]
    bars = [(scale(begin), max(scale(end), scale(begin) + 0.6), count) for begin, end, count in inside]
    bars = [(begin, end, count / (end - begin)) for begin, end, count in bars]
    peak = max(density for _, _, density in bars)
    shape = "".join(f"M{begin:.1f} {base}V{base - max(density / peak * tall, 1):.1f}H{end:.1f}V{base}Z"
                    for begin, end, density in bars)
    least, most = row["histogram"][0][0], row["histogram"][-1][1]
    svg.line(bars[0][0], base, bars[-1][1], base, "whisker")
    svg.add("path", title=row["title"], d=shape, class_="histogram")
    for beyond, x, way in ((least < BULK[0], MARGIN, 1), (most > BULK[1], WIDTH - MARGIN, -1)):
        if beyond:
            svg.add("path", title=row["title"], class_="arrow",
                    d=f"M{x} {base}l{6 * way} -4v8zM{x} {base}h{14 * way}")


def place_points(series, log_x, log_y, left, right, bottom, rise):
    """The axes of a line chart: (x scale or places by rank, y scale)."""
    xs = sorted({x for _, _, points in series for x, _ in points})
    ys = [y for _, _, points in series for _, y in points]
    if log_x:
        across = Log(xs[0], xs[-1], left, right)
    else:
        step = (right - left) / max(len(xs) - 1, 1)
        ranks = {x: left + i * step for i, x in enumerate(xs)}
        across = ranks.__getitem__
    if log_y:
        up = Log(max(min(ys), 1) / 1.8, max(max(ys), 1) * 1.2, bottom, bottom - rise)
    else:
        up = Linear(max(ys), bottom, bottom - rise)
    return xs, across, up


def lines(label, series, x_unit, y_unit, log=False):
    """Series of (name, class, [(x, y)]), dearest on top, all points named by their figures."""
    series = sorted(series, key=lambda one: -sum(y for _, y in one[2]) / len(one[2]))
    svg = Svg(label, "; ".join(f"{name}: " + ", ".join(f"{number(y)} at {number(x)}" for x, y in points)
                               for name, _, points in series))
    left, right, bottom, rise = 44, WIDTH - 82, 206, 170
    xs, across, up = place_points(series, log, log, left + 26, right, bottom, rise)
    svg.text(MARGIN, 14, y_unit, "unit")
    for tick in up.ticks:
        svg.line(left - 6, up(tick), WIDTH - MARGIN, up(tick), "grid")
        svg.text(left - 10, up(tick) + 4, short(tick), "tick", "end")
    for x in xs:
        svg.text(across(x), bottom + 18, number(x), "tick", "middle")
    svg.text((left + right) / 2, bottom + 36, x_unit, "unit", "middle")
    for index, (name, class_, points) in enumerate(series):
        path = "L".join(f"{across(x):.1f} {up(y):.1f}" for x, y in points)
        svg.add("path", d=f"M{path}", class_=f"line {class_}")
        offset = -9 if index == 0 else 18
        for x, y in points:
            point(svg, across(x), up(y), class_, f"{name}, {number(x)}: {number(y)}")
            svg.text(across(x), up(y) + offset, number(y), "value small", "middle")
        svg.text(across(points[-1][0]) + 28, up(points[-1][1]) + 4, name, f"series {class_}")
    svg.height = bottom + 44
    return svg.finish()


def point(svg, x, y, class_, title):
    """The first series is round, the second square: colour is not the only difference."""
    if class_ == "series-b":
        svg.add("rect", title=title, x=x - 4, y=y - 4, width=8, height=8, class_=f"point {class_}")
    else:
        svg.add("circle", title=title, cx=x, cy=y, r=4.5, class_=f"point {class_}")


def ratios(label, rows, unit):
    """Rows of {label, value, ratio, title}: how far each is from 1, the line where both are equal."""
    svg, grid = Svg(label, sentence(rows)), Svg(label, "")
    scale = Linear(max([1.5] + [row["ratio"] for row in rows if row["ratio"] is not None]))
    grid.height = svg.height = 4
    top, row_height = svg.height, 34
    grid.height += row_height * len(rows)
    grid.axis(scale, top, unit, lambda tick: f"{tick:g}×")
    for row in rows:
        svg.row_label(row["label"], row["value"])
        if row["ratio"] is not None:
            y = svg.height + 22
            svg.line(scale(1), y - 5, scale(1), y + 7, "reference", "equal")
            svg.line(scale(1), y, scale(row["ratio"]), y, "stem")
            point(svg, scale(row["ratio"]), y, "series-a", row["title"])
        svg.height += row_height
    return join(grid, svg)


def dots(label, rows, unit, span):
    """Rows of {label, value, at, low, high, title} on a logarithmic axis over `span`, its ends."""
    svg, grid = Svg(label, sentence(rows)), Svg(label, "")
    scale = Log(*span)
    grid.height = svg.height = 4
    top, row_height = svg.height, 32
    grid.height += row_height * len(rows)
    grid.axis(scale, top, unit)
    for row in rows:
        svg.row_label(row["label"], row["value"])
        y = svg.height + 22
        if row["low"] and row["high"]:
            svg.line(scale(row["low"]), y, scale(row["high"]), y, "whisker")
        if row["at"]:
            point(svg, scale(row["at"]), y, "series-a", row["title"])
        svg.height += row_height
    return join(grid, svg)
