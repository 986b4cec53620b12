"""`./chorale trace`: the rules for trace events, the way out of the guest, what the guest is told."""

import argparse
import contextlib
import copy
import io
import json
import pathlib
import tempfile
import unittest
import unittest.mock
import zlib

import support  # noqa: F401  (puts tools/ on the module path)
from chorale import paths, qemu, trace, trace_events
from chorale.errors import Failure, UsageError
from chorale.transfer import Transfer


def metadata(pid, tid, process, thread):
    return [{"ph": "M", "pid": pid, "tid": tid, "name": "process_name", "args": {"name": process}},
            {"ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": {"name": thread}}]


def event(phase, tid, ts, **more):
    return dict({"ph": phase, "pid": 1 if tid < 10 else 2, "tid": tid, "ts": ts}, **more)


# A thread that calls and sends, one that receives, a CPU.
GOOD = [
    *metadata(1, 1, "CPUs", "CPU 0"), *metadata(2, 10, "client", "client/1"),
    *metadata(2, 11, "client", "client/2"),
    event("X", 1, 0.5, dur=3, cat="switch", name="client/1"),
    event("i", 1, 0.5, s="t", name="timer"),
    event("B", 10, 1.0, name="ipcCall", cat="call", args={"bytes": "0x4"}),
    event("X", 10, 1.5, dur=0.25, name="sent #1", cat="message"),
    event("s", 10, 1.5, name="message", cat="message", id=2),
    event("X", 11, 2.0, dur=0, name="received #1", cat="message"),
    event("f", 11, 2.0, name="message", cat="message", id=2, bp="e"),
    event("E", 10, 3.0, args={"result": "4"}),
]
WHERE = {"cpu": 6, "instant": 7, "begin": 8, "sent": 9, "start": 10, "received": 11, "finish": 12, "end": 13}


def text(events, **more):
    return json.dumps(dict({"displayTimeUnit": "ns", "traceEvents": events}, **more))


class RulesTest(unittest.TestCase):
    def test_a_good_trace(self):
        document = trace_events.check_text(text(GOOD))
        facts = trace_events.Facts(document)
        self.assertEqual((facts.events, facts.flows, facts.nanoseconds), (len(GOOD), 1, 3500))
        self.assertEqual(facts.rows(), [("client", 2, 1, 2, 3000)])
        trace_events.check_text(text([]))

    def test_the_order_in_the_file_is_free(self):
        events = GOOD[:6] + sorted(GOOD[6:], key=lambda each: each["ts"], reverse=True)
        # But of those with the same time it counts.
        at = events.index(GOOD[WHERE["start"]])
        events[at - 1:at + 1] = sorted(events[at - 1:at + 1], key=lambda each: each["ph"])
        trace_events.check_text(text(events))

    def broken(self, place, change=None, drop=(), text_of=text, **changes):
        events = copy.deepcopy(GOOD)
        if place is not None:
            events[WHERE[place]].update(changes)
            for key in drop:
                del events[WHERE[place]][key]
        if change:
            change(events)
        with self.assertRaises(trace_events.Invalid) as caught:
            trace_events.check_text(text_of(events))
        return str(caught.exception)

    def test_no_json(self):
        for wrong, hint in (("", "not JSON"), ("[]", "traceEvents"), ("{", "not JSON"),
                            ("3", "traceEvents"),
                            ('{"traceEvents":{}}', "traceEvents"), (text(GOOD)[:-3], "not JSON"),
                            (text(GOOD).replace("0.25", "NaN"), "NaN"),
                            (text([], displayTimeUnit="us"), "displayTimeUnit"),
                            ('{"traceEvents":[],"traceEvents":[]}', "twice")):
            with self.subTest(wrong=wrong[:40]), self.assertRaisesRegex(trace_events.Invalid, hint):
                trace_events.check_text(wrong)

    def test_what_each_event_needs(self):
        for place, changes, hint in (
                ("begin", {"ph": "Q"}, "kind"), ("begin", {"ph": None}, "kind"),
                ("begin", {"pid": "client"}, "pid and tid"), ("begin", {"tid": -1}, "pid and tid"),
                ("begin", {"tid": 1 << 32}, "pid and tid"), ("begin", {"tid": True}, "pid and tid"),
                ("begin", {"ts": -0.1}, "ts is"), ("begin", {"ts": "1"}, "ts is"),
                ("begin", {"name": ""}, "without a name"), ("begin", {"args": []}, "args"),
                ("sent", {"dur": -1}, "dur"), ("sent", {"dur": None}, "dur"),
                ("instant", {"s": "x"}, "scope"), ("start", {"id": 2.5}, "identifier"),
                ("cpu", {"tid": 10}, "of process"), ("cpu", {"pid": 7}, "of process")):
            with self.subTest(place=place, changes=changes):
                self.assertIn(hint, self.broken(place, **changes))
        for place, key, hint in (("begin", "ts", "ts is"), ("sent", "dur", "dur"),
                                 ("begin", "pid", "pid and"), ("finish", "bp", "bp"),
                                 ("start", "id", "identifier")):
            with self.subTest(place=place, key=key):
                self.assertIn(hint, self.broken(place, drop=[key]))
        self.assertIn("no object", self.broken(None, lambda events: events.append(3)))

    def test_names(self):
        self.assertIn("thread 11 has no name", self.broken(None, lambda events: events.pop(5)))
        self.assertIn("process 2 has no name",
                      self.broken(None, lambda events: [events.pop(4), events.pop(2)]))
        self.assertIn("process_name needs", self.broken(None, lambda events: events[0].pop("args")))
        self.assertIn("thread_name needs",
                      self.broken(None, lambda events: events[1]["args"].update(name=4)))
        self.assertIn("metadata", self.broken(None, lambda events: events[1].update(name="colour")))

    def test_slices_nest(self):
        self.assertIn("no end", self.broken(None, lambda events: events.pop()))
        self.assertIn("none is open", self.broken(None, lambda events: events.append(event("E", 10, 4))))
        self.assertIn("none is open", self.broken(None, lambda events: events.append(event("E", 11, 0.1))))
        self.assertIn("ends inside 'sent #1'", self.broken("sent", dur=2))
        self.assertIn("another slice", self.broken("end", name="ipcSend"))
        self.assertIn("behind the end of 'client/1'",
                      self.broken(None, lambda events: events.append(event("X", 1, 2, dur=2, name="other"))))
        # One after the other, at the same time, is well.
        trace_events.check_text(text(GOOD + [event("X", 1, 3.5, dur=2, name="other")]))
        deep = [event("B", 10, 4 + i, name="b") for i in range(600)]
        deep += [event("E", 10, 2000 + i) for i in range(600)]
        self.assertIn("512", self.broken(None, lambda events: events.extend(deep)))

    def test_flows_begin_and_end_in_slices(self):
        self.assertIn("outside", self.broken("start", ts=0.9))
        self.assertIn("outside", self.broken("finish", ts=2.1))
        self.assertIn("has not begun", self.broken("finish", id=3))
        self.assertIn("has not begun", self.broken("start", ts=2.5))
        self.assertIn("another name", self.broken("finish", name="reply"))
        self.assertIn("another cat", self.broken("finish", cat="other"))
        self.assertIn("used again", self.broken(None, lambda events: events.insert(11, events[10])))
        self.assertIn("ends twice", self.broken(None, lambda events: events.insert(13, events[12])))
        # At the same time as its slice, but before it in the file.
        self.assertIn("outside", self.broken(None, lambda events: events.insert(11, events.pop(12))))


def sent(lines):
    """As ktrace --send prints them."""
    printed = []
    for number, line in enumerate(lines):
        printed.append(f"=ktrace= {number} {zlib.crc32(f'{number} {line}'.encode()):08x} {line}")
    end = f"end {len(lines)}"
    return [*printed, f"=ktrace= {end} {zlib.crc32(end.encode()):08x}"]


class TransferTest(unittest.TestCase):
    def test_whole(self):
        transfer = Transfer()
        ends = [transfer.feed(line) for line in sent(["{", "", " a  b"])]
        self.assertEqual(ends, [False, False, False, True])
        self.assertTrue(transfer.complete())
        self.assertEqual(transfer.text(), "{\n\n a  b\n")

    def test_what_is_damaged_is_asked_for_again(self):
        transfer = Transfer()
        one, two, three, end = sent(["one", "two", "three"])
        self.assertFalse(transfer.complete())
        for line in ("net: up", "console: " + one, two.replace("two", "twx"), three[:12], end):
            transfer.feed(line)
        self.assertEqual(transfer.missing(), [1, 2])
        for line in (two, three):
            transfer.feed(line)
        self.assertTrue(transfer.complete())
        self.assertEqual(transfer.text(), "one\ntwo\nthree\n")

    def test_an_end_that_is_damaged_is_an_end(self):
        transfer = Transfer()
        self.assertTrue(transfer.feed(sent(["x"])[-1].replace("1 ", "2 ")))
        self.assertFalse(transfer.complete())


def options(**given):
    made = {"command": [], "text": False, "output": None, "actor": [], "events": None, "buffer": None,
            "limit": 32, "program": [], "before": []}
    made.update(given)
    return argparse.Namespace(**made)


class GuestTest(unittest.TestCase):
    def test_what_it_is_told(self):
        self.assertEqual(trace.start_file(options()).splitlines(), [
            trace.SERVER, "sleep 1", "echo =ktrace= begin",
            "ktrace --output /tmp/trace.json --limit 32 ipcping --count 20 0004800000000001:0000000000000007 "
            "< /dev/null",
            "echo =ktrace= status $?", "ktrace --send /tmp/trace.json", "echo =ktrace= sent $?"])
        told = trace.start_file(options(command=["hello", "a b", "it's", "$x", ""], text=True, actor=["x y"],
                                        events="calls", buffer=64, before=["umask 0"]))
        self.assertEqual(told.splitlines(), [
            "umask 0", "echo =ktrace= begin",
            "ktrace --actor 'x y' --events calls --buffer 64 hello 'a b' 'it'\\''s' '$x' '' < /dev/null",
            "echo =ktrace= status $?"])

    def test_usage(self):
        trace.check_usage(options(command=["hello", "a b"]))
        for wrong in ({"command": ["a\nb"]}, {"before": ["a\x7f"]}, {"program": ["x y"]},
                      {"program": ["a'b"]}):
            with self.subTest(wrong=wrong), self.assertRaises(UsageError):
                trace.check_usage(options(**wrong))

    def test_its_bank(self):
        entry = trace.make_bank.entry
        console = (entry(1, 0o100755, "C_OS.r", b"system") + entry(2, 0o100644, "sysadm.ini", b"console\n")
                   + entry(3, 0o100755, "bin/hello", b"old") + entry(0, 0, trace.make_bank.TRAILER, b""))
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "hello"
            program.write_bytes(b"new program")
            made = trace.traced_bank(console, "echo\n", [str(program)])
        self.assertEqual([(name, data) for name, _, data in trace.members(made)],
                         [("C_OS.r", b"system"), ("sysadm.ini", b"echo\n"), ("bin/hello", b"new program")])
        for wrong in (b"", b"x" * 200, console[:150], console[:-200]):
            with self.assertRaises(Failure):
                list(trace.members(wrong))

    def visitor(self, is_text=False, show=None):
        return trace.Visitor(unittest.mock.Mock(), is_text, show)

    def test_a_visit(self):
        visitor = self.visitor()
        for line in ("C_OS: started", "=ktrace= begin", "hello", "=ktrace= status 3"):
            self.assertIsNone(visitor.take(line))
        self.assertEqual((visitor.said, visitor.status), (["hello"], 3))
        one, two, end = sent(["one", "two"])
        for line in (one, "C_OS: a line of somebody's", two[:20]):
            self.assertIsNone(visitor.take(line))
        self.assertEqual(visitor.take(end), b"ktrace --send /tmp/trace.json\r")
        visitor.take(two)
        with self.assertRaises(trace.Done):
            visitor.take(end)
        self.assertEqual(visitor.transfer.text(), "one\ntwo\n")

    def test_a_console_that_loses_lines(self):
        visitor = self.visitor()
        for line in ("=ktrace= begin", "=ktrace= status 0"):
            visitor.take(line)
        *_, end = sent(["one"])
        self.assertTrue(visitor.take(end))
        self.assertTrue(visitor.take(end))
        with self.assertRaises(qemu.Stop) as caught:
            visitor.take(end)
        self.assertNotIsInstance(caught.exception, trace.Done)

    def test_text_is_shown_as_it_comes(self):
        shown = []
        visitor = self.visitor(True, shown.append)
        for line in ("C_OS: started", "=ktrace= begin", "a line"):
            visitor.take(line)
        self.assertEqual(shown, ["a line"])
        with self.assertRaises(trace.Done):
            visitor.take("=ktrace= status 0")

    def test_why_there_is_no_trace(self):
        outcome = qemu.Outcome(qemu.Transcript(), "log")
        outcome.stopped = "it took too long"
        visitor = self.visitor()
        self.assertIn("had not ended", trace.reason(visitor, outcome))
        self.assertEqual(trace.refused(options(), visitor), "")
        visitor.status = 1
        self.assertEqual(trace.refused(options(), visitor), "ktrace has left no trace, status 1")
        visitor.status, visitor.said = 127, ["ktrace: x: No such file or directory"]
        self.assertEqual(trace.refused(options(), visitor), visitor.said[0])
        visitor.transfer.feed(sent(["one", "two"])[0])
        self.assertEqual(trace.refused(options(), visitor), "")
        self.assertIn("--events", trace.reason(visitor, outcome))
        outcome.transcript.feed("@panic: oh")
        self.assertIn("panicked", trace.reason(visitor, outcome))

    def test_the_table(self):
        facts = trace_events.Facts(trace_events.check_text(text(GOOD)))
        self.assertEqual(trace.table(facts).splitlines(),
                         ["ACTOR   THREADS  CALLS  MESSAGES  CPU TIME us",
                          "client        2      1         2          3.0"])
        without = trace_events.Facts(trace_events.check_text(text(GOOD[:6] + GOOD[7:])))
        self.assertEqual(trace.table(without).splitlines()[1],
                         "client        2      1         2            -")


class WholeTest(unittest.TestCase):
    """All but the machine: that is made up here, and real in tests/system/test_ktrace.py."""

    def run_with(self, lines, **given):
        def boot(machine, log, timeout, typist, output_limit):
            outcome = qemu.Outcome(qemu.Transcript(), log)
            try:
                for line in lines:
                    typist(line)
            except qemu.Stop as stop:
                outcome.stopped = str(stop)
            return outcome

        entry, trailer = trace.make_bank.entry, trace.make_bank.TRAILER
        printed = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            folder = pathlib.Path(folder)
            bank = entry(1, 0o100755, "C_OS.r", b"") + entry(0, 0, trailer, b"")
            (folder / "console_bank.cpio").write_bytes(bank)
            for target, name, stand_in in ((trace.build, "build", lambda *_: None),
                                           (trace.qemu, "boot", boot), (paths, "tree", lambda arch: folder)):
                stack.enter_context(unittest.mock.patch.object(target, name, stand_in))
            stack.enter_context(contextlib.redirect_stdout(printed))
            stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
            output = folder / "out" / "trace"
            status = trace.run_trace(options(arch="x86_64", cpus=1, memory="64M", fastpath=None, append="",
                                             timeout=1, verbose=False, output=str(output), **given))
            return status, printed.getvalue(), output.read_text()

    def test_a_file(self):
        lines = ["=ktrace= begin", "hello", "=ktrace= status 4", *sent(text(GOOD).splitlines())]
        status, printed, written = self.run_with(lines)
        self.assertEqual((status, written), (4, text(GOOD) + "\n"))
        self.assertIn("  | hello\n", printed)
        self.assertIn("client        2      1         2          3.0", printed)
        self.assertIn("ui.perfetto.dev", printed)

    def test_text(self):
        status, printed, written = self.run_with(["=ktrace= begin", "a", "b", "=ktrace= status 0"], text=True)
        self.assertEqual((status, written), (0, "a\nb\n"))
        self.assertIn("2 lines", printed)

    def test_failures(self):
        with self.assertRaisesRegex(Failure, "no good trace"):
            self.run_with(["=ktrace= begin", "=ktrace= status 0", *sent([text(GOOD[:-1])])])
        with self.assertRaisesRegex(Failure, "no such program"):
            self.run_with(["=ktrace= begin", "ktrace: no such program", "=ktrace= status 127",
                           "ktrace: /tmp/trace.json: No such file", "=ktrace= sent 1"])
        with self.assertRaisesRegex(Failure, "no such program"):
            self.run_with(["=ktrace= begin", "ktrace: no such program", "=ktrace= status 127", *sent([])])


class OutputTest(unittest.TestCase):
    """Where a trace is put: a file is replaced as a whole, what is none is written to."""

    def test_links_and_devices(self):
        with tempfile.TemporaryDirectory() as folder:
            file, link = pathlib.Path(folder, "file"), pathlib.Path(folder, "link")
            trace.write(file, "one")
            link.symlink_to("file")
            trace.write(link, "two")
            self.assertTrue(link.is_symlink())
            self.assertEqual(file.read_text(encoding="utf-8"), "two")
            device = pathlib.Path(folder, "device")
            device.symlink_to("/dev/full")
            with self.assertRaises(OSError):
                trace.write(device, "three")
            self.assertTrue(pathlib.Path("/dev/full").is_char_device())
            self.assertEqual(sorted(each.name for each in pathlib.Path(folder).iterdir()),
                             ["device", "file", "link"])

    def test_programs(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"no program")
            file.flush()
            self.assertFalse(trace.is_program(file.name))
        with self.assertRaisesRegex(UsageError, "No such file"):
            trace.is_program("/nowhere")


if __name__ == "__main__":
    unittest.main()
