"""One nucleus, several ways in. They do the same.

x86-64: PVH, and a GRUB ISO under a BIOS and under UEFI. riscv64: OpenSBI alone, and U-Boot above it, which
fetches the system by TFTP or reads it from a disc.
"""

import pathlib
import subprocess
import tempfile
import unittest

from support import ARCH, LEAN, ROOT, SystemTest, machine, paths

from chorale import image, uboot  # noqa: E402

APPEND = f"bench=same bench.rounds=100 {LEAN}"
BANNER = (
    r"^modules: CORE .*\bIPC\b",
    r"^cpu: \S",
    r"^features: \S",
    r"^memory: (4[89]\d|50\d|51[0-2]) MiB usable, nucleus \d+ KiB, bank \d+ KiB$",
    r"^cpus: 4 running, 4 found$",
    r"^actor ipcserver loaded: \d+ KiB, priority 100$",
    r"^actor lapserver loaded: \d+ KiB, priority 101, supervisor$",
    r"^actor ipcbench loaded: \d+ KiB, priority 102$",
    r"^3 boot actors$",
)


class Firmware(SystemTest):
    names = None

    def check(self, firmware, **options):
        loader, patience = machine.LOADERS[firmware]
        run = self.boot(APPEND, paths.bank(ARCH), cpus=4, firmware=firmware, timeout=patience, **options)
        self.assert_passed(run)
        self.assert_says(run, f"^Chorale nucleus for {machine.TITLE}, loaded by {loader}")
        for pattern in BANNER:
            self.assert_says(run, pattern)
        self.assertFalse(run.matches("^boot: "), run.text)
        names = [result["name"] for result in run.outcome.transcript.results]
        self.assertGreater(len(names), 8)
        # Whichever comes first says what the others must measure.
        if Firmware.names is None:
            Firmware.names = names
        self.assertEqual(names, Firmware.names)

    def test_all(self):
        with tempfile.TemporaryDirectory() as directory:
            for firmware in machine.LOADERS:
                iso = {}
                if firmware.endswith("-iso"):
                    path = pathlib.Path(directory) / "boot.iso"
                    iso = {"iso": str(path if path.exists() else image.make_iso(ARCH, APPEND, path))}
                with self.subTest(firmware):
                    self.check(firmware, **iso)

    @unittest.skipIf("uboot" not in machine.LOADERS, "no U-Boot here")
    def test_what_the_command_makes(self):
        made = subprocess.run([ROOT / "chorale", "image", "--arch", ARCH, "--uboot", "--append", APPEND],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(made.returncode, 0, made.stdout)
        self.assertIn("source $scriptaddr", made.stdout)
        # The options that come last count: QEMU starts U-Boot.
        run = self.boot("", "none", extra=uboot.served(paths.uboot(ARCH)))
        self.assert_passed(run)
        self.assert_says(run, "^U-Boot 20")
        self.assert_says(run, "^actor ipcbench loaded")


if __name__ == "__main__":
    unittest.main()
