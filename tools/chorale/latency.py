"""What the plugin latency.c says: how long interrupts were off, how long wakes took, and which code it was.

A trace is a list of [address, instructions] in the order in which they ran. From it comes a tree of calls:
code that goes on at the beginning of a function was called there, code that goes on in the middle of a
function that is under way returned to it.
"""

import json

from chorale import arch, elf, profile, report
from chorale.errors import Failure

# A path goes on while one callee has at least this part of it, and is worth showing from here on.
MAIN_PART = 0.25
SHOWN = 5


class Node:
    def __init__(self, name):
        self.name, self.own, self.whole, self.callees = name, 0, 0, {}

    def callee(self, name):
        return self.callees.setdefault(name, Node(name))


def call_tree(symbols, pieces):
    """The tree of calls of a trace, its root without a name."""
    root = Node("")
    stack = [(None, root)]
    for address, instructions in pieces:
        start, name = symbols.place(address)
        known = next((i for i in range(len(stack) - 1, 0, -1) if stack[i][0] == start), None)
        if known is not None and (address != start or known == len(stack) - 1):
            del stack[known + 1:]
        else:
            stack.append((start, stack[-1][1].callee(name)))
        stack[-1][1].own += instructions
        for _, node in stack:
            node.whole += instructions
    return root


def heaviest_path(root):
    """[(name, instructions)] from the beginning of a trace to where most of it was spent."""
    path, node = [], root
    while node.callees:
        best = max(node.callees.values(), key=lambda callee: callee.whole)
        if node is not root and best.whole < MAIN_PART * node.whole:
            break
        path.append((best.name, best.whole))
        node = best
    return path


def describe(symbols, event):
    """One line: how long, on which CPU, by which path, where the rest went."""
    root = call_tree(symbols, event["pieces"])
    parts = sorted(root.callees.values(), key=lambda part: part.whole, reverse=True)
    path = " > ".join(f"{name} {whole:,}" for name, whole in heaviest_path(root))
    others = ", ".join(f"{part.name} {part.whole:,}" for part in parts[1:4] if part.whole > 40)
    waits = f", {event['waits']:,} more turns of waiting" if event["waits"] else ""
    waits += f", {event['firmware']:,} more of the firmware" if event["firmware"] else ""
    return f"{event['length']:,} on CPU {event['cpu']}: {path}" + (f"; {others}" if others else "") + waits


def plugin_options(architecture, kernel, out):
    """What the plugin must know of addresses."""
    image = elf.Elf(kernel)
    facts = arch.ARCHITECTURES[architecture]
    low, end = image.code_range()
    words = f",out={out},text={low:#x}-{end:#x}"
    if facts.firmware_base:
        words += f",firmware={facts.firmware_base:#x}-{image.physical_range()[0]:#x}"
    return words


def read(path):
    """The plugin's events by name; those of the longest ones are lists, the longest first."""
    events = {"longest stretch": [], "longest wake": []}
    try:
        with open(path, encoding="ascii") as file:
            for event in map(json.loads, file):
                if event["event"] in ("longest stretch", "longest wake"):
                    events[event["event"]].append(event)
                else:
                    events[event["event"]] = event
    except (OSError, ValueError, KeyError) as error:
        raise Failure(f"the plugin's output is not usable: {error}") from error
    if "exit" not in events:
        raise Failure("the plugin did not finish its output")
    for kind in ("longest stretch", "longest wake"):
        events[kind].sort(key=lambda event: event["length"], reverse=True)
    return events


def longest(architecture, events, kind, count):
    """The longest ones, one line for each way; CPUs differ little."""
    symbols = profile.Symbols(architecture)
    lines, seen = [], set()
    for event in events[f"longest {kind}"]:
        way = tuple(name for name, _ in heaviest_path(call_tree(symbols, event["pieces"])))
        if way in seen:
            continue
        seen.add(way)
        lines.append(describe(symbols, event))
    return lines[:count]


def results(name, events):
    """The plugin's figures as results: of the wakes, and of the stretches with interrupts off."""
    made = []
    for event, known in (("wake", name), ("stretch", name.replace(".wake.", ".masked."))):
        if not events[event]["n"]:
            raise Failure(f"the plugin saw no {event}")
        figures = {key: events[event][key] for key in ("min", "median", "p99", "max", "n")}
        made.append(dict({"name": known, "unit": report.COUNTED_UNIT}, **figures))
    return made


def notes(architecture, name, events):
    """What was longest, a few lines each."""
    said = []
    for kind, title in (("stretch", "interrupts off longest"), ("wake", "longest wakes")):
        lines = longest(architecture, events, kind, SHOWN)
        said += [f"{name}: {title}, in instructions:", *(f"  {line}" for line in lines)]
    return said
