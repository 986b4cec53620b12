"""ktrace's views of random records: whatever they say, the files are good ones."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from chorale import trace_events  # noqa: E402

PROGRAM = os.environ.get("CHORALE_KTRACE_RANDOM", "")
NO_LIMIT = 1 << 30
SEEDS = 25


def random_trace(manner, view, seed, records=3000, cpus=3, limit=NO_LIMIT):
    words = [PROGRAM, manner, view, seed, records, cpus, limit]
    done = subprocess.run([str(word) for word in words], capture_output=True, timeout=120, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace")[-3000:]
        raise AssertionError(f"{words}: status {done.returncode}\n{said}")
    return done.stdout.decode("ascii")


class RandomTest(unittest.TestCase):
    def test_plausible_traces(self):
        flows = messages = 0
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                document = trace_events.check_text(random_trace("plausible", "events", seed))
                facts = trace_events.Facts(document)
                flows += facts.flows
                messages += sum(row[3] for row in facts.rows())
        self.assertGreater(messages, 100)
        self.assertGreater(flows, 100)

    def test_hostile_traces(self):
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                trace_events.check_text(random_trace("hostile", "events", seed))

    def test_files_that_are_full(self):
        for manner in ("plausible", "hostile"):
            for limit in (1000, 70000, 100000, 150000):
                with self.subTest(manner=manner, limit=limit):
                    text = random_trace(manner, "events", limit, 20000, 2, limit)
                    trace_events.check_text(text)
                    self.assertIn("the file is full", text)
                    self.assertLessEqual(len(text), max(limit, 40000))

    def test_lines_are_json(self):
        for manner in ("plausible", "hostile"):
            for seed in range(5):
                for line in random_trace(manner, "lines", seed).splitlines():
                    facts = json.loads(line)
                    self.assertIn("event", facts)
                    self.assertGreaterEqual(facts["time_ns"], 0)

    def test_text_and_summaries_are_for_terminals(self):
        for manner in ("plausible", "hostile"):
            for view in ("text", "summary"):
                for seed in range(5):
                    text = random_trace(manner, view, seed)
                    self.assertRegex(text, r"\A[ -~\n]+\Z")
        self.assertIn("sent #1 to 0000000000000001:0000000000000002",
                      random_trace("plausible", "text", 1, 200))


if __name__ == "__main__":
    unittest.main()
