"""How answers are laid out."""

import re

LONGEST_CELL = 60
LONGEST_ARGUMENT = 40
NUMBER = re.compile(r"-?[0-9][0-9,.]*(?: s)?$|0x[0-9a-f]+$|$")


def table(headers, rows):
    """Lines of columns as wide as they need be; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    right = [all(NUMBER.match(row[i]) for row in cells) for i in range(len(headers))]
    widths = [max(len(line[i]) for line in [headers, *cells]) for i in range(len(headers))]
    lines = []
    for line in [headers, *cells]:
        parts = [cell.rjust(width) if to_right else cell.ljust(width)
                 for cell, width, to_right in zip(line, widths, right)]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def plain(function):
    """A function's name as linked, demangled, without return type, parameters and long template arguments."""
    name = function.replace("(anonymous namespace)", "{anonymous}").replace("operator()", "operator{}")
    text, depths = "", {"<": 0, "(": 0}
    argument = ""  # of the outermost template argument list that is open
    for i, letter in enumerate(name):
        opens = letter == "<" and not text.endswith("operator")
        closes = letter == ">" and depths["<"] > 0 and name[i - 1] != "-"
        if letter == "(" or letter == ")":
            depths["("] += 1 if letter == "(" else -1
        elif depths["("] == 0:
            depths["<"] += opens - closes
            if depths["<"] or closes:
                argument += letter
            else:
                text += letter
        if closes and depths["<"] == 0 and depths["("] == 0:
            text += argument if len(argument) <= LONGEST_ARGUMENT else "<…>"
            argument = ""
    words = text.removesuffix(" const").split(" ")
    return words[-1].replace("{anonymous}", "(anonymous namespace)").replace("operator{}", "operator()")


def short(function):
    """The same for a table: also without the namespaces that everything is in."""
    name = plain(function).replace("(anonymous namespace)::", "").replace("chorale::", "")
    return name if len(name) <= LONGEST_CELL else name[:LONGEST_CELL - 1] + "…"


def listed(words, none="-"):
    return " ".join(words) or none


def cpu_set(mask):
    """Bits as numbers and ranges: 0-3,6."""
    parts, cpu = [], 0
    while mask >> cpu:
        first = cpu
        while mask >> cpu & 1:
            cpu += 1
        if cpu > first:
            parts.append(str(first) if cpu == first + 1 else f"{first}-{cpu - 1}")
        cpu += 1
    return ",".join(parts) or "-"
