"""Machines that only riscv64 knows: boards, interrupt controllers, harts without something, old firmware."""

import tempfile
import unittest

import lying_firmware
from lying_firmware import SBI_HSM, SBI_IPI, SBI_RESET, SBI_RFENCE, SBI_TIME
from support import LEAN, QUICK, SYSTEM_BANK
from test_machines import THREADS, MachineTest

# Some machines change what switching threads saves, and how time passes; most do not.
DEEP = f"test=all smp.stress=0 {LEAN}"


class MachinesOfRiscv(MachineTest):
    def test_unleashed(self):
        """A board with a small first hart, no way to end with a status, another serial port."""
        for cpus in (1, 4):
            self.check("^cpu: SiFive HiFive Unleashed A00$", "^features: .*sbi-timer",
                       r"^irq: \d+ lines through the PLIC$", f"^cpus: {cpus} running, {cpus} found$",
                       machine="sifive_u", cpus=cpus)

    def test_interrupt_controllers(self):
        for board, name in (("virt", "PLIC"), ("virt,aclint=on", "PLIC"), ("virt,aia=aplic", "APLIC"),
                            ("virt,aia=aplic-imsic", "APLIC with IMSIC"),
                            ("virt,aia=aplic-imsic,aia-guests=3", "APLIC with IMSIC")):
            with self.subTest(board):
                arrived = [rf"^irq: line \d+ arrived on cpu {cpu} through the {name}" for cpu in range(3)]
                self.check(rf"^irq: \d+ lines through the {name}$", "^cpus: 3 running, 3 found$", *arrived,
                           machine=board, cpus=3, append=f"{THREADS} irq=check")

    def test_without_a_feature(self):
        for cpu, append, features in (
                ("rv64,sstc=off", THREADS, r"fpu .*\bsbi-timer\b"),
                ("rv64,f=off,d=off", THREADS, "asid (?!fpu)"),
                ("rv64,h=off", DEEP, "fpu"),
                ("rv64,zba=off,zbb=off,zbc=off,zbs=off", THREADS, "fpu"),
                ("rv64,pmu-num=0", THREADS, "fpu"), ("sifive-u54", THREADS, r"fpu .*\bsbi-timer\b")):
            with self.subTest(cpu):
                self.check(f"^features: .*{features}", append=append, cpu=cpu)

    def test_with_more_features(self):
        self.check("^features: .*fpu", append=DEEP, cpu="rv64,v=on,svpbmt=on,svnapot=on,svinval=on")

    def test_what_is_measured_by(self):
        run = self.check(append=f"bench=null_call {LEAN}", archive=SYSTEM_BANK)
        self.assertIn(run.outcome.transcript.meta["counter"], ("cycle", "time"))

    def test_64_harts(self):
        self.check("^cpus: 64 running, 64 found$", append=QUICK, cpus=64, memory="1G")


class OldFirmware(MachineTest):
    """OpenSBI without some of its extensions: what is older takes their place, or a line says what lacks."""

    def boot_without(self, *extensions, **options):
        with tempfile.TemporaryDirectory() as directory:
            extra = lying_firmware.firmware_without(directory, *extensions)
            return self.boot(THREADS, extra=extra, cpus=3, **options)

    def check_without(self, extensions, cpus, name):
        run = self.boot_without(*extensions)
        self.assert_passed(run)
        self.assert_says(run, f"^cpus: {cpus} running, {cpus} found$")
        self.assertFalse(run.matches(rf"^features: .*\b{name}\b"), run.text)
        return run

    def test_without_timer(self):
        """Sstc does it alone."""
        self.assert_passed(self.boot_without(SBI_TIME))

    def test_without_any_timer(self):
        run = self.boot_without(SBI_TIME, cpu="rv64,sstc=off")
        self.assert_panicked(run, "boot: neither Sstc nor a timer")

    def test_without_ipi(self):
        self.check_without((SBI_IPI,), 3, "ipi")

    def test_without_remote_fence(self):
        self.check_without((SBI_RFENCE,), 3, "rfence")

    def test_without_reset(self):
        self.check_without((SBI_RESET,), 3, "srst")

    def test_without_hart_management(self):
        run = self.check_without((SBI_HSM,), 1, "hsm")
        self.assert_says(run, "^smp: the firmware cannot start harts$")

    def test_without_anything(self):
        self.check_without((SBI_TIME, SBI_HSM, SBI_IPI, SBI_RFENCE, SBI_RESET), 1, "srst")


if __name__ == "__main__":
    unittest.main()
