"""Broken archives: the nucleus says what is wrong and where, and runs what stands before it."""

import unittest

from support import QUICK, TEST_BANK, TRAILER, SystemTest, bank, cpio_entry, good_actor

MAGIC, MODE, FILE_SIZE, NAME_SIZE, NAME = 0, 14, 54, 94, 110


def changed(entry, offset, data):
    return entry[:offset] + data + entry[offset + len(data):]


BAD = cpio_entry("bad", b"no program, but these bytes are not looked at\n")

# What stands behind the good actor ends the walk: (bytes, what the console must say)
ENDINGS = {
    "no_trailer": (b"", "no trailer"),
    "magic": (changed(BAD, MAGIC, b"070707"), "not a newc header"),
    "magic_cut": (BAD[:5], "header cut off"),
    "header_cut": (BAD[:109], "header cut off"),
    "name_cut": (BAD[:112], "header cut off"),
    "data_cut": (BAD[:120], "data beyond the end"),
    "bad_digit": (changed(BAD, FILE_SIZE, b"0000000g"), "bad digit in header"),
    "nul_digit": (changed(BAD, MODE, b"0081\0ed0"), "bad digit in header"),
    "name_empty": (changed(BAD, NAME_SIZE, b"00000000"), "empty name"),
    "name_of_nul": (changed(BAD, NAME_SIZE, b"00000001"), "empty name"),
    "name_long": (changed(BAD, NAME_SIZE, b"FFFFFFFF"), "name too long"),
    "unterminated": (changed(BAD, NAME + 3, b"x"), "name not terminated"),
    "data_huge": (changed(BAD, FILE_SIZE, b"FFFFFFFF"), "data beyond the end"),
    "zeros": (bytes(4096), "not a newc header"),
}


class BadBanks(SystemTest):
    def test_endings(self):
        good = good_actor()
        for name, (ending, reason) in ENDINGS.items():
            with self.subTest(name):
                run = self.boot(QUICK, good + ending, cpus=1)
                self.assert_passed(run)
                self.assert_says(run, f"^bank: {reason} at offset {len(good)}$")

    def test_beginnings(self):
        """Nothing is found behind what ends the walk."""
        for name, (beginning, reason) in ENDINGS.items():
            # What is cut off must be the end.
            if "cut" in name or name in ("no_trailer", "data_huge"):
                continue
            with self.subTest(name):
                run = self.boot(QUICK, beginning + bank(good_actor()), cpus=1)
                self.assert_gave_up(run)
                self.assert_says(run, f"^bank: {reason} at offset 0$")

    def test_skipped(self):
        """What is wrong with one entry only leaves that one out."""
        good = good_actor()
        skipped = [(cpio_entry("a/../b", b""), "bad name"), (cpio_entry("a//b", b""), "bad name"),
                   (cpio_entry("red\x1b[31m", b""), "bad name"), (good, "name seen before"),
                   (cpio_entry("./nucleus_tests", b""), "name seen before")]
        run = self.boot(QUICK, bank(good, *(entry for entry, _ in skipped)))
        self.assert_passed(run)
        offset = len(good)
        for entry, reason in skipped:
            self.assert_says(run, f"^bank: {reason} at offset {offset}$")
            offset += len(entry)
        self.assert_says(run, "^1 boot actors$")

    def test_no_programs(self):
        """Directories, links, devices and files with a dot are not for starting."""
        others = [cpio_entry(name, b"", mode) for name, mode in
                  (("directory", 0o40755), ("link", 0o120777), ("device", 0o20600), ("data.txt", 0o100644))]
        self.assert_passed(self.boot(QUICK, bank(*others, good_actor())))
        self.assert_gave_up(self.boot(QUICK, bank(*others)))

    def test_many(self):
        entries = [cpio_entry(f"file{i}.txt", b"") for i in range(300)]
        run = self.boot(QUICK, bank(good_actor(), *entries))
        self.assert_passed(run)
        self.assert_says(run, "^bank: too many entries at offset ")

    def test_missing(self):
        for name, archive in (("missing", "none"), ("byte", b"0"), ("trailer", TRAILER)):
            with self.subTest(name):
                run = self.boot(QUICK, archive)
                self.assert_gave_up(run)
                self.assert_says(run, "^boot: nothing to run")

    def test_truncated(self):
        """The real bank, cut off at places over its whole length."""
        whole = TEST_BANK.read_bytes()
        for length in (1, 6, 110, 124, len(whole) // 2, len(whole) - len(TRAILER)):
            with self.subTest(length=length):
                run = self.boot(QUICK, whole[:length])
                self.assert_says(run, r"^bank: .* at offset \d+$")
                if length < 100_000:
                    self.assert_gave_up(run)
                else:
                    self.assertEqual(run.outcome.stopped, "", run.text)


if __name__ == "__main__":
    unittest.main()
