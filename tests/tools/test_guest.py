"""guest-test and the QEMU plugin against a fake guest that does what it is told."""

import json
import pathlib
import tempfile
import unittest

import support

GUEST_TEST = support.ROOT / "tools" / "guest-test"


class GuestTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.guest = support.fake_guest(cls.directory.name)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def boot(self, behaviour, *options, **environment):
        return support.run(GUEST_TEST, "--kernel", self.guest, "--bank", "none", "--append", behaviour,
                           "--name", f"fake-{behaviour}", "--cpus", "1", *options, **environment)

    def assert_fails(self, behaviour, *options, reason):
        done = self.boot(behaviour, *options)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, reason)

    def test_pass(self):
        done = self.boot("p", "--expect-text", "^fake guest$", "--expect-tests", "2")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("@test fake.two ok with detail", done.stdout)

    def test_everything_but_a_pass_fails(self):
        self.assert_fails("f", reason="1 of 2 target tests failed: fake.two")
        self.assert_fails("x", reason="(?s)nucleus panic: told to.*the guest panicked")
        self.assert_fails("t", reason="without saying that it passed.*triple fault")
        self.assert_fails("s", reason="without saying that it passed")
        self.assert_fails("m", reason="malformed")
        self.assert_fails("h", "--timeout", "1", reason="time limit of 1 s")
        self.assert_fails("l", "--output-limit", "1", reason="printed more than 1 MiB")

    def test_expectations_can_fail(self):
        self.assert_fails("p", "--expect-text", "no such line", reason="no line matches")
        self.assert_fails("p", "--reject-text", "fake", reason="a line matches")
        self.assert_fails("p", "--expect-tests", "3", reason="only 2 @test lines")
        self.assert_fails("p", "--expect-panic", reason="did not panic")
        self.assert_fails("p", "--expect-fail", reason="did not report failure")

    def test_expected_ends(self):
        self.assertEqual(self.boot("x", "--expect-panic", "--expect-text", "told to").returncode, 0)
        self.assertEqual(self.boot("f", "--expect-fail").returncode, 0)

    def test_overrides_reach_the_guest(self):
        done = self.boot("p smp.stress=20", CHORALE_STRESS_SECONDS="7", CHORALE_FASTPATH="off",
                         CHORALE_CPUS="2")
        self.assertEqual(done.returncode, 0, done.stdout)
        log = support.ROOT / "build" / "logs" / "guest-fake-p-smp.stress=20.log"
        command = log.read_text().splitlines()[0]
        self.assertIn("-append p smp.stress=7 fastpath=off", command)
        self.assertIn("-smp 2 ", command)


class PluginTest(unittest.TestCase):
    """Known code between markers: three rounds of 4 user and 6, 6, 16 nucleus instructions."""

    def events(self, mode, *machine):
        with tempfile.TemporaryDirectory() as directory:
            guest, out = support.fake_guest(directory), pathlib.Path(directory) / "counts"
            from chorale import build
            done = support.run(
                "qemu-system-x86_64", "-machine", "q35", "-nodefaults", "-display", "none", "-no-reboot",
                "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-kernel", guest,
                "-append", "c", "-plugin", f"{build.plugin()},out={out},count={mode}", *machine)
            self.assertEqual(done.returncode, 33, done.stderr)
            return [json.loads(line) for line in out.read_text().splitlines()]

    def count(self, *arguments):
        events = self.events(*arguments)
        return {(event["event"], event.get("result"), event.get("scope")): event for event in events}

    def check(self, events):
        for scope in ("local", "all"):
            rounds = events["round", 0, scope]
            self.assertEqual(rounds["n"], 3)
            expected = {"min": 6, "median": 6, "p99": 16, "max": 16, "mean": 9.333, "sum": 28}
            self.assertEqual(rounds["nucleus"], expected)
            self.assertEqual((rounds["user"]["min"], rounds["user"]["max"]), (4, 4))
            self.assertEqual(rounds["total"]["sum"], 40)
            batch = events["batch", 1, scope]
            self.assertEqual((batch["nucleus"]["sum"], batch["user"]["sum"]), (3, 0))
        end = events["exit", None, None]
        self.assertEqual(end["idle"], 3)
        self.assertEqual((end["unknown_markers"], end["unpaired_markers"], end["lost"]), (0, 0, 0))

    def test_by_instruction(self):
        self.check(self.count("insn"))

    def test_by_block(self):
        self.check(self.count("block"))

    def test_profile(self):
        profile = [event for event in self.events("insn,profile=0") if event["event"] == "profile"]
        self.assertEqual(sum(event["count"] for event in profile), 40)
        self.assertEqual({event["count"] for event in profile}, {1, 3})

    def test_under_icount(self):
        self.check(self.count("insn", "-icount", "shift=0"))

    def test_several_cpus(self):
        self.check(self.count("insn", "-smp", "4"))


if __name__ == "__main__":
    unittest.main()
