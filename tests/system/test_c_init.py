"""The console of a booted system: C_INIT under C_OS, typed at through the serial line."""

import gzip
import os
import pty
import re
import sys
import tempfile
import termios
import time
import unittest

from support import ARCH, LEAN, ROOT, TREE, bank, cpio_entry, machine, paths, qemu
from chorale import process

sys.path.insert(0, str(ROOT / "tests" / "c_init"))

from typist import DOWN, EDITED, ENTER, PROMPT, TAB, UP, Typist, control  # noqa: E402

BANK = TREE / "console_bank.cpio"
LIMIT = 120  # seconds; what is waited for takes a second


class Guest(Typist):
    """A machine with a person at its serial line."""

    def __init__(self, name, cpus=2, append=LEAN, bank=BANK, reboots=False):
        self.scratch = tempfile.TemporaryDirectory(prefix="chorale-console-")
        guest = qemu.Machine(arch=ARCH, cpus=cpus, append=append, bank=str(bank), reboots=reboots)
        terminal, other = pty.openpty()
        attributes = termios.tcgetattr(other)
        attributes[1] &= ~termios.ONLCR  # what comes is what the machine has sent
        termios.tcsetattr(other, termios.TCSANOW, attributes)
        super().__init__(terminal, LIMIT)
        # Without signal=off Ctrl-C would end QEMU.
        line = ["-chardev", "stdio,id=line,signal=off", "-serial", "chardev:line"]
        self.log = open(paths.log(f"{machine.PREFIX}console-{name}"), "w", encoding="utf-8")
        self.process = process.start(guest.command(self.scratch.name, line), stdin=other, stdout=other,
                                     stderr=self.log)
        os.close(other)

    def end(self):
        """Waits for the machine's end; returns QEMU's status."""
        deadline = time.monotonic() + LIMIT
        while self.read(deadline - time.monotonic()):
            pass
        return self.process.wait(LIMIT)

    def close(self):
        process.stop(self.process)
        os.close(self.terminal)
        self.log.write(self.output)
        self.log.close()
        self.scratch.cleanup()


class ConsoleTest(unittest.TestCase):
    maxDiff = None

    def boot(self, **options):
        guest = Guest(self._testMethodName, **options)
        self.addCleanup(guest.close)
        guest.expect(PROMPT)
        return guest

    def started(self, lines):
        self.assertRegex(lines[0], r"^Started aid = \d+$")
        return int(lines[0].rpartition(" ")[2])

    def receiver(self, guest, options):
        """An ipcrecv in the background: its aid, its port. What it prints has come on return."""
        begin = len(guest.output)
        aid = self.started(guest.run(f"arun ipcrecv {options} &"))
        self.expect_line(guest, "port ", begin)
        return aid, re.search(r"port ([0-9a-f]{16}:[0-9a-f]{16})", guest.output[begin:]).group(1)

    def expect_line(self, guest, text, begin):
        """A whole one: a part of it must not come between the next keys and what they do."""
        guest.expect("\n", guest.expect(text, begin))

    def eventually(self, guest, wanted):
        """Ends of actors are told before a prompt; this one perhaps before one that has been printed."""
        deadline = time.monotonic() + LIMIT
        while f"\n{wanted}" not in guest.output:
            self.assertLess(time.monotonic(), deadline, guest.output)
            guest.run("")


class Keys(ConsoleTest):
    def test_editing_history_completion(self):
        guest = self.boot()
        self.assertIn("C_INIT: console of site 1, user console. Type `help`.", guest.output)
        for keys, line in EDITED:
            with self.subTest(keys=keys):
                self.assertEqual(guest.run(*keys), [line])
        guest.run("echo one")
        guest.run("echo two")
        self.assertEqual(guest.run(UP), ["two"])
        self.assertEqual(guest.run(UP, UP, UP, DOWN, DOWN), ["two"])
        self.assertEqual(guest.run(control("R"), "one"), ["one"])
        self.assertEqual(guest.run("unse", TAB, "X"), [])
        self.assertEqual(guest.run("echo /image/sys_b", TAB), ["/image/sys_bank/"])
        begin = len(guest.output)
        guest.type("echo lost", control("C"))
        guest.expect(PROMPT, guest.expect("lost", begin) + 1)
        self.assertEqual(guest.run("echo kept"), ["kept"])


class Commands(ConsoleTest):
    def test_actors(self):
        guest = self.boot()
        lines = guest.run("aps")
        self.assertRegex(lines[0], r"^UID +PID NAME +DBG STAT GROUP$")
        self.assertRegex(lines[1], r"^ +0 +2 C_INIT +no +SRUN -$")
        aid, _ = self.receiver(guest, "")
        self.assertTrue([line for line in guest.run("aps") if re.search(f" {aid} ipcrecv +no +SSLEEP", line)])
        self.assertEqual(guest.run("akill 2"), ["akill: 2: that is C_INIT itself"])
        self.assertEqual(guest.run("akill 999"), ["akill: 999: no such actor"])
        self.assertEqual(guest.run(f"akill {aid}"), [f"ipcrecv (aid {aid}): killed"])
        self.assertFalse([line for line in guest.run("aps") if "ipcrecv" in line])
        self.assertNotIn("\r\r", guest.output)

    def test_started_stopped(self):
        guest = self.boot()
        aid = self.started(guest.run("arun -d ipcsend --help"))
        self.assertTrue([line for line in guest.run("aps") if re.search(f" {aid} ipcsend +no +SSTOP", line)])
        self.assertEqual(guest.run("echo still"), ["still"])
        guest.run(f"akill -c {aid}")
        self.eventually(guest, f"ipcsend (aid {aid}): exit 0")
        self.assertIn("usage: ipcsend [options] PORT", guest.output)

    def test_errors_and_statuses(self):
        guest = self.boot()
        self.assertEqual(guest.run("arun /bin/x"), ["arun: /bin/x: no such file or directory"])
        self.assertEqual(guest.run("x"), ["x: no such command, and no such program in /bin"])
        self.assertEqual(guest.run("echo $?"), ["127"])
        self.assertEqual(guest.run("arun -g 0 ipcsend"),
                         ["arun: -g: there is no hot restart in this image: no restartable actors"])
        self.assertEqual(guest.run("ipcsend")[0], "ipcsend: which port?")
        self.assertEqual(guest.run("echo $?"), ["2"])
        self.assertEqual(guest.run("/image/sys_bank/sysadm.ini")[-1],
                         "/image/sys_bank/sysadm.ini: exec format error")
        self.assertEqual(guest.run("/tmp"), ["/tmp: permission denied"])

    def test_redirections_and_files(self):
        guest = self.boot()
        self.assertEqual(guest.run("echo source: one > /tmp/f"), [])
        self.assertEqual(guest.run("echo echo two >> /tmp/f"), [])
        self.assertEqual(guest.run("source /tmp/f"),
                         ["/tmp/f:1: source:: no such command, and no such program in /bin", "two"])
        self.assertEqual(guest.run("ipcsend 2> /tmp/e"), [])
        self.assertEqual(guest.run("source /tmp/e")[0],
                         "/tmp/e:1: ipcsend:: no such command, and no such program in /bin")
        self.assertEqual(guest.run("echo -n half"), ["half"])
        self.assertIn("half\r\n", guest.output)
        self.assertEqual(guest.run("cd /tmp"), [])
        self.assertEqual(guest.run("pwd"), ["/tmp"])
        self.assertEqual(guest.run("echo x < nowhere"), ["echo: nowhere: no such file or directory"])
        guest.run("setenv A 'b c'")
        self.assertEqual(guest.run("echo $A"), ["b c"])
        self.assertEqual(guest.run("umask 027"), [])
        self.assertEqual(guest.run("umask"), ["0027"])
        self.assertRegex(guest.run("memstat")[0], r"^total memory: +\d{8,} bytes$")

    def test_interrupt_ends_the_foreground(self):
        guest = self.boot()
        begin = len(guest.output)
        guest.type("ipcrecv", ENTER)
        guest.expect("port ", begin)
        guest.type(control("C"))
        guest.expect(PROMPT, guest.expect("): interrupted", begin))
        self.assertEqual(guest.run("echo $?"), ["130"])


class Messages(ConsoleTest):
    """The commands for IPC, with each other."""

    def test_send_and_receive(self):
        guest = self.boot()
        aid, port = self.receiver(guest, "-n 2")
        begin = len(guest.output)
        self.assertRegex(port, "^[0-9a-f]{16}:[0-9a-f]{16}$")
        guest.run(f"ipcsend {port} hello 'to  you'")
        self.expect_line(guest, "  hello to  you", begin)
        guest.run(f"ipcsend -x -a annex {port} 00 6869 ff")
        self.expect_line(guest, r"  \x00hi\xff", begin)
        self.assertIn("#2 4 bytes from ", guest.output[begin:])
        self.assertIn(", with an annex", guest.output[begin:])
        self.eventually(guest, f"ipcrecv (aid {aid}): exit 0")
        self.assertEqual(guest.run(f"ipcsend {port} x"),
                         [f"ipcsend: {port}: message 1: K_EUNKNOWN: no such object"])

    def test_call_and_ping(self):
        guest = self.boot()
        _, port = self.receiver(guest, "-q --echo")
        self.assertEqual(guest.run(f"ipccall {port} hello"), ["reply: 5 bytes", "hello"])
        self.assertEqual(guest.run(f"ipccall -d {port} hi")[1],
                         "  000000  68 69" + 14 * "   " + "  hi")
        for target in (port, ""):
            lines = guest.run(f"ipcping -n 100 {target}")
            self.assertRegex(lines[0], r"^100 calls of [0-9a-f:]{33}, 0 bytes each; nanoseconds:$")
            self.assertEqual(lines[1].split(), ["min", "median", "p99", "max"])
            times = [int(word) for word in lines[2].split()]
            self.assertEqual(times, sorted(times))
        self.assertRegex(guest.run(f"ipcping -n 10 -s 1000 --json {port}")[0],
                         r'^\{"port":"[0-9a-f:]{33}","calls":10,"bytes":1000,"min_ns":\d+,.*"max_ns":\d+\}$')
        aid, port = self.receiver(guest, "-n 1 -q -r 'here I am'")
        self.assertEqual(guest.run(f"ipccall {port} x")[:2], ["reply: 9 bytes", "here I am"])
        self.eventually(guest, f"ipcrecv (aid {aid}): exit 0")
        self.assertEqual(guest.run(f"ipccall {port} x"), [f"ipccall: {port}: K_EUNKNOWN: no such object"])

    def test_list_ports(self):
        guest = self.boot()
        _, port = self.receiver(guest, "-g 7 -q")
        lines = guest.run("lsport -A ipcrecv")
        self.assertEqual(lines[0].split(), ["ACTOR", "LI", "PORT", "QUEUED", "RECEIVED", "STATE"])
        self.assertEqual(lines[2].split(), ["ipcrecv", "1", port, "0", "0", "-"])
        self.assertRegex(lines[3], r"^ +in [0-9a-f]{16}:0{15}7$")
        group = lines[3].split()[1]
        guest.run(f"ipcsend {group} all")
        self.eventually_received(guest, port)
        self.assertRegex("\n".join(guest.run("lsport --json")),
                         rf'\{{"actor":"ipcrecv","li":1,"port":"{port}","queued":0,"received":1,')
        self.assertEqual(guest.run("arun -q lsport")[0],
                         "lsport: actors: only SYSTEM actors are told (arun -T lsport)")
        self.assertEqual(guest.run("cs")[0].split()[:3], ["ACTOR", "PRIV", "STATUS"])
        self.assertTrue([line for line in guest.run("cs -t -A C_INIT") if line.startswith("C_INIT")])

    def eventually_received(self, guest, port):
        deadline = time.monotonic() + LIMIT
        while not [line for line in guest.run("lsport") if port in line and line.split()[4] == "1"]:
            self.assertLess(time.monotonic(), deadline)


def bank_with(own_programs=None, **files):
    """A bank of C_OS, C_INIT and the commands, with these files: texts. own_programs: bytes by name."""
    programs = ("C_INIT", "ipcrecv", "ipcsend")
    actors = [cpio_entry("C_OS.r", (TREE / "bank" / "C_OS.r").read_bytes())]
    commands = [cpio_entry(f"bin/{name}", (TREE / "bin" / name).read_bytes()) for name in programs]
    commands += [cpio_entry(f"bin/{name}", data) for name, data in (own_programs or {}).items()]
    texts = [cpio_entry(name.replace("_", "."), text.encode(), 0o100644) for name, text in files.items()]
    return bank(*actors, *commands, *texts)


class Starts(ConsoleTest):
    def boot_with(self, **files):
        with tempfile.NamedTemporaryFile(suffix=".cpio") as file:
            file.write(bank_with(**files))
            file.flush()
            return self.boot(bank=file.name)

    def test_start_files_in_their_order(self):
        guest = self.boot_with(sysadm_ini="echo one\nnothing\n# comment\n"
                                          "echo 'echo two; three' > /etc/rc.chorus\n"
                                          "echo 'echo two $HOME' > /etc/rc.chorus\nconsole\n")
        said = guest.output.replace("\r", "")
        self.assertIn("one\n/image/sys_bank/sysadm.ini:2: nothing: no such command, and no such program "
                      "in /bin\ntwo /\nC_INIT: console of site 1", said)

    def test_without_start_files(self):
        self.assertEqual(self.boot_with().run("echo here"), ["here"])

    def test_a_console_that_is_not_trusted(self):
        guest = self.boot_with(sysadm_ini="arun -T ipcrecv -q &\numask 022\n"
                                          "echo console::100:50::: > /etc/security\n")
        self.expect_line(guest, "port ", 0)
        self.assertEqual(guest.run("reboot"),
                         ["reboot: permission denied: the user `console` is not trusted"])
        self.assertEqual(guest.run("arun -T ipcsend"),
                         ["arun: ipcsend: permission denied: only trusted users start trusted actors"])
        self.assertEqual(guest.run("echo console:TRUSTED:0:0::: > /etc/security"),
                         ["echo: /etc/security: permission denied"])
        theirs = next(line for line in guest.run("aps") if "ipcrecv" in line).split()[1]
        self.assertEqual(guest.run(f"akill {theirs}"),
                         [f"akill: {theirs}: permission denied: another user's actor"])
        aid, _ = self.receiver(guest, "")
        line = next(line for line in guest.run("aps") if f" {aid} " in line)
        self.assertEqual(line.split()[0], "100")
        guest.run(f"akill {aid}")
        self.eventually(guest, f"ipcrecv (aid {aid}): killed")


class Programs(ConsoleTest):
    """What arun starts: in which space, compressed, broken."""

    def boot_with(self, programs, **files):
        with tempfile.NamedTemporaryFile(suffix=".cpio") as file:
            file.write(bank_with(programs, **files))
            file.flush()
            return self.boot(bank=file.name)

    @staticmethod
    def program(name):
        return (TREE / "bin" / name).read_bytes()

    def assert_runs(self, guest, words, space):
        with self.subTest(words=words):
            self.assertEqual(guest.run(f"arun -q {words}"), [f"This actor is running as a {space} actor"])
            self.assertEqual(guest.run("echo $?"), ["0"])

    def test_spaces(self):
        supervisor = self.program("supervisor-5-1.r")
        guest = self.boot_with({"both": self.program("5-1"), "both.r": supervisor, "only.r": supervisor})
        for words, space in (("both", "user"), ("-U both", "user"), ("-S both", "supervisor"),
                             ("-S both.r", "supervisor"), ("only", "supervisor"), ("-S only", "supervisor")):
            self.assert_runs(guest, words, space)
        self.assertEqual(guest.run("arun -U only"),
                         ["C_OS: /bin/only: only for the other space, the supervisor's",
                          "arun: /bin/only: exec format error"])

    def test_compressed(self):
        user, supervisor = (gzip.compress(self.program(name)) for name in ("5-1", "supervisor-5-1.r"))
        bad = user[:600] + bytes(50) + user[650:]
        guest = self.boot_with({"small.gz": user, "sup.r.gz": supervisor, "bad.gz": bad})
        for words, space in (("small", "user"), ("small.gz", "user"), ("-Z small", "user"),
                             ("sup.r.gz", "supervisor"), ("-S sup.r.gz", "supervisor")):
            self.assert_runs(guest, words, space)
        self.assertEqual(guest.run("arun bad"), ["C_OS: /bin/bad.gz: compressed, and damaged",
                                                 "arun: /bin/bad: exec format error"])
        self.assert_runs(guest, "small", "user")

    def test_out_of_memory(self):
        guest = self.boot_with({"busybox": self.program("busybox")})
        lines = guest.run("busybox awk 'BEGIN { for (s = \"x\"; ; s = s s) n++ }'")
        self.assertRegex("\n".join(lines), "memory protection fault .out of memory: no page left for it.: ")

    def test_cut_off(self):
        guest = self.boot_with({"short.gz": gzip.compress(self.program("5-1"))[:5000]})
        self.assertEqual(guest.run("arun short"), ["C_OS: /bin/short.gz: compressed, and damaged",
                                                   "arun: /bin/short: exec format error"])

    def test_background_has_no_input(self):
        guest = self.boot_with({"busybox": self.program("busybox")})
        guest.run("busybox cat &")
        for word in ("one", "two", "three"):
            self.assertIn(word, guest.run(f"echo {word}"))
        self.eventually(guest, "busybox (aid ")
        guest.run("echo from a file > /tmp/f")
        begin = len(guest.output)
        guest.run("busybox cat < /tmp/f &")
        self.expect_line(guest, "from a file", begin)

    def test_example_that_starts_itself(self):
        guest = self.boot_with({"5-3": self.program("5-3")})
        for folder, words in (("/", "5-3"), ("/bin", "./5-3"), ("/bin", "5-3")):
            with self.subTest(folder=folder, words=words):
                guest.run(f"cd {folder}")
                self.assertRegex("\n".join(guest.run(f"arun {words}")),
                                 "I succeeded creating actor whose aid is [0-9]+")

    def test_limits_of_files(self):
        guest = self.boot_with({"busybox": self.program("busybox")})
        self.assertEqual(guest.run("ulimit -f 4"), [])
        self.assertEqual(guest.run("ulimit -f"), ["4"])
        self.assertIn("File too large", "".join(guest.run("busybox dd if=/dev/zero of=/tmp/f bs=1k count=3")))
        self.assertIn(" 2048 ", "".join(guest.run("busybox ls -l /tmp/f")))

    def test_broken_ones_are_told_of_a_few_times_a_second(self):
        broken = bytearray(self.program("5-1"))
        broken[18:20] = b"\xff\xff"  # e_machine
        guest = self.boot_with({"broken": bytes(broken)}, sysadm_ini="arun broken\n" * 40)
        time.sleep(1.5)
        guest.run("arun broken")
        said = guest.output.count("C_OS: /bin/broken: ")
        left_out = sum(map(int, re.findall("C_OS: ([0-9]+) lines like the next one left out", guest.output)))
        self.assertGreater(left_out, 0)
        self.assertEqual(said + left_out, 41)


class Editor(ConsoleTest):
    """BusyBox's vi, on the terminal that the console is."""

    def test_vi(self):
        programs = {name: TREE / "bin" / name for name in ("C_INIT", "busybox")}
        actors = [cpio_entry("C_OS.r", (TREE / "bank" / "C_OS.r").read_bytes())]
        files = [cpio_entry(f"bin/{name}", path.read_bytes()) for name, path in programs.items()]
        with tempfile.NamedTemporaryFile(suffix=".cpio") as file:
            file.write(bank(*actors, *files))
            file.flush()
            guest = self.boot(bank=file.name)
        guest.run("echo first > /tmp/text")
        begin = len(guest.output)
        guest.type("busybox vi /tmp/text", ENTER)
        begin = guest.expect("first", guest.expect("\033[", begin))
        # It takes an escape that others follow at once for a key's.
        for keys, drawn in (("osecond", "\033[2;7H"), ("\033", "- /tmp/text"), ("ggxyyp:wq\r", PROMPT)):
            guest.type(keys)
            begin = guest.expect(drawn, begin)
        self.assertEqual(guest.run("busybox cat /tmp/text"), ["irst", "irst", "second"])


class Page(ConsoleTest):
    """docs/console.md has what the programs say of themselves (tests/c_init: what C_INIT says)."""

    def test_usage_of_the_programs(self):
        page = (ROOT / "docs" / "console.md").read_text(encoding="utf-8")
        guest = self.boot()
        for program in ("chorusStat", "ipccall", "ipcping", "ipcrecv", "ipcsend", "ktrace", "lsport"):
            with self.subTest(program=program):
                usage = "\n".join(guest.run(f"{program} --help"))
                self.assertTrue(usage.startswith(f"usage: {program} "), usage)
                self.assertIn(f"```\n{usage}\n```\n", page)


class Ends(ConsoleTest):
    def test_shutdown(self):
        guest = self.boot()
        aid, _ = self.receiver(guest, "")
        guest.type("shutdown -i 0", ENTER)
        self.assertEqual(guest.end(), qemu.EXIT_PASS)
        self.assertIn(f"ipcrecv (aid {aid}): ended", guest.output)

    def test_reboot(self):
        guest = self.boot()
        guest.type("reboot", ENTER)
        self.assertEqual(guest.end(), 0)  # -no-reboot

    def test_reboot_starts_anew(self):
        guest = self.boot(reboots=True)
        self.assertEqual(guest.run("echo x > /tmp/f"), [])
        begin = len(guest.output)
        guest.type("reboot", ENTER)
        guest.expect(PROMPT, guest.expect("1 boot actors", begin))
        self.assertEqual(guest.run("source /tmp/f"), ["source: /tmp/f: no such file or directory"])


if __name__ == "__main__":
    unittest.main()
