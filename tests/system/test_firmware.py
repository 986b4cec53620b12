"""One nucleus, three ways in: PVH, and a GRUB ISO under a BIOS and under UEFI. They do the same."""

import pathlib
import tempfile
import unittest

from support import ARCH, LEAN, SystemTest, paths

from chorale import image  # noqa: E402

APPEND = f"bench=same bench.rounds=100 {LEAN}"
BANNER = (
    r"^modules: CORE .*\bIPC\b",
    r"^cpu: \S",
    r"^features: \S",
    r"^memory: (4[89]\d|50\d|51[0-2]) MiB usable, nucleus \d+ KiB, bank \d+ KiB$",
    r"^cpus: 4 running, 4 found$",
    r"^actor ipcserver loaded: \d+ KiB, priority 100$",
    r"^actor ipcbench loaded: \d+ KiB, priority 101$",
    r"^2 boot actors$",
)


class Firmware(SystemTest):
    names = None

    def check(self, loader, **options):
        run = self.boot(APPEND, paths.bank(ARCH), cpus=4, **options)
        self.assert_passed(run)
        self.assert_says(run, f"^Chorale nucleus for x86-64, loaded by {loader}")
        for pattern in BANNER:
            self.assert_says(run, pattern)
        self.assertFalse(run.matches("^boot: "), run.text)
        names = [result["name"] for result in run.outcome.transcript.results]
        self.assertGreater(len(names), 8)
        # Whichever comes first says what the others must measure.
        if Firmware.names is None:
            Firmware.names = names
        self.assertEqual(names, Firmware.names)

    def test_pvh(self):
        self.check("PVH")

    def test_iso(self):
        with tempfile.TemporaryDirectory() as directory:
            iso = str(image.make_iso(ARCH, APPEND, pathlib.Path(directory) / "boot.iso"))
            for firmware, patience in (("seabios-iso", 60), ("ovmf-iso", 120)):
                with self.subTest(firmware):
                    self.check("GRUB", firmware=firmware, iso=iso, timeout=patience)


if __name__ == "__main__":
    unittest.main()
