"""The BusyBox that the system's tests run is whole: its applets do their work on this machine, or in QEMU's
user mode."""

import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ARCH = os.environ.get("CHORALE_TEST_ARCH", "x86_64")
EMULATOR = {"x86_64": [], "riscv64": ["qemu-riscv64-static"]}[ARCH]
BUSYBOX = [*EMULATOR, str(ROOT / "build" / ARCH / "bin" / "busybox")]


class Busybox(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="chorale busybox ")
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def applet(self, *words, typed=b"", status=0):
        done = subprocess.run([*BUSYBOX, *words], input=typed, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              cwd=self.folder, env={"TZ": "UTC"}, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (status, b""))
        return done.stdout

    def test_files(self):
        pathlib.Path(self.folder, "one").write_text("b\na\nc\n")
        self.applet("cp", "one", "two")
        self.applet("mv", "two", "three")
        self.assertEqual(self.applet("ls"), b"one\nthree\n")
        self.assertEqual(self.applet("find", ".", "-name", "t*"), b"./three\n")
        self.assertEqual(self.applet("cat", "one", "three"), b"b\na\nc\nb\na\nc\n")
        self.applet("tar", "cf", "all.tar", "one", "three")
        self.applet("rm", "one", "three")
        self.assertEqual(self.applet("tar", "tf", "all.tar"), b"one\nthree\n")
        self.applet("tar", "xf", "all.tar")
        self.assertEqual(self.applet("wc", "three"), b"        3         3         6 three\n")

    def test_text(self):
        text = b"b 2\na 1\nc 3\n"
        self.assertEqual(self.applet("sort", typed=text), b"a 1\nb 2\nc 3\n")
        self.assertEqual(self.applet("grep", "[ab]", typed=text), b"b 2\na 1\n")
        self.assertEqual(self.applet("sed", "s/ /-/;2d", typed=text), b"b-2\nc-3\n")
        self.assertEqual(self.applet("awk", "{n += $2} END {print n / 4}", typed=text), b"1.5\n")
        self.assertEqual(self.applet("md5sum", typed=b"abc"), b"900150983cd24fb0d6963f7d28e17f72  -\n")
        self.assertEqual(self.applet("gunzip", typed=self.applet("gzip", typed=text)), text)
        self.assertIn(b"61 62 63", self.applet("hexdump", "-C", typed=b"abc"))
        self.assertEqual(self.applet("date", "-d", "@0", "+%Y-%m-%d"), b"1970-01-01\n")

    def test_every_applet_that_is_needed_is_there(self):
        needed = b"ls cat cp mv rm find grep sed awk wc sort md5sum gzip tar vi hexdump date".split()
        self.assertLessEqual(set(needed), set(self.applet("--list").split()))


if __name__ == "__main__":
    unittest.main()
