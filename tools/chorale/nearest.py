"""What somebody may have meant whose name is nobody's."""

import difflib
import heapq
import re

SEPARATOR = re.compile(r"::|\.")
ALIKE = 0.7


def nearest(wanted, known, count=3):
    """Those of the known names that have a part like its last one; who is like all of it comes first."""
    wanted = wanted.lower()
    last = SEPARATOR.split(wanted)[-1]

    def likeness(name):
        name = name.lower()
        return max(alike(last, part) for part in SEPARATOR.split(name)), alike(wanted, name)

    best = heapq.nlargest(count, ((*likeness(name), name) for name in set(known)))
    return [name for part, _, name in best if part >= ALIKE]


def alike(one, other):
    return difflib.SequenceMatcher(None, one, other).ratio()


def did_you_mean(wanted, known):
    """A piece of a sentence, or nothing."""
    names = nearest(wanted, known)
    return f", did you mean {' or '.join(names)}?" if names else ""
