"""riscv64 machines whose firmware tells the nucleus something else than the truth.

QEMU and OpenSBI read the device tree first, and would die of a bad one before the nucleus sees it. So another
one is put beside the nucleus: a raw image of a few instructions, the tree, and the flat nucleus behind it.
"""

import os
import pathlib
import struct
import subprocess
import tempfile

import fdt
from support import ARCH, QUICK, TEST_BANK, boot, paths, qemu

from chorale import uboot

FIRMWARE = pathlib.Path("/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin")
FIRMWARE_RANGE = (0x80000000, 0x80000)
LOADED_AT = 0x80200000
TREE_AT, NUCLEUS_AT = 0x1000, 0x200000
# auipc a1, 1 (or what `tree_at` wants); auipc t0, 0x200; jr -N(t0), N the bytes before that auipc
SHIM = 0x00000597, 0x00058593, 0x00200297, 0xFF828067

SBI_TIME, SBI_HSM, SBI_IPI, SBI_RFENCE, SBI_RESET = 0x54494D45, 0x48534D, 0x735049, 0x52464E43, 0x53525354


def honest_tree(append=QUICK, bank=TEST_BANK, **machine):
    """What QEMU would give: (root, reservations)."""
    with tempfile.TemporaryDirectory(prefix="chorale-tree-") as scratch:
        path = os.path.join(scratch, "tree")
        machine = dict({"cpus": 2}, **machine)
        machine["machine"] = f"{machine.get('machine', 'virt')},dumpdtb={path}"
        guest = qemu.Machine(arch=ARCH, append=append, bank=str(bank), **machine)
        subprocess.run(guest.command(scratch, []), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, timeout=20, check=True)
        return fdt.read(pathlib.Path(path).read_bytes()), [FIRMWARE_RANGE]


def image(tree, at=TREE_AT):
    """A raw image that starts the nucleus with the bytes `tree` as its device tree."""
    with tempfile.TemporaryDirectory(prefix="chorale-shim-") as scratch:
        flat = pathlib.Path(scratch) / "flat"
        uboot.flatten(paths.kernel(ARCH), flat)
        page, rest = (at + 0x800) >> 12, (at + 0x800) % 0x1000 - 0x800
        code = struct.pack("<4I", SHIM[0] | page << 12, SHIM[1] | (rest & 0xFFF) << 20, *SHIM[2:])
        assert at >= len(code) and at + len(tree) <= NUCLEUS_AT
        return (code.ljust(at, b"\0") + tree).ljust(NUCLEUS_AT, b"\0") + flat.read_bytes()


def boot_with(name, tree, at=TREE_AT, **options):
    """Boots with `tree`, bytes, at that place of the image."""
    with tempfile.TemporaryDirectory(prefix="chorale-shim-") as scratch:
        kernel = pathlib.Path(scratch) / "image"
        kernel.write_bytes(image(tree, at))
        return boot(name, append="", kernel=str(kernel), **options)


def firmware_without(directory, *extensions):
    """OpenSBI that has never heard of some SBI extensions."""
    data = bytearray(FIRMWARE.read_bytes())
    for extension in extensions:
        entry = struct.pack("<QQ", extension, extension)  # first and last number
        assert data.count(entry) == 1, hex(extension)
        at = data.index(entry)
        data[at:at + len(entry)] = struct.pack("<QQ", *(2 * [0x7F000000 + extension % 0x1000]))
    path = pathlib.Path(directory) / "firmware.bin"
    path.write_bytes(data)
    return ("-bios", str(path))
