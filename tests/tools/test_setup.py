"""Set-up without a package manager at hand: who is asked, what is said, what is run."""

import io
import pathlib
import tempfile
import unittest
from unittest import mock

import support  # noqa: F401  (puts tools/ on the module path)
from chorale import paths, setup
from chorale.errors import Failure

MISSING = ["mtools", "xorriso"]


class RootTest(unittest.TestCase):
    def prefix(self, uid=1000, sudo="/usr/bin/sudo", tty=False, answer="", ci=None):
        stdin = io.StringIO(answer)
        stdin.isatty = lambda: tty
        with (mock.patch("os.geteuid", return_value=uid), mock.patch("sys.stdin", stdin),
              mock.patch("sys.stderr", io.StringIO()), mock.patch("shutil.which", return_value=sudo),
              mock.patch.dict("os.environ", {"CI": ci} if ci else {}, clear=True),
              mock.patch("subprocess.run", return_value=mock.Mock(returncode=0))):
            return setup.root_prefix(MISSING)

    def test_root_and_ci_are_never_asked(self):
        self.assertEqual(self.prefix(uid=0, tty=True), [])
        self.assertEqual(self.prefix(ci="true", tty=True), ["sudo", "-n"])

    def test_a_person_is_asked(self):
        self.assertEqual(self.prefix(tty=True, answer="y\n"), ["sudo"])
        for answer in ("n\n", "\n", ""):
            with self.assertRaisesRegex(Failure, "nothing was installed; type:\n  sudo apt-get install"):
                self.prefix(tty=True, answer=answer)

    def test_what_to_type_is_said_where_nobody_can_be_asked(self):
        with self.assertRaisesRegex(Failure, "sudo apt-get install .* mtools xorriso"):
            self.prefix(tty=False)
        with self.assertRaisesRegex(Failure, "as root, type:\n  apt-get install .* mtools xorriso"):
            self.prefix(sudo=None)


class InstallTest(unittest.TestCase):
    """`statuses` are those of the apt-get runs in their order."""

    def install(self, statuses, have_lists=True):
        ran = []

        def run_logged(command, log, on_line=None, append=False):
            ran.append("update" if "update" in command else "install")
            return statuses[len(ran) - 1]

        with (tempfile.TemporaryDirectory() as directory,
              mock.patch.object(paths, "LOGS", pathlib.Path(directory)),
              mock.patch.object(setup, "have_package_lists", return_value=have_lists),
              mock.patch("chorale.process.run_logged", run_logged)):
            try:
                setup.install(MISSING, [], mock.Mock())
            except Failure:
                ran.append("failure")
        return ran

    def test_lists_are_fetched_when_there_are_none(self):
        self.assertEqual(self.install([0, 0], have_lists=False), ["update", "install"])
        self.assertEqual(self.install([100], have_lists=False), ["update", "failure"])

    def test_stale_lists_are_fetched_again(self):
        self.assertEqual(self.install([0]), ["install"])
        self.assertEqual(self.install([100, 0, 0]), ["install", "update", "install"])
        self.assertEqual(self.install([100, 0, 100]), ["install", "update", "install", "failure"])

    def test_every_wanted_package_is_named_once_and_missing_ones_are_found(self):
        wanted = setup.wanted_packages()
        self.assertEqual(len(wanted), len(set(wanted)))
        self.assertIn("clang-19", wanted)
        self.assertEqual(setup.missing_packages(["python3", "no-such-package"]), ["no-such-package"])


if __name__ == "__main__":
    unittest.main()
