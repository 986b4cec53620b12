"""A file that comes out of a guest through its console: the lines that `ktrace --send` prints, each with its
number and a checksum (actors/commands/ktrace/transfer.hpp). What others print between them does no harm; a
line that they have cut in two is missing, and can be asked for again.
"""

import re
import zlib

MARK = "=ktrace= "
LINE = re.compile(r"=ktrace= (\d{1,9}) ([0-9a-f]{8}) (.*)")
END = re.compile(r"=ktrace= end (\d{1,9}) ([0-9a-f]{8})")


def has_sum(text, wanted):
    return f"{zlib.crc32(text.encode()):08x}" == wanted


class Transfer:
    """What has come of the file so far."""

    def __init__(self):
        self.lines = {}  # number -> text
        self.count = None  # lines of the file, once its end has come

    def feed(self, line):
        """Takes a line of the console. Returns whether it was the end of a transfer, whole or not."""
        # A line may have been printed behind the beginning of somebody else's.
        line = line[max(line.find(MARK), 0):]
        if (match := END.fullmatch(line)) and has_sum(f"end {match[1]}", match[2]):
            self.count = int(match[1])
            return True
        if (match := LINE.fullmatch(line)) and has_sum(f"{match[1]} {match[3]}", match[2]):
            self.lines[int(match[1])] = match[3]
        return line.startswith(MARK + "end")

    def missing(self):
        """Of the lines whose number is known to be one of the file's."""
        return [number for number in range(self.count or 0) if number not in self.lines]

    def complete(self):
        return self.count is not None and not self.missing()

    def text(self):
        return "".join(self.lines[number] + "\n" for number in range(self.count))
