"""Machines that only x86-64 knows: CPUs behind ACPI, old chipsets, NUMA nodes, features that are missing."""

import unittest

from support import LEAN, QUICK
from test_machines import MachineTest


class MachinesOfX86(MachineTest):
    def test_more_cpus_than_are_supported(self):
        self.check("^acpi: APIC: CPUs ignored", "^cpus: 64 running", cpus=70, memory="1G", append=QUICK)

    def test_cpus_that_are_not_plugged_in(self):
        self.check("^cpus: 2 running, 2 found$", extra=("-smp", "2,maxcpus=6"))

    def test_no_hpet(self):
        self.check("^cpus: 2 running, 2 found$", extra=("-machine", "hpet=off"))

    def test_old_chipset(self):
        self.check("^cpus: 2 running, 2 found$", machine="pc")

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
        self.assert_panicked(self.boot(QUICK, cpu="max,-nx"), "has no NX")


if __name__ == "__main__":
    unittest.main()
