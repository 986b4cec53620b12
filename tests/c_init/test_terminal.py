"""Types at the console: C_INIT as a Linux program (CHORALE_CONSOLE) at a pseudo terminal."""

import os
import pathlib
import pty
import re
import signal
import subprocess
import tempfile
import time
import unittest

from typist import DOWN, EDITED, ENTER, PROMPT, TAB, UP, Typist, control

LIMIT = 60  # seconds; what is waited for comes in milliseconds, unless the machine is busy


class Console(Typist):
    """The console with a home folder of its own."""

    def __init__(self, home, **variables):
        environment = {"PATH": "/bin", "HOME": str(home), "TERM": "vt100",
                       "ASAN_OPTIONS": "detect_leaks=0", **variables}
        terminal, other = pty.openpty()
        super().__init__(terminal, LIMIT)
        self.process = subprocess.Popen([os.environ["CHORALE_CONSOLE"]], stdin=other, stdout=other,
                                        stderr=other, env=environment, cwd=home)
        os.close(other)
        self.expect(PROMPT)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.terminal)


class TerminalTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="c_init-")
        self.addCleanup(scratch.cleanup)
        self.home = pathlib.Path(scratch.name)
        self.console = self.start()

    def start(self, **variables):
        console = Console(self.home, **variables)
        self.addCleanup(console.close)
        return console

    def test_greets(self):
        self.assertIn("C_INIT: console of site 7, user console. Type `help`.\r\n", self.console.output)

    def test_runs_commands_and_programs(self):
        self.assertEqual(self.console.run("echo a b"), ["a b"])
        self.assertEqual(self.console.run(""), [])
        lines = self.console.run("arun /bin/echo c")
        self.assertRegex(lines[0], r"^Started aid = \d+$")
        self.assertEqual(lines[1:], ["c"])
        self.assertEqual(self.console.run("uname"), ["Linux"])
        self.assertEqual(self.console.run("false"), [])
        self.assertEqual(self.console.run("echo $?"), ["1"])
        self.assertEqual(self.console.run("no-such"),
                         ["no-such: no such command, and no such program in /bin"])

    def test_editing_keys(self):
        for keys, line in EDITED:
            with self.subTest(keys=keys):
                self.assertEqual(self.console.run(*keys), [line])

    def test_history(self):
        for word in ("one", "two", "three"):
            self.console.run(f"echo {word}")
        self.assertEqual(self.console.run(UP), ["three"])
        self.assertEqual(self.console.run(UP, UP), ["two"])
        self.assertEqual(self.console.run(UP, UP, UP, DOWN, DOWN), ["two"])
        self.assertEqual(self.console.run(control("R"), "thr"), ["three"])

    def test_history_outlives_the_console(self):
        self.console.run("echo 'back\\slash'")
        self.console.close = lambda: None
        self.console.process.kill()
        self.console.process.wait()
        again = self.start()
        self.assertEqual(again.run(UP), ["back\\slash"])
        self.assertEqual((self.home / ".c_init_history").stat().st_mode & 0o777, 0o600)

    def test_completion(self):
        (self.home / "a file").write_text("inside\n")
        (self.home / "other1").write_text("1\n")
        (self.home / "other2").write_text("2\n")
        self.assertEqual(self.console.run("unse", TAB, "X"), [])
        self.assertEqual(self.console.run("cat a", TAB), ["inside"])
        self.assertEqual(self.console.run("cat o", TAB, "2"), ["2"])
        self.assertEqual(self.console.run("cat o", TAB, TAB), ["1"])
        self.assertEqual(self.console.run("cat o", TAB, TAB, TAB), ["2"])
        self.assertEqual(self.console.run("/bin/ec", TAB, "hi"), ["hi"])

    def test_interrupt_ends_the_foreground(self):
        begin = len(self.console.output)
        self.console.type("arun -q /bin/sleep 1000", ENTER)
        self.console.expect("\r\n", begin)
        self.wait_for_foreground()
        self.console.type(control("C"))
        printed = self.console.expect("): interrupted", begin)
        self.console.expect(PROMPT, printed)
        self.assertEqual(self.console.run("echo $?"), [str(128 + signal.SIGINT)])

    def wait_for_foreground(self):
        """Until the terminal is another process group's."""
        end = time.monotonic() + LIMIT
        while os.tcgetpgrp(self.console.terminal) == self.console.process.pid:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def test_interrupt_at_the_prompt_drops_the_line(self):
        begin = len(self.console.output)
        self.console.type("echo lost", control("C"))
        self.console.expect("\n", begin)
        self.console.expect(PROMPT, self.console.expect("lost", begin))
        self.assertEqual(self.console.run("echo kept"), ["kept"])

    def test_background(self):
        started = self.console.run("arun /bin/sleep 1000 &")
        aid = re.fullmatch(r"Started aid = (\d+)", started[0]).group(1)
        self.assertTrue([line for line in self.console.run("aps") if f" {aid} " in line])
        lines = self.console.run(f"akill {aid}")
        end = time.monotonic() + LIMIT
        while not lines:  # the end is told before the next prompt
            self.assertLess(time.monotonic(), end)
            lines = self.console.run("")
        self.assertEqual(lines, [f"sleep (aid {aid}): killed"])

    def test_redirections(self):
        self.console.run("uname > f")
        self.console.run("echo more >> f")
        self.assertEqual(self.console.run("cat < f"), ["Linux", "more"])
        self.console.run("cat nowhere 2> e")
        self.assertIn("No such file", (self.home / "e").read_text())

    def test_source_stops_at_an_interrupt(self):
        (self.home / "s").write_text("echo begin\nsleep-long\n/bin/sleep 1000\necho after\n")
        begin = len(self.console.output)
        self.console.type("source s", ENTER)
        self.console.expect("s:2: sleep-long: no such command", begin)
        self.wait_for_foreground()
        self.console.type(control("C"))
        end = self.console.expect(PROMPT, self.console.expect("interrupted", begin))
        self.assertNotIn("after", self.console.output[begin:end])

    def test_end_of_input_keeps_the_console(self):
        begin = len(self.console.output)
        self.console.type(control("D"))
        self.console.expect(PROMPT, self.console.expect("shutdown -i 0", begin))
        self.assertEqual(self.console.run("echo here"), ["here"])

    def test_shutdown(self):
        begin = len(self.console.output)
        self.console.type("shutdown -i 0", ENTER)
        self.console.expect("The machine is off.", begin)
        self.assertEqual(self.console.process.wait(LIMIT), 0)

    def test_programs_leave_the_terminal_as_it_was(self):
        self.console.run("stty raw -echo")
        self.assertEqual(self.console.run("echo a"), ["a"])
        self.assertTrue([line for line in self.console.run("stty -a") if " icanon" in line])


class WithoutTerminalTest(unittest.TestCase):
    def test_lines_from_a_pipe(self):
        with tempfile.TemporaryDirectory(prefix="c_init-") as home:
            done = subprocess.run([os.environ["CHORALE_CONSOLE"]], input="echo a\nfalse\necho $?\nfalse\n",
                                  capture_output=True, text=True, env={"HOME": home}, timeout=LIMIT,
                                  check=False)
        self.assertEqual(done.stdout.replace(PROMPT, "").splitlines()[1:], ["a", "1"])
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main()
