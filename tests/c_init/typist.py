"""Types at a console and reads what it prints, wherever it runs."""

import codecs
import os
import re
import select
import time

PROMPT = "C_INIT> "
LEFT, RIGHT, UP, DOWN, HOME, END, DELETE = (f"\033{code}" for code in
                                            ("[D", "[C", "[A", "[B", "[H", "[F", "[3~"))
BACKSPACE, TAB, ENTER = "\x7f", "\t", "\r"


def control(letter):
    return chr(ord(letter) - ord("@"))


# Keys, and what the command prints that they make of the line.
EDITED = (
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
    (("echo a\u00e4\u20ac", BACKSPACE, "b"), "a\u00e4b"),
)


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


class Typist:
    """At the terminal of that descriptor; `limit`: seconds that anything may take."""

    def __init__(self, terminal, limit):
        self.terminal, self.limit = terminal, limit
        self.output = ""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def type(self, *keys):
        os.write(self.terminal, "".join(keys).encode())

    def read(self, timeout):
        """False: nothing came in that time."""
        if not select.select([self.terminal], [], [], max(0, timeout))[0]:
            return False
        try:
            data = os.read(self.terminal, 4096)
        except OSError:  # so a pseudo terminal says that nobody has its other end
            data = b""
        self.output += self._decode(data)
        return bool(data)

    def expect(self, text, since=0):
        """Waits until the output from there on has the text; returns where the text ends in it."""
        end = time.monotonic() + self.limit
        while text not in self.output[since:]:
            if not self.read(end - time.monotonic()):
                raise AssertionError(f"no {text!r} in {self.output[since:]!r}")
        return self.output.index(text, since) + len(text)

    def run(self, *keys):
        """Types, and returns the lines that are printed until the next prompt."""
        begin = len(self.output)
        self.type(*keys, ENTER)
        printed = self.expect("\r\n", begin)
        end = self.expect(PROMPT, printed)
        return shown(self.output[begin:end - len(PROMPT)])[1:-1]
