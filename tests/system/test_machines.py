"""Machines that are unlike the usual one: the nucleus starts with what is there, or says what it needs."""

import unittest

from support import LEAN, QUICK, TEST_BANK, SystemTest, bank, cpio_entry, good_actor, qemu

THREADS = f"test=threads {LEAN}"


class Machines(SystemTest):
    def check(self, *patterns, append=THREADS, archive=TEST_BANK, **options):
        run = self.boot(append, archive, **options)
        self.assert_passed(run)
        for pattern in patterns:
            self.assert_says(run, pattern)
        return run

    def test_fewer_cpus_wanted(self):
        self.check("^cpus: 3 running", append=f"{THREADS} cpus=3", cpus=4)

    def test_odd_number_of_cpus(self):
        self.check("^cpus: 5 running, 5 found$", cpus=5)

    def test_more_cpus_than_are_supported(self):
        self.check("^acpi: APIC: CPUs ignored", "^cpus: 64 running", cpus=70, memory="1G", append=QUICK)

    def test_cpus_that_are_not_plugged_in(self):
        self.check("^cpus: 2 running, 2 found$", extra=("-smp", "2,maxcpus=6"))

    def test_no_hpet(self):
        self.check("^cpus: 2 running, 2 found$", extra=("-machine", "hpet=off"))

    def test_old_chipset(self):
        self.check("^cpus: 2 running, 2 found$", extra=("-machine", "pc"))

    def test_two_nodes(self):
        nodes = []
        for node in (0, 1):
            nodes += ["-object", f"memory-backend-ram,id=m{node},size=256M",
                      "-numa", f"node,cpus={node},memdev=m{node}"]
        self.check("^cpus: 2 running, 2 found$", "^memory: 511 MiB", extra=nodes)

    def test_without_a_feature(self):
        for missing in ("smap", "smep", "umip", "fsgsbase", "pge", "pdpe1gb", "xsave", "avx", "rdrand"):
            with self.subTest(missing):
                # These change what switching threads saves.
                deep = missing in ("fsgsbase", "xsave")
                self.check(r"^features: nx\b", append=f"test=all smp.stress=0 {LEAN}" if deep else QUICK,
                           cpu=f"max,-erms,-fsrm,-{missing}")

    def test_without_what_is_needed(self):
        run = self.boot(QUICK, cpu="max,-nx")
        self.assertEqual(run.outcome.status, qemu.EXIT_PANIC, run.text)
        self.assertRegex(run.outcome.transcript.panic[0], "has no NX")

    def test_little_memory(self):
        self.check("^memory: (1[56]) MiB usable", memory="16M", append=QUICK)

    def test_large_bank(self):
        filler = cpio_entry("filler.dat", bytes(40 << 20))
        self.check("^memory: .* bank 41[0-9]{3} KiB$", archive=bank(filler, good_actor()), memory="128M")

    def test_bank_that_fills_the_memory(self):
        filler = cpio_entry("filler.dat", bytes(50 << 20))
        self.check(r"^memory: 63 MiB usable", archive=bank(good_actor(), filler), append=QUICK, memory="64M")


if __name__ == "__main__":
    unittest.main()
