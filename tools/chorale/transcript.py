"""Reads what a guest says on its serial line.

Text is for people; lines that start with `@` are for this program: `@meta {..}`, `@json {..}`,
`@test suite.name ok|FAIL detail`, `@done pass|FAIL`, `@panic` up to `@endpanic`.
Invariant: whatever the guest sends, a line is either understood or recorded in `errors`.
"""

import json
import re

TEST_LINE = re.compile(r"@test (\S+) (ok|FAIL)(?: (.*))?$")
RESULT_KEYS = {"name": str, "unit": str, "min": (int, float), "median": (int, float), "p99": (int, float),
               "max": (int, float), "n": int}


class Transcript:
    def __init__(self):
        self.meta = {}
        self.results = []
        self.tests = []  # (name, passed, detail)
        self.verdicts = []  # True for each `@done pass`
        self.panic = []  # lines of the first panic report
        self.errors = []
        self._in_panic = False

    def feed(self, line):
        """Takes one line, without its end. Returns its kind: text, meta, json, test, done, panic or error."""
        if self._in_panic or line.startswith("@panic"):
            return self._panic_line(line)
        if not line.startswith("@"):
            return "text"
        word, _, rest = line.partition(" ")
        if word == "@test":
            return self._test(line)
        if word == "@done" and rest.strip() in ("pass", "FAIL"):
            self.verdicts.append(rest.strip() == "pass")
            return "done"
        if word in ("@json", "@meta"):
            return self._document(word, rest)
        return self._error(f"line not understood: {line[:120]}")

    def panicked(self):
        return bool(self.panic)

    def passed(self):
        """The guest's own word: it said `@done pass`, and nothing failed."""
        return (bool(self.verdicts) and all(self.verdicts) and not self.panic and not self.errors
                and all(passed for _, passed, _ in self.tests))

    def _panic_line(self, line):
        self._in_panic = not line.startswith("@endpanic")
        self.panic.append(line)
        return "panic"

    def _test(self, line):
        match = TEST_LINE.match(line)
        if not match:
            return self._error(f"test line not understood: {line[:120]}")
        self.tests.append((match.group(1), match.group(2) == "ok", match.group(3) or ""))
        return "test"

    def _document(self, word, text):
        try:
            document = json.loads(text)
        except ValueError as error:
            return self._error(f"{word} is not JSON ({error}): {text[:80]}")
        if not isinstance(document, dict):
            return self._error(f"{word} is not an object: {text[:80]}")
        if word == "@meta":
            self.meta.update(document)
            return "meta"
        pieces = document.get("results", [document])
        if not isinstance(pieces, list):
            return self._error("@json: results is not a list")
        for piece in pieces:
            problem = result_problem(piece)
            if problem:
                return self._error(f"@json: {problem}")
            self.results.append(piece)
        return "json"

    def _error(self, message):
        self.errors.append(message)
        return "error"


def result_problem(result):
    """What is wrong with a result of the guest, or None."""
    if not isinstance(result, dict):
        return "a result is not an object"
    for key, kind in RESULT_KEYS.items():
        value = result.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            return f"result {result.get('name', '?')}: {key} is missing or of the wrong type"
    return None
