"""What a machine boots: the nucleus, its bank, an ISO of both for BIOS and UEFI, files for U-Boot."""

import re
import shutil
import tempfile
from pathlib import Path

from chorale import build, paths, process, qemu, uboot
from chorale.errors import Failure, UsageError
from chorale.progress import phase

COMMAND_LINE = re.compile(r"[A-Za-z0-9=.,_:/@+ -]*")
GRUB_CONFIGURATION = """\
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=0
set default=0
menuentry "Chorale" {{
    multiboot2 /boot/chorale.elf {append}
    module2 /boot/sys_bank.cpio sys_bank
}}
"""


def checked_append(append):
    """GRUB's script has quoting of its own; what a command line needs does not need it."""
    if not COMMAND_LINE.fullmatch(append):
        raise UsageError("a command line may hold letters, digits, spaces and =.,_:/@+- only")
    return append


def make_iso(arch, append="", output=None):
    """Makes the hybrid ISO. Each caller with a command line of its own names an output of its own."""
    output = Path(output or paths.iso(arch))
    with tempfile.TemporaryDirectory(prefix="chorale-iso-") as scratch:
        boot = Path(scratch) / "boot"
        (boot / "grub").mkdir(parents=True)
        shutil.copyfile(qemu.existing(paths.kernel(arch)), boot / "chorale.elf")
        shutil.copyfile(qemu.existing(paths.bank(arch)), boot / "sys_bank.cpio")
        (boot / "grub" / "grub.cfg").write_text(GRUB_CONFIGURATION.format(append=checked_append(append)))
        log = paths.log(f"image-{output.stem}")
        if process.run_logged(["grub-mkrescue", "-o", output, scratch], log) != 0:
            raise Failure("grub-mkrescue could not make the ISO", log)
    return output


def boot_iso(firmware, append="", arch="x86_64", timeout=60, log=None, on_line=None, **machine):
    """Boots an ISO made for this run with `firmware` seabios or ovmf. Returns a qemu.Outcome."""
    with tempfile.TemporaryDirectory(prefix="chorale-boot-") as scratch:
        iso = make_iso(arch, append, Path(scratch) / "boot.iso")
        guest = qemu.Machine(arch=arch, firmware=f"{firmware}-iso", iso=str(iso), append=append, **machine)
        return qemu.boot(guest, log or paths.log(f"boot-{firmware}"), timeout, on_line)


def check_usage(options):
    for option, architecture in (("iso", "x86_64"), ("uboot", "riscv64")):
        if getattr(options, option) and options.arch != architecture:
            raise UsageError(f"./chorale image: --{option} is for --arch {architecture} only "
                             "(try: ./chorale image --help)")
    if options.append and not (options.iso or options.uboot):
        raise UsageError("./chorale image: --append goes into an image: add --iso or --uboot")


def run(options):
    build.build(options.arch, options.verbose)
    made = [("nucleus", paths.kernel(options.arch)), ("bank", paths.bank(options.arch))]
    if options.arch == "riscv64":
        with phase("image"):
            uboot.flatten(qemu.existing(paths.kernel(options.arch)), paths.flat(options.arch))
            made.insert(1, ("flat", paths.flat(options.arch)))
            if options.uboot:
                uboot.fill(paths.uboot(options.arch), qemu.existing(paths.kernel(options.arch)),
                           qemu.existing(paths.bank(options.arch)), options.append)
    if options.iso:
        with phase("image"):
            made.append(("ISO", make_iso(options.arch, options.append)))
    for what, path in made:
        print(f"{what + ':':<9}{paths.shown(path)}  ({Path(qemu.existing(path)).stat().st_size:,} bytes)")
    if options.uboot:
        print(uboot.HOW_TO.format(directory=paths.shown(paths.uboot(options.arch))))
    return 0
