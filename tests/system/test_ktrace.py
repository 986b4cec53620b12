"""ktrace on a booted system: what it shows of commands that run, and that it leaves nothing behind."""

import json
import re
import subprocess
import unittest

from support import ARCH, ROOT, TREE, paths
from test_c_init import ConsoleTest, ENTER, PROMPT, control

from chorale import trace, trace_events
from chorale.transfer import Transfer

GROUP = "0004800000000001:0000000000000007"  # one of the group 7's ports
TITLES = ["TIME-us", "CPU", "ACTOR/THREAD", "EVENT"]
LINE = re.compile(r" *(\d+\.\d{3}) +(\d+) (\S+) +(\S.*)")
BUSY = "somebody traces this site already: one trace at a time (aps shows who, akill ends it)"


class Line:
    def __init__(self, match):
        self.time, self.cpu, self.who, self.event = float(match[1]), int(match[2]), match[3], match[4]


def events_of(lines):
    return [Line(match) for match in map(LINE.fullmatch, lines) if match]


class KtraceTest(ConsoleTest):
    def serve(self, guest):
        """An actor that answers what is sent to the group 7."""
        self.receiver(guest, "-q -e -g 7")

    def sent_home(self, guest, path):
        """A file of the guest's."""
        transfer = Transfer()
        for _ in range(trace.TRANSFERS):
            lines = guest.run(f"ktrace --send {path}")
            for line in lines:
                transfer.feed(line)
            if transfer.complete():
                break
        self.assertTrue(transfer.complete(), (transfer.missing(), lines[:3], lines[-3:]))
        return transfer.text()


class Text(KtraceTest):
    def test_calls_messages_switches(self):
        guest = self.boot()
        self.serve(guest)
        # Not to the console: there what ipcping prints may come between any two characters.
        self.assertEqual(guest.run(f"ktrace ipcping -n 4 -s 5 {GROUP} > /tmp/t"), [])
        self.assertEqual(guest.run("echo $?"), ["0"])
        lines = self.sent_home(guest, "/tmp/t").splitlines()
        self.assertTrue([line for line in lines if line.startswith(f"4 calls of {GROUP}")], lines)
        self.assertTrue([line for line in lines if line.split() == TITLES], lines)
        events = events_of(lines)
        self.assertEqual(sorted(events, key=lambda event: event.time), events)
        of_client = [event for event in events if event.who.startswith("ipcping/")]
        for pattern in (r"ipcCall\w*\(.*\)", r"ipcCall\w* = 5 <\d+\.\d{3}>", "runs",
                        r"writev\(0x1, 0x[0-9a-f]+, 0x2\)", r"writev = \d+ <\d+\.\d{3}>",
                        "fault: address 0x[0-9a-f]+, pc 0x[0-9a-f]+"):
            with self.subTest(pattern=pattern):
                self.assertTrue([event for event in of_client if re.fullmatch(pattern, event.event)], lines)
        self.assertFalse([event for event in events if event.who.startswith("ktrace")], lines)
        # A request goes to ipcrecv, the reply comes back and has the request's number.
        for number in range(1, 21):
            steps = [(event.who.partition("/")[0], event.event) for event in events
                     if re.search(rf" #{number}\b", event.event)]
            self.assertEqual(steps, [("ipcping", f"sent #{number} to {GROUP}, 5 bytes"),
                                     ("ipcrecv", f"received #{number}, 5 bytes"),
                                     ("ipcrecv", f"sent reply #{number}, 5 bytes"),
                                     ("ipcping", f"received reply #{number}, 5 bytes")])

    def test_choices(self):
        guest = self.boot()
        self.serve(guest)
        guest.run(f"ktrace -A ipcrecv -e messages ipcping -n 4 -s 5 {GROUP} > /tmp/t")
        lines = self.sent_home(guest, "/tmp/t").splitlines()
        events = events_of(lines)
        self.assertEqual({re.sub(r"#\d+", "#", event.event) for event in events},
                         {"received #, 5 bytes", "sent reply #, 5 bytes"}, lines)
        self.assertEqual({event.who.partition("/")[0] for event in events}, {"ipcrecv"})
        self.assertIn("ktrace: there was no actor `nobody`",
                      guest.run("ktrace -A nobody -e faults ipcsend --help"))
        guest.run(f"ktrace -j -e messages ipccall {GROUP} hello > /tmp/t")
        lines = self.sent_home(guest, "/tmp/t").splitlines()
        facts = [json.loads(line) for line in lines if line.startswith("{")]
        requests = [each for each in facts if each["event"] == "sent" and each["actor"] == "ipccall"]
        self.assertEqual([(each["bytes"], each["reply"], each["to"]) for each in requests],
                         [(5, False, GROUP)])

    def test_errors_by_name(self):
        guest = self.boot()
        nobody = "0031000000008000:0000000000000001"
        guest.run(f"ktrace -A ipccall -e calls ipccall {nobody} hello > /tmp/t")
        lines = self.sent_home(guest, "/tmp/t").splitlines()
        self.assertTrue([line for line in lines if re.search(r"ipcCall\w* = K_EUNKNOWN", line)], lines)
        guest.run(f"ktrace -A ipccall -e calls ipccall -f /nowhere {nobody} > /tmp/t")
        self.assertEqual(guest.run("echo $?"), ["1"])
        lines = self.sent_home(guest, "/tmp/t").splitlines()
        self.assertTrue([line for line in lines if re.search(r"open(at)? = ENOENT", line)], lines)

    def test_wrong_usage(self):
        guest = self.boot()
        kinds = "calls,messages,switches,interrupts,faults"
        for options, said in (("-e all true", f"ktrace: -e: `all` is not a list of {kinds}"),
                              ("-s -j x", "ktrace: -s and -j exclude each other"),
                              ("-b 3 x", "ktrace: -b: `3` is not a number of 16 to 65536"),
                              ("-S /nowhere", "ktrace: /nowhere: No such file or directory"),
                              ("-o /nowhere/x lsport", "ktrace: /nowhere/x: No such file or directory"),
                              ("nothing", "ktrace: nothing: No such file or directory")):
            with self.subTest(options=options):
                self.assertEqual(guest.run(f"ktrace {options}")[0], said)
        self.assertEqual(guest.run("ktrace arun ipcrecv")[1],
                         "ktrace: arun is a command of the console: name the program itself")
        self.assertEqual(guest.run("echo $?"), ["127"])
        self.assertEqual(guest.run("arun -q ktrace ipcsend --help")[0],
                         "ktrace: only SYSTEM actors may trace (arun -T ktrace)")
        # After all of these nothing is left of a trace, or of a command that was not started.
        self.assertEqual([line.split()[2] for line in guest.run("aps")[1:]], ["C_INIT"])
        self.assertTrue(events_of(guest.run("ktrace ipcsend --help")))

    def test_a_ring_that_is_too_small(self):
        guest = self.boot(cpus=1)
        lines = guest.run("ktrace -b 16 -s -o /tmp/t.json ipcping -n 300")
        self.assertTrue([line for line in lines if re.match(r"ktrace: \d+ records are lost: ", line)], lines)
        self.assertIn("ktrace: a larger ring loses less: -b 64", lines)
        self.assertIn("records lost: all figures are too small", "\n".join(lines))
        text = self.sent_home(guest, "/tmp/t.json")
        self.assertIn(" records lost\"", text)
        trace_events.check_text(text)


class Files(KtraceTest):
    def test_trace_events(self):
        guest = self.boot()
        self.serve(guest)
        lines = guest.run(f"ktrace -s -o /tmp/t.json ipcping -n 30 {GROUP}")
        told = [line for line in lines if re.match(r"ktrace: \d+ records, \d+ bytes in /tmp/t.json", line)]
        self.assertTrue(told, lines)
        client = next(line for line in lines if line.startswith("ipcping: "))
        self.assertRegex(client, r"ipcping: \d+\.\d{3} us of CPU time, \d+ switches, "
                                 r"46 messages sent, 46 received")
        self.assertTrue([line for line in lines if re.match(r"  ipcCall\w* +46 +0 ", line)], lines)
        facts = trace_events.Facts(trace_events.check_text(self.sent_home(guest, "/tmp/t.json")))
        messages = {row[0]: row[3] for row in facts.rows()}
        self.assertGreaterEqual(messages["ipcping"], 92)
        self.assertGreaterEqual(messages["ipcrecv"], 92)
        self.assertGreaterEqual(facts.flows, 92)
        self.assertGreater({row[0]: row[4] for row in facts.rows()}["ipcping"], 0)

    def test_a_file_that_is_full(self):
        guest = self.boot()
        guest.run("ktrace -m 1 -o /tmp/t.json ipcping -n 5000")
        text = self.sent_home(guest, "/tmp/t.json")
        trace_events.check_text(text)
        self.assertLessEqual(len(text), 1 << 20)


class Ends(KtraceTest):
    def test_a_program_that_is_killed(self):
        guest = self.boot()
        begin = len(guest.output)
        guest.run("ktrace -o /tmp/t.json ipcrecv -q &")
        self.expect_line(guest, "port ", begin)
        aid = next(line.split()[1] for line in guest.run("aps") if "ipcrecv" in line)
        guest.run(f"akill {aid}")
        self.eventually(guest, "ktrace (aid ")
        self.assertIn(f"ktrace: the command (aid {aid}): killed", guest.output)
        self.assertRegex(guest.output, r"ktrace \(aid \d+\): exit 137")
        document = trace_events.check_text(self.sent_home(guest, "/tmp/t.json"))
        ended = [event for event in document["traceEvents"]
                 if event["ph"] == "E" and event.get("args", {}).get("result") == "not told"]
        self.assertTrue(ended) # the call in which it waited

    def test_control_c_ends_the_command_and_the_file_is_whole(self):
        guest = self.boot()
        begin = len(guest.output)
        guest.type("ktrace -o /tmp/t.json ipcrecv -q", ENTER)
        self.expect_line(guest, "port ", begin)
        guest.type(control("C"))
        guest.expect(PROMPT, guest.expect("bytes in /tmp/t.json", begin))
        self.assertEqual(guest.run("echo $?"), ["130"])
        trace_events.check_text(self.sent_home(guest, "/tmp/t.json"))

    def test_control_c_ends_a_trace_without_a_command(self):
        guest = self.boot()
        begin = len(guest.output)
        guest.type("ktrace -e calls", ENTER)
        guest.expect("ACTOR/THREAD", begin)
        guest.type("x", control("C"))
        guest.expect(PROMPT, guest.expect("\n", begin + 10))
        self.assertEqual(guest.run("echo still"), ["still"])
        guest.run("ktrace -t 1 -s")
        self.assertEqual(guest.run("echo $?"), ["0"])

    def test_one_trace_at_a_time(self):
        guest = self.boot()
        begin = len(guest.output)
        guest.run("ktrace -o /tmp/t.json ipcrecv -q &")
        self.expect_line(guest, "port ", begin)
        self.assertEqual(guest.run("ktrace ipcsend --help"), [f"ktrace: {BUSY}"])
        self.assertEqual(guest.run("echo $?"), ["1"])
        # Not even the same file is changed.
        self.assertEqual(guest.run("ktrace -o /tmp/t.json ipcsend --help"), [f"ktrace: {BUSY}"])
        actors = [line.split() for line in guest.run("aps")[1:]]
        self.assertEqual([actor[2] for actor in actors], ["C_INIT", "ktrace", "ipcrecv"])
        guest.run(f"akill {actors[2][1]}")
        self.eventually(guest, "ktrace (aid ")
        trace_events.check_text(self.sent_home(guest, "/tmp/t.json"))

    def test_a_trace_that_is_killed_leaves_none(self):
        guest = self.boot()
        free = self.free_pages(guest)
        for _ in range(3):
            begin = len(guest.output)
            guest.run("ktrace -o /tmp/t.json ipcrecv -q &")
            self.expect_line(guest, "port ", begin)
            aids = {line.split()[2]: line.split()[1] for line in guest.run("aps")[1:]}
            guest.run(f"akill {aids['ktrace']}")
            self.eventually(guest, f"ktrace (aid {aids['ktrace']}): killed")
            guest.run(f"akill {aids['ipcrecv']}")
        self.assertTrue(events_of(guest.run("ktrace -e calls ipcsend --help")))
        # The rings are 1 MiB on each CPU.
        self.assertLess(free - self.free_pages(guest), 400)

    def free_pages(self, guest):
        lines = guest.run("cs --statistics")
        return int(next(line for line in lines if line.startswith("pages free")).split()[-1])


class Command(unittest.TestCase):
    """./chorale trace, whole."""

    def test_the_default(self):
        path = paths.BUILD / "report" / f"trace-{ARCH}.json"
        path.unlink(missing_ok=True)
        done = subprocess.run([ROOT / "chorale", "trace", "--arch", ARCH], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=500, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("20 calls of 0004800000000001:0000000000000007", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^ipcping +\d+ +[\d,]+ +72 ")
        self.assertIn("ui.perfetto.dev", done.stdout)
        facts = trace_events.Facts(trace_events.check_text(path.read_text(encoding="utf-8")))
        self.assertGreaterEqual(facts.flows, 72)


if __name__ == "__main__":
    unittest.main()
