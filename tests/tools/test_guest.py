"""guest-test and the QEMU plugin against a fake guest that does what it is told."""

import json
import pathlib
import tempfile
import unittest

import support
from chorale import bench, build, paths, qemu

GUEST_TEST = support.ROOT / "tools" / "guest-test"


class GuestTests:
    """What holds on every architecture."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.guest = support.fake_guest(cls.directory.name, cls.arch)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def boot(self, behaviour, *options, **environment):
        return support.run(GUEST_TEST, "--arch", self.arch, "--kernel", self.guest, "--bank", "none",
                           "--append", behaviour, "--name", f"fake-{self.arch}-{behaviour}", "--cpus", "1",
                           *options, **environment)

    def assert_fails(self, behaviour, *options, reason):
        done = self.boot(behaviour, *options)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, reason)

    def test_pass(self):
        done = self.boot("p", "--expect-text", "^fake guest$", "--expect-tests", "2")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("guest-test: ok, 2 tests", done.stdout)

    def test_everything_but_a_pass_fails(self):
        self.assert_fails("f", reason="1 of 2 target tests failed: fake.two")
        self.assert_fails("x", reason="(?s)nucleus panic: told to.*the guest panicked")
        self.assert_fails("t", reason="without saying that it passed.*powered off or reset")
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

    def test_whoever_watches_may_end_it(self):
        def on_line(_kind, line, _transcript):
            if line == "about to hang":
                raise qemu.Stop("enough")

        machine = qemu.Machine(arch=self.arch, kernel=str(self.guest), bank="none", append="h", cpus=1)
        outcome = qemu.boot(machine, paths.log(f"guest-fake-{self.arch}-stop"), 60, on_line)
        self.assertEqual((outcome.problem(), outcome.status), ("enough", None))
        self.assertLess(outcome.seconds, 60)

    def test_overrides_reach_the_guest(self):
        done = self.boot("p smp.stress=20", CHORALE_STRESS_SECONDS="7", CHORALE_FASTPATH="off",
                         CHORALE_CPUS="2")
        self.assertEqual(done.returncode, 0, done.stdout)
        command = paths.log(f"guest-fake-{self.arch}-p-smp.stress=20").read_text().splitlines()[0]
        self.assertIn("-append p smp.stress=7 fastpath=off", command)
        self.assertIn("-smp 2 ", command)


class GuestOnX86(GuestTests, unittest.TestCase):
    arch = "x86_64"


class GuestOnRiscv(GuestTests, unittest.TestCase):
    arch = "riscv64"

    def test_by_boot_loader(self):
        for firmware in ("uboot", "uboot-disk"):
            with self.subTest(firmware):
                done = self.boot("p", "--firmware", firmware, "--expect-text", "^U-Boot 20",
                                 "--expect-text", "^fake guest$", "--expect-tests", "2")
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assert_fails("f", "--firmware", firmware, reason="1 of 2 target tests failed: fake.two")

    def test_machine_that_tells_no_status(self):
        """There the guest's own words count, and that it ended at all."""
        board = ("--machine", "sifive_u", "--timeout", "5")
        self.assertEqual(self.boot("r", *board).returncode, 0)
        self.assert_fails("r", reason="ended wrongly: QEMU exit status 0")
        self.assert_fails("t", *board, reason="without saying that it passed.*powered off or reset")
        self.assert_fails("t", *board, "--expect-panic", reason="did not panic")

    def test_firmware_of_another_architecture(self):
        self.assert_fails("p", "--firmware", "pvh", reason="riscv64 has no firmware pvh")


class PluginTests:
    """Known code between markers: three rounds of 4 user and 6, 6, 16 nucleus instructions."""

    def events(self, mode, more="", **machine):
        with tempfile.TemporaryDirectory() as directory:
            guest, out = support.fake_guest(directory, self.arch), pathlib.Path(directory) / "counts"
            addresses = bench.address_options(self.arch, guest)
            plugin = f"{build.plugin()},out={out},count={mode}{addresses}{more}"
            command = qemu.Machine(arch=self.arch, kernel=str(guest), bank="none", append="c", plugin=plugin,
                                   **dict({"cpus": 1}, **machine)).command(directory, ["-serial", "stdio"])
            done = support.run(*command)
            self.assertEqual(done.returncode, 33, done.stderr)
            return [json.loads(line) for line in out.read_text().splitlines()]

    def count(self, *arguments, **machine):
        events = self.events(*arguments, **machine)
        return {(event["event"], event.get("result"), event.get("scope")): event for event in events}

    def check(self, events, cpus=1):
        for scope in ("local", "all"):
            rounds = events["round", 0, scope]
            self.assertEqual(rounds["n"], 3)
            expected = {"min": 6, "median": 6, "p99": 16, "max": 16, "mean": 9.333, "sum": 28}
            self.assertEqual(rounds["nucleus"], expected)
            self.assertEqual((rounds["user"]["min"], rounds["user"]["max"]), (4, 4))
            self.assertEqual(rounds["total"]["sum"], 40 + rounds["firmware"]["sum"])
            if scope == "local" or cpus == 1:  # on other CPUs the firmware may still be starting them
                self.assertEqual((rounds["firmware"]["min"], rounds["firmware"]["median"]), (0, 0))
            self.assertEqual(rounds["firmware"]["max"] > 10, self.has_firmware)
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
        profile = [event for event in self.events("insn", ",profile=0") if event["event"] == "profile"]
        code = [event for event in profile if not self.is_firmware(event["address"])]
        self.assertEqual(sum(event["count"] for event in code), 40)
        self.assertEqual({event["count"] for event in code}, {1, 3})
        self.assertEqual(len(profile) > len(code), self.has_firmware)

    def test_under_icount(self):
        self.check(self.count("insn", icount=True))

    def test_several_cpus(self):
        self.check(self.count("insn", cpus=4), cpus=4)

    def test_bad_arguments(self):
        for bad in ("image=5", "image=5-4", "firmware=1-2x", "nonsense=1"):
            with self.subTest(bad), self.assertRaises(AssertionError) as caught:
                self.events("insn", "," + bad)
            self.assertIn(f"bad argument {bad}", str(caught.exception))

    def is_firmware(self, address):
        return self.has_firmware and 0x80000000 <= address < 0x80200000


class PluginOnX86(PluginTests, unittest.TestCase):
    arch = "x86_64"
    has_firmware = False


class PluginOnRiscv(PluginTests, unittest.TestCase):
    """OpenSBI's instructions are the firmware's; what it did before its hand-over is not the boot's."""

    arch = "riscv64"
    has_firmware = True
    RESET_VECTOR = 6  # instructions of QEMU's own, at 0x1000, before the firmware

    def test_boot(self):
        events = self.count("insn")
        boot, end = events["boot", None, None], events["exit", None, None]
        # The fake guest asks the firmware to print a character at a time.
        self.assertGreater(boot["firmware"], 100)
        self.assertLess(boot["firmware"], end["firmware"] / 10)
        # All its code before the marker, which runs below the upper half, and nothing of a user's.
        self.assertGreater(boot["instructions"] - boot["firmware"], 100)
        self.assertEqual(end["user"], 4 * 3 + self.RESET_VECTOR)

    def test_addresses(self):
        with tempfile.TemporaryDirectory() as directory:
            addresses = bench.address_options("riscv64", support.fake_guest(directory, "riscv64"))
        self.assertEqual(addresses, ",entry=0x80200000,image=0x80200000-0x80204000,"
                                    "firmware=0x80000000-0x80200000")


if __name__ == "__main__":
    unittest.main()
