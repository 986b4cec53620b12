"""Where things are. Everything that is made goes below build/."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
TOOLS = ROOT / "tools"


def tree(arch):
    """The build tree of a preset."""
    return BUILD / arch


def kernel(arch):
    return tree(arch) / "chorale.elf"


def bank(arch):
    return tree(arch) / "sys_bank.cpio"


def cosbench_bank(arch):
    """What `./chorale bench` measures C_OS with."""
    return tree(arch) / "cosbench_bank.cpio"


def c_os(arch):
    return tree(arch) / "bank" / "C_OS.r"


def iso(arch):
    return tree(arch) / "chorale.iso"


def flat(arch):
    """The nucleus as bytes from its first address on, for boot loaders that read no ELF."""
    return tree(arch) / "chorale.bin"


def uboot(arch):
    return tree(arch) / "uboot"


def log(phase):
    LOGS.mkdir(parents=True, exist_ok=True)
    return LOGS / f"{phase}.log"


def shown(path):
    """A path as the user would type it: relative to where he stands when it is below there."""
    path = pathlib.Path(path)
    try:
        return str(path.resolve().relative_to(pathlib.Path.cwd()))
    except ValueError:
        return str(path)
