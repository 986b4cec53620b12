"""Machines that are unlike the usual one: the nucleus starts with what is there, or says what it needs.

Here is what holds on every architecture; the rest is in test_machines_<architecture>.py.
"""

import unittest

from support import LEAN, QUICK, TEST_BANK, SystemTest, bank, cpio_entry, good_actor, machine

THREADS = f"test=threads {LEAN}"


class MachineTest(SystemTest):
    def check(self, *patterns, append=THREADS, archive=TEST_BANK, **options):
        run = self.boot(append, archive, **options)
        self.assert_passed(run)
        for pattern in patterns:
            self.assert_says(run, pattern)
        return run


class Machines(MachineTest):
    def test_fewer_cpus_wanted(self):
        self.check("^cpus: 3 running", append=f"{THREADS} cpus=3", cpus=4)

    def test_odd_number_of_cpus(self):
        self.check("^cpus: 5 running, 5 found$", cpus=5)

    def test_more_cpus_than_are_supported(self):
        self.check("^cpus: 64 running", cpus=70, memory="1G", append=QUICK)

    def test_little_memory(self):
        self.check("^memory: (1[56]) MiB usable", memory="16M", append=QUICK)

    def test_large_bank(self):
        filler = cpio_entry("filler.dat", bytes(40 << 20))
        self.check("^memory: .* bank 41[0-9]{3} KiB$", archive=bank(filler, good_actor()), memory="128M")

    def test_bank_that_fills_the_memory(self):
        filler = cpio_entry("filler.dat", bytes(machine.ROOM_FOR_A_BANK))
        self.check(r"^memory: 6[34] MiB usable", archive=bank(good_actor(), filler), append=QUICK,
                   memory="64M")


if __name__ == "__main__":
    unittest.main()
