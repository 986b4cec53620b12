"""Boots by U-Boot: the flat nucleus with the header of a Linux `Image`, the bank, and a script for `booti`.

The same directory serves a real board: it goes to a TFTP server, or onto the first partition of a card.
"""

import binascii
import os
import re
import shutil
import struct

from chorale import paths, process
from chorale.errors import Failure

PROGRAM = "/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf"
FLAT, BANK, SCRIPT = "chorale.bin", "sys_bank.cpio", "boot.scr.uimg"
EXTLINUX = os.path.join("extlinux", "extlinux.conf")
SECTOR, PARTITION_START = 512, 2048
FAT32 = 0x0C
# A legacy image: operating system Linux, architecture RISC-V, type script, not compressed.
IMAGE_MAGIC, IMAGE_KIND = 0x27051956, (5, 26, 6, 0)


HOW_TO = """\
U-Boot:  {directory}/ is ready to boot, in one of two ways:
  by TFTP   serve it; at U-Boot's prompt:  dhcp $scriptaddr boot.scr.uimg; source $scriptaddr
  by disc   copy it to the first partition (FAT or ext4, marked bootable) of a card or disc; U-Boot finds
            extlinux/extlinux.conf by itself"""


def flatten(kernel, flat):
    """The bytes of the nucleus as they are to stand in memory."""
    log = paths.log("image-flat")
    if process.run_logged(["llvm-objcopy-19", "-O", "binary", kernel, flat], log) != 0:
        raise Failure(f"{paths.shown(kernel)} could not be made flat", log)
    with open(flat, "rb") as file:
        if file.read(60)[56:60] != b"RSC\x05":
            raise Failure(f"{paths.shown(kernel)} does not begin with the header that `booti` wants")


def script(bank, append):
    """The commands that boot by TFTP: where the script came from, there is the rest."""
    return "\n".join([
        f"setenv bootargs '{append}'",
        f"tftpboot ${{kernel_addr_r}} {FLAT}",
        *([f"tftpboot ${{ramdisk_addr_r}} {BANK}"] if bank else []),
        "booti ${kernel_addr_r} " + ("${ramdisk_addr_r}:${filesize}" if bank else "-") + " ${fdtcontroladdr}",
        ""])


def extlinux(bank, append):
    """The same for a disc: U-Boot looks for this file by itself."""
    return "\n".join(["default chorale", "label chorale", f"  kernel /{FLAT}",
                      *([f"  initrd /{BANK}"] if bank else []), f"  append {append}".rstrip(), ""])


def script_image(text):
    """The script with the checksums that U-Boot's `source` looks at; the date is left out."""
    content = text.encode("ascii")
    data = struct.pack(">II", len(content), 0) + content

    def header(checksum):
        return struct.pack(">IIIIIII4B32s", IMAGE_MAGIC, checksum, 0, len(data), 0, 0, binascii.crc32(data),
                           *IMAGE_KIND, b"Chorale")

    return header(binascii.crc32(header(0))) + data


def fill(directory, kernel, bank, append):
    """Makes the directory's files; `bank` may be "" for none."""
    if not re.fullmatch(r"[ -&(-~]*", append):
        raise Failure("U-Boot's script takes a command line of printable characters without quotes (')")
    os.makedirs(os.path.join(directory, os.path.dirname(EXTLINUX)), exist_ok=True)
    flatten(kernel, os.path.join(directory, FLAT))
    if bank:
        shutil.copyfile(bank, os.path.join(directory, BANK))
    with open(os.path.join(directory, SCRIPT), "wb") as file:
        file.write(script_image(script(bank, append)))
    with open(os.path.join(directory, EXTLINUX), "w", encoding="ascii") as file:
        file.write(extlinux(bank, append))


def make_disk(directory, disk):
    """A disc with one bootable FAT partition that holds the directory's files."""
    contents = sum(os.path.getsize(os.path.join(parent, name))
                   for parent, _, names in os.walk(directory) for name in names)
    sectors = max(contents * 5 // 4, 40 << 20) // SECTOR  # 40 MiB: fewer clusters would not be FAT32
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", FAT32, b"\xfe\xff\xff", PARTITION_START, sectors)
    with open(disk, "wb") as file:
        file.write(bytes(446) + entry + bytes(48) + b"\x55\xaa")
        file.truncate((PARTITION_START + sectors) * SECTOR)
    partition = f"{disk}@@{PARTITION_START * SECTOR}"
    log = paths.log("image-disk")
    format_ = ["mformat", "-i", partition, "-F", "-T", str(sectors), "-v", "CHORALE", "-N", "43484f52", "::"]
    copy = ["mcopy", "-s", "-Q", "-i", partition,
            *(os.path.join(directory, name) for name in sorted(os.listdir(directory))), "::"]
    for append, command in enumerate((format_, copy)):
        if process.run_logged(command, log, append=bool(append)) != 0:
            raise Failure("mtools could not make the disc", log)


def available():
    if not os.path.exists(PROGRAM):
        raise Failure(f"{PROGRAM} is missing (try: ./chorale setup)")
    return PROGRAM


def served(directory):
    """QEMU's options for a boot by DHCP and TFTP from its own user network, which leads nowhere else."""
    return ["-kernel", available(), "-device", "virtio-net-device,netdev=boot",
            "-netdev", f"user,id=boot,restrict=on,tftp={directory},bootfile={SCRIPT}"]


def network_options(scratch, kernel, bank, append):
    directory = os.path.join(scratch, "tftp")
    fill(directory, kernel, bank, append)
    return served(directory)


def disk_options(scratch, kernel, bank, append):
    """QEMU's options for a boot from a virtio disc."""
    files, disk = os.path.join(scratch, "files"), os.path.join(scratch, "boot.img")
    fill(files, kernel, bank, append)
    make_disk(files, disk)
    return ["-kernel", available(), "-drive", f"if=none,id=boot,format=raw,file={disk}",
            "-device", "virtio-blk-device,drive=boot"]
