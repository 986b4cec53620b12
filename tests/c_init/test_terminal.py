"""Types at the console: C_INIT as a Linux program (CHORALE_CONSOLE) at a pseudo terminal."""

import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

PROMPT = "C_INIT> "
LIMIT = 20  # seconds; what is waited for comes in milliseconds
LEFT, RIGHT, UP, DOWN, HOME, END, DELETE = (f"\033{code}" for code in
                                            ("[D", "[C", "[A", "[B", "[H", "[F", "[3~"))
BACKSPACE, TAB, ENTER = "\x7f", "\t", "\r"


def control(letter):
    return chr(ord(letter) - ord("@"))


def shown(text):
    """What is on the screen's last lines: without escape sequences, each line as it was left."""
    lines = []
    for line in text.split("\n"):
        screen, column = [], 0
        for match in re.finditer(r"\033\[([0-9;]*)([A-Za-z])|(.)", line, re.DOTALL):
            count, code, character = match.groups()
            if character == "\r":
                column = 0
            elif character == "\b":
                column -= 1
            elif character is not None and character >= " ":
                screen[column:column + 1] = [character]
                column += 1
            elif code == "C":
                column += int(count or 1)
            elif code == "K":
                del screen[column:]
        lines.append("".join(screen))
    return lines


class Console:
    """The console with a home folder of its own."""

    def __init__(self, home, **variables):
        environment = {"PATH": "/bin", "HOME": str(home), "TERM": "vt100",
                       "ASAN_OPTIONS": "detect_leaks=0", **variables}
        self.terminal, other = pty.openpty()
        self.process = subprocess.Popen([os.environ["CHORALE_CONSOLE"]], stdin=other, stdout=other,
                                        stderr=other, env=environment, cwd=home, start_new_session=False)
        os.close(other)
        self.output = ""
        self.expect(PROMPT)

    def type(self, *keys):
        os.write(self.terminal, "".join(keys).encode())

    def expect(self, text, since=0):
        """Waits until the output from there on has the text; returns where the text ends in it."""
        end = time.monotonic() + LIMIT
        while text not in self.output[since:]:
            if not select.select([self.terminal], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {text!r} in {self.output[since:]!r}")
            self.output += os.read(self.terminal, 4096).decode(errors="replace")
        return self.output.index(text, since) + len(text)

    def run(self, *keys):
        """Types, and returns the lines that are printed until the next prompt."""
        begin = len(self.output)
        self.type(*keys, ENTER)
        printed = self.expect("\r\n", begin)
        end = self.expect(PROMPT, printed)
        return shown(self.output[begin:end - len(PROMPT)])[1:-1]

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
        for keys, line in (
                (("ecko a", LEFT * 3, BACKSPACE, "h"), "a"),
                (("cho abc", HOME, "e"), "abc"),
                (("cho abc", control("A"), "e", control("E"), "d"), "abcd"),
                (("cho abc", HOME, "e", END, "x"), "abcx"),
                (("echo abcdef", LEFT * 3, control("K")), "abc"),
                (("junk echo abc", LEFT * 8, control("U")), "abc"),
                (("echo abc def", control("W"), "x"), "abc x"),
                (("echo abc", control("U"), "echo z"), "z"),
                (("echo abd", LEFT, control("D"), "c"), "abc"),
                (("echo xabc", LEFT * 4, DELETE), "abc"),
                (("echo ab", LEFT, LEFT, RIGHT, "-"), "a-b"),
                (("echo ab", control("T")), "ba"),
                (("echo abc", control("U"), control("Y"), "d"), "abcd"),
                (("echo a\u00e4\u20ac", BACKSPACE, "b"), "a\u00e4b")):
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
