"""The debugger's commands, on a real machine that stands still: what they show is what must be there."""

import contextlib
import io
import re
import sys
import unittest
from unittest import mock

from support import ARCH, LEAN, ROOT, SYSTEM_BANK, TREE, machine

from chorale import build, cli, debug, qemu, setup
from chorale.errors import Failure

CPUS = 2
PATIENCE = 60.0
# ipcbench calls ipcserver on CPU 0 for longer than any test takes; all else waits.
CALLING = f"bench=ipc.rt.same_cpu.two_spaces.w4 bench.rounds=1000000000 {LEAN}"
# The same with a sleep of some milliseconds before each call, to CPU 1.
SLEEPING = f"bench=ipc.rt.cross_cpu.halted.w4 bench.rounds=1000000000 {LEAN}"
# By then every server thread waits.
SETTLED = debug.Place("ipcbench: ipc.rt", 1)
SERVING = debug.Place("ipcbench: ipc.rt", 1, "fast_reply_receive")
ALL = ("cpus", "actors", "threads", "ports", "ready", "mail", "timers", "thread", "backtrace",
       "backtrace all")
SERVERS = CPUS + 5  # one for each CPU and five kinds on CPU 0, with a thread each; the main thread besides
NAME = r"[0-9a-f]{16}:[0-9a-f]{16}"


def guest(append):
    return qemu.Machine(arch=ARCH, cpus=CPUS, append=append, bank=str(SYSTEM_BANK))


class Debug(unittest.TestCase):
    maxDiff = None

    @property
    def log(self):
        return f"{machine.PREFIX}system-debug-{self._testMethodName}"

    def look(self, append, place, *commands):
        """What gdb says to each command, in their order."""
        marks = [f"echo @@{i}\\n" for i in range(len(commands) + 1)]
        lines = [marks[0]]
        for command, mark in zip(commands, marks[1:]):
            # What fails must not keep the others from being tried.
            lines += ["python", f"try: gdb.execute({command!r})",
                      'except gdb.error as error: print("error:", error)', "end", mark]
        status, text = debug.batch(guest(append), place, lines, self.log, PATIENCE)
        self.assertEqual(status, 0, text)
        self.assertNotIn("Traceback", text)
        self.assertNotIn("cannot make sense", text)
        return [part.partition("\n")[2] for part in re.split(r"^@@\d+$", text, flags=re.MULTILINE)[1:-1]]

    def rows(self, table):
        """A table as a list of {header: cell}; cells are at least two spaces apart."""
        header, *lines = table.splitlines()
        names = re.split(r"  +", header.strip())
        rows = []
        for line in lines:
            cells = re.split(r"  +", line.strip())
            self.assertEqual(len(cells), len(names), f"{line!r} below {header!r}")
            rows.append(dict(zip(names, cells)))
        return rows

    def by(self, key, table):
        return {row[key]: row for row in self.rows(table)}


class WhileServing(Debug):
    """Stopped in the nucleus on CPU 0, when a server of ipcserver has just answered ipcbench."""

    @classmethod
    def setUpClass(cls):
        commands = [f"chorale {name}" for name in ALL] + ["chorale thread ipcbench/1", "chorale help"]
        test = cls("test_cpus")
        cls.said = dict(zip([*ALL, "client", "help"], test.look(CALLING, SERVING, *commands)))

    def threads(self):
        return self.by("thread", self.said["threads"])

    def server(self):
        """The thread that answers now: the only one of ipcserver that runs."""
        running = [name for name, row in self.threads().items() if row["does"] == "running"]
        self.assertEqual(len(running), 1)
        self.assertRegex(running[0], r"^ipcserver/\d+$")
        return running[0]

    def test_cpus(self):
        rows = self.by("cpu", self.said["cpus"])
        self.assertEqual(list(rows), [str(cpu) for cpu in range(CPUS)])
        self.assertEqual((rows["0"]["does"], rows["0"]["current"]), ("nucleus", self.server()))
        self.assertEqual(rows["0"]["at"], "fast_reply_receive")
        self.assertEqual((rows["1"]["does"], rows["1"]["current"]), ("halted", "-"))
        self.assertGreater(sum(int(row["switches"]) for row in rows.values()), SERVERS)
        for row in rows.values():
            self.assertEqual((row["ready"], row["best"], row["mail"]), ("0", "-", "0"))

    def test_actors(self):
        text = self.said["actors"]
        for index, name, threads, ports in ((0, "nucleus", 0, 1), (1, "ipcserver", SERVERS + 1, SERVERS + 1),
                                            (2, "lapserver", 1, 2), (3, "ipcbench", 1, 1)):
            kind = "supervisor" if name == "lapserver" else "system"
            self.assertRegex(text, rf"(?m)^#{index} +{name} +{kind} +{threads} +{ports} +\d+/\d+ ")
        self.assertEqual(len(set(re.findall(rf" {NAME}$", text, re.MULTILINE))), 4)

    def test_threads(self):
        rows = self.threads()
        self.assertEqual(set(rows), {f"ipcserver/{i}" for i in range(1, SERVERS + 2)} |
                         {"ipcbench/1", "lapserver/1"})
        client = rows["ipcbench/1"]
        self.assertEqual(client["does"], "awaiting_reply")
        self.assertEqual(client["waits for"], f"a reply of {self.server()}")
        self.assertIn("measure_words<4u>", client["pc"])
        self.assertEqual((client["cpu"], client["flags"]), ("0", "-"))
        self.assertEqual(rows["ipcserver/1"]["does"], "sleeping")
        self.assertIn("threadDelay", rows["ipcserver/1"]["pc"])
        functions = [row["pc"].partition(" ")[2] for name, row in rows.items()
                     if name.startswith("ipcserver") and row["does"] in ("receiving", "running")]
        self.assertEqual(sorted(functions),
                         sorted(["bench::echo_words<0u>", *CPUS * ["bench::echo_words<4u>"],
                                 "bench::echo_words<8u>", "bench::sink", "bench::sink", "ipcReceive"]))

    def test_ports(self):
        rows = self.by("port", self.said["ports"])
        self.assertEqual(len(rows), SERVERS + 5)
        self.assertEqual([name for name, row in rows.items() if row["enabled"] == "handler"],
                         ["port 1 of lapserver"])
        waiting = [row["waiting"].rpartition(" ")[2] for row in rows.values() if row["waiting"] != "-"]
        threads = self.threads()
        self.assertEqual(set(waiting), {name for name, row in threads.items() if row["does"] == "receiving"})
        for name, row in rows.items():
            self.assertEqual(row["queued"], "0")
            self.assertRegex(row["name (ui)"], f"^{NAME}$")
            if row["waiting"] != "-":  # both ends tell the same
                cpu, thread = row["waiting"].split(": ")
                self.assertEqual(threads[thread]["waits for"], name)
                self.assertEqual(threads[thread]["cpu"], cpu)
        self.assertEqual(len([row for row in rows.values() if int(row["received"]) > 100]), 1)

    def test_queues_are_empty(self):
        for what, words in (("ready", "nobody is ready"), ("mail", "no requests")):
            self.assertEqual(self.said[what].splitlines(), [f"cpu {cpu}: {words}" for cpu in range(CPUS)])
        self.assertRegex(self.said["timers"], r"\Acpu 0: .*\ncpu 1: .*\n\Z")

    def test_thread(self):
        self.assertRegex(self.said["thread"], rf"\A{self.server()}: running\n")
        self.assertIn("serves ipcbench/1", self.said["thread"])
        client = self.said["client"]
        self.assertRegex(client, rf"\Aipcbench/1: awaiting_reply, waits for a reply of {self.server()}\n")
        registers = {name: int(value, 16) for name, value in re.findall(r"(\w+) ([0-9a-f]{16})\b", client)}
        self.assertEqual(f"{registers['pc']:#x}", self.threads()["ipcbench/1"]["pc"].partition(" ")[0])
        self.assertGreater(registers["sp"], 1 << 12)
        self.assertGreater(len(registers), 15)

    def test_backtraces(self):
        parts = re.split(r"^(?=\w+/\d+: )", self.said["backtrace all"], flags=re.MULTILINE)[1:]
        traces = {part.partition(":")[0]: part for part in parts}
        self.assertEqual(set(traces), set(self.threads()))
        self.assert_goes(traces["ipcbench/1"], "measure_words<4u> at bench/same_cpu.cpp:",
                         "measure_same_cpu at bench/same_cpu.cpp:", "main at bench/ipcbench.cpp:",
                         "actor_start at lib/crt/start.cpp:", "_start")
        self.assert_goes(traces["ipcserver/1"], "threadDelay", "main at bench/ipcserver.cpp:", "actor_start",
                         "_start")
        waits = [trace for trace in traces.values() if "ipcReceive" in trace]
        self.assertEqual(len(waits), 1)
        self.assert_goes(waits[0], "ipcReceive", "echo_bodies at bench/ipcserver.cpp:", "thread_start")
        self.assert_goes(traces[self.server()], "fast_reply_receive at fastpath/reply_receive.cpp:",
                         "-- program", "echo_words<4u> at bench/ipcserver.cpp:", "thread_start")
        self.assertEqual(self.said["backtrace"], traces[self.server()])

    def assert_goes(self, trace, *functions):
        """The functions, innermost first; others may be between them."""
        pattern = ".*?".join(re.escape(name) for name in functions)
        self.assertRegex(trace, re.compile(pattern, re.DOTALL))

    def test_help(self):
        for name in ALL:
            self.assertRegex(self.said["help"], rf"(?m)^chorale {name.partition(' ')[0]}\b.*  \w+")


class Elsewhere(Debug):
    def test_before_the_boot(self):
        for said, name in zip(self.look(CALLING, debug.Place(), *(f"chorale {name}" for name in ALL)), ALL):
            self.assertRegex(said, rf"\Aerror: chorale {name.partition(' ')[0]}: not booted yet: .*\n\Z")

    def test_during_the_boot(self):
        actors, threads, trace, cpus = self.look(
            CALLING, debug.Place(until="chorale::load_bank"), "chorale actors", "chorale threads",
            "chorale backtrace", "chorale cpus")
        self.assertRegex(actors, r"(?m)^#0 +nucleus +system +0 ")
        self.assertEqual(threads, "none\n")
        self.assertRegex(trace, r"\Acpu 0: nucleus\n  #0 .*load_bank at kernel/main/load.cpp:")
        self.assertEqual(self.by("cpu", cpus)["0"]["does"], "nucleus")

    def test_anywhere(self):
        """Stopped at whatever instruction, user mode most likely: all commands answer, twice the same."""
        commands = [f"chorale {name}" for name in ALL]
        said = self.look(CALLING, SETTLED, *commands, *commands, "maintenance packet qqemu.PhyMemMode")
        self.assertEqual(said[:len(ALL)], said[len(ALL):-1])
        self.assertIn('received: "0"', said[-1])
        rows = self.by("thread", said[ALL.index("threads")])
        self.assertIn(rows["ipcbench/1"]["does"], ("running", "awaiting_reply", "ready"))
        self.assertIn("measure_words<4u>", rows["ipcbench/1"]["pc"])

    def test_in_user_mode(self):
        """The running thread's registers are the processor's; other spaces are read all the same."""
        place = debug.Place("ipcbench: ipc.rt", 1, "fast_call")
        threads, = self.look(CALLING, place, "chorale threads")
        first, = re.findall(r"(?m)^ipcbench/1 .*? (0x[0-9a-f]+) ", threads)
        _, _, cpus, thread, trace, everything = self.look(
            CALLING, SETTLED, f"thbreak *{first}", "continue", "chorale cpus", "chorale thread",
            "chorale backtrace", "chorale backtrace all")
        cpu = self.by("cpu", cpus)["0"]
        self.assertEqual((cpu["does"], cpu["current"]), ("user", "ipcbench/1"))
        self.assertRegex(cpu["at"], rf"^{first} .*measure_words<4u>")
        self.assertIn("registers of the CPU", thread)
        self.assertRegex(trace, r"(?s)\Aipcbench/1: running\n.*measure_words<4u>.*\bmain at bench/")
        self.assertNotIn("-- program", trace)
        self.assertEqual(everything.count("thread_start"), SERVERS)

    def test_timers(self):
        timers, threads, cpus = self.look(SLEEPING, debug.Place("ipcbench: ipc.rt", 1, "chorale::on_timer"),
                                          "chorale timers 0", "chorale threads ipcbench", "chorale cpus")
        deadline = re.search(r"(?m)^ +(\d+\.\d{9} s)  ipcbench/1, sleeping$", timers)
        self.assertTrue(deadline, timers)
        self.assertNotIn("[", timers)  # the queue is whole
        row, = self.rows(threads)
        self.assertEqual((row["does"], row["flags"]), ("sleeping", "timed"))
        self.assertEqual(row["waits for"], f"its timer at {deadline.group(1)}")
        self.assertEqual(self.by("cpu", cpus)["0"]["current"], "-")

    def test_selection_stays(self):
        """What gdb has selected decides whose trace is shown, and the commands leave it so. Which of its
        threads is which CPU depends on the firmware."""
        said = self.look(CALLING, SERVING, "thread 1", "chorale backtrace all", "chorale backtrace",
                         "thread 2", "chorale backtrace all", "thread", "chorale backtrace")
        self.assertIn("Current thread is 2", said[5])
        here, there = sorted((said[2], said[6]))
        self.assertRegex(here, r"\Acpu 1: halted\n  #0 ")
        self.assertRegex(there, r"\Aipcserver/\d+: running\n  #0 .*fast_reply_receive")


class OfPrograms(Debug):
    def program(self, place, *commands):
        """What gdb says with the server of docs/first-program.md in the machine."""
        machine_of_program = qemu.Machine(arch=ARCH, cpus=CPUS, append=f"{LEAN} init=/bin/server",
                                          bank=str(TREE / "first_bank.cpio"))
        status, text = debug.batch(machine_of_program, place, commands, self.log, PATIENCE)
        self.assertEqual(status, 0, text)
        return text

    def test_a_program_that_waits(self):
        text = self.program(debug.Place("port"), "chorale threads", "chorale backtrace server/1")
        self.assertRegex(text, r"server/1 +receiving .* ipcReceive +port 1 of server")
        self.assertRegex(text, r"main at (\./)?examples/first/server\.c:14")

    def test_a_program_step_by_step(self):
        text = self.program(debug.Place(), f"add-symbol-file {TREE / 'bin' / 'server'}",
                            "hbreak main", "continue", "next", "next", "info locals")
        self.assertRegex(text, r"Breakpoint 1, main \(\) at (\./)?examples/first/server\.c:7")
        self.assertRegex(text, r"(?m)^port = \{uiHead = \d+, uiTail = \d+\}$")
        self.assertRegex(text, r"(?m)^id = 1$")


class Mistakes(Debug):
    def test_usage(self):
        wrong = {"chorale threads nobody":
                 "no actor is called 'nobody': nucleus (#0), ipcserver (#1), lapserver (#2), ipcbench (#3)",
                 "chorale threads ipc": "several actors are called 'ipc': ipcserver (#1), ipcbench (#3)",
                 "chorale thread ipcbench/9": "ipcbench has no thread 9",
                 "chorale thread one two three": "usage: chorale thread [ACTOR/LID]",
                 "chorale backtrace 0x1000": "nothing is mapped at",
                 "chorale timers 7": f"there is no CPU 7: {CPUS} run",
                 "chorale ready x": "'x' is not a number",
                 "chorale nothing": "no command 'nothing' (chorale help)"}
        for (command, words), said in zip(wrong.items(), self.look(CALLING, SERVING, *wrong)):
            self.assertRegex(said, r"\Aerror: chorale.*: .*\n\Z")
            self.assertIn(words, said, command)
        right = {"chorale thread 1 ipcbench": "ipcbench/1: ", "chorale thread ipcb 1": "ipcbench/1: ",
                 "chorale thread #3/1": "ipcbench/1: ", "chorale threads #1": "thread ",
                 'p $chorale_thread("ipcbench/1")->lid': "$1 = 1"}
        for (command, words), said in zip(right.items(), self.look(CALLING, SERVING, *right)):
            self.assertTrue(said.startswith(words), f"{command}: {said}")

    def test_corrupt_lists_end(self):
        """What a bug may leave behind is told, not followed."""
        spoil = 'set $chorale_thread("ipcbench/1")->{}'
        said = self.look(
            CALLING, SERVING, 'set $waiting = $chorale_thread("ipcserver/7")',
            "set $waiting->next_waiter = $waiting", "chorale ports", "chorale threads",
            "chorale backtrace all",
            "set $waiting->next_waiter = (chorale::Thread*)0x1230", "chorale ports",
            "set $waiting->state = 99", "chorale threads", "chorale thread ipcserver/7",
            spoil.format("server = (chorale::Thread*)0xfff0000000000000"), "chorale threads ipcbench",
            "set chorale::port_table[1] = (chorale::Port*)0xffffffffffffff00", "chorale ports",
            "chorale threads",
            spoil.format("frame.pc = 8"), "chorale backtrace ipcbench/1")
        self.assertRegex(said[2], r"servers on CPU 0: the list comes back to 0x")
        self.assertRegex(said[6], r"servers on CPU 0: the list breaks off: nothing is mapped at 0x")
        self.assertEqual(self.by("thread", said[8])["ipcserver/7"]["does"], "state 99")
        self.assertIn("a reply of no thread 0xfff0000000000000", said[11])
        self.assertRegex(said[13], "chorale::Port at 0xffffffffffffff00 cannot be read: nothing is mapped at")
        self.assertEqual(len(self.rows(said[14])), SERVERS + 3)
        self.assertRegex(said[16], r"\Aipcbench/1: .*\n  #0  0x0000000000000008 \?\n\Z")

    def test_failures_are_told(self):
        status, text = debug.batch(guest(CALLING), debug.Place(until="chorale::nowhere"),
                                   ["chorale cpus"], self.log)
        self.assertNotEqual(status, 0)
        self.assertIn('Function "chorale::nowhere" not defined', text)
        for place, words in ((debug.Place("no such words"), "did not show 'no such words' in 2 s"),
                             (debug.Place(until="chorale::panic"), "not through after 2 s .*ever called")):
            with self.assertRaisesRegex(Failure, words):
                debug.batch(guest(CALLING), place, [], self.log, patience=2.0)
        with self.assertRaisesRegex(Failure, "the system ended before it could be stopped"):
            debug.batch(guest(f"bench=null_call {LEAN}"), debug.Place(after=PATIENCE), [], self.log)
        with self.assertRaisesRegex(Failure, "the system ended before it came to chorale::panic"):
            debug.batch(guest(f"bench=null_call {LEAN}"), debug.Place(until="chorale::panic"), [],
                        self.log)


class CommandLine(unittest.TestCase):
    def test_batch(self):
        """The words of ./chorale debug arrive where they should; what is built is built already."""
        words = ["debug", "--arch", ARCH, "--cpus", "1", "--console", "ipcbench: ipc.rt", "--until",
                 "fast_call", "--append", CALLING, "--batch", "chorale cpus", "--batch", "chorale backtrace"]
        out = io.StringIO()
        with mock.patch.object(build, "build"), mock.patch.object(setup, "ensure"), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            status = cli.main(words)
        self.assertEqual(status, 0, out.getvalue())
        self.assertRegex(out.getvalue(), r"(?m)^ +0 +nucleus +ipcbench/1 .* fast_call$")
        self.assertRegex(out.getvalue(), r"(?s)ipcbench/1: running\n.*fast_call.*measure_words<4u>")


class Instructions(unittest.TestCase):
    """The decoders, byte by byte: what the backtraces rest on where no table helps."""

    @classmethod
    def setUpClass(cls):
        with mock.patch.dict(sys.modules, {"gdb": mock.Mock()}), mock.patch.object(sys, "path", sys.path[:]):
            sys.path.insert(0, str(ROOT / "tools" / "gdb"))
            from chorale_gdb import machine as machines, text
        cls.machines, cls.text = machines, text

    def call(self, kind, code):
        """Of the instructions that end at 0x401000."""
        begin = 0x401000 - len(code)
        return kind.call_before(lambda at, size: code[at - begin:at - begin + size], 0x401000)

    def test_calls_x86(self):
        kind = self.machines.X86
        for code, wanted in (("9090e800010000", (True, 0x401100)), ("9090e8f0feffff", (True, 0x400ef0)),
                             ("9090909090ffd0", (True, None)), ("90ff1425785634", (False, None)),
                             ("ff142578563412", (True, None)), ("90ff1578563412", (True, None)),
                             ("90909090909090", (False, None)), ("9090e900010000", (False, None)),
                             ("90", (False, None))):
            self.assertEqual(self.call(kind, bytes.fromhex(code)), wanted, code)

    def test_calls_riscv(self):
        kind = self.machines.Riscv
        for code, wanted in (("13000000ef001010", (True, 0x4010fc + 0x800)),
                             ("13000000eff0dfef", (True, 0x400ef8)),
                             ("97100000e7800010", (True, 0x4020f8)), ("13000000e7800700", (True, None)),
                             ("1300000001008297", (True, None)), ("1300000067800000", (False, None)),
                             ("1300000013000000", (False, None))):
            self.assertEqual(self.call(kind, bytes.fromhex(code)), wanted, code)

    def test_names(self):
        for name, plain in (("void (anonymous namespace)::f<4u>(long)", "(anonymous namespace)::f<4u>"),
                            ("a::S<&b::c>::entry()", "a::S<&b::c>::entry"), ("f", "f"), ("", ""),
                            ("void m<4u>(A const&)::'lambda'(int)::operator()(int) const",
                             "m<4u>::'lambda'::operator()"), (f"void f<{'x' * 99}>(int)", "f<…>")):
            self.assertEqual(self.text.plain(name), plain)


if __name__ == "__main__":
    unittest.main()
