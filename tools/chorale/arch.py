"""What the tools know of each architecture: its QEMU machine, its ways in, how its addresses are divided."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Architecture:
    name: str
    machine: str  # QEMU's -machine
    cpu: str  # its -cpu
    firmwares: tuple  # what may bring the nucleus up, the usual one first
    exit_device: tuple  # QEMU's options for the device by which the guest ends with a status, if it needs any
    nucleus_base: int  # the nucleus's virtual addresses begin here
    # Firmware that stays behind lies from here up to where the nucleus is loaded.
    firmware_base: int = 0
    # Whether a CPU that spins hands its turn over when the emulator runs all CPUs on one thread.
    spinning_yields: bool = True


ARCHITECTURES = {known.name: known for known in (
    # With ERMS, `rep movsb` counts one instruction per byte under TCG and guests copy that way: figures would
    # compare byte loops instead of kernels.
    Architecture("x86_64", "q35", "max,-erms,-fsrm", ("pvh", "seabios-iso", "ovmf-iso"),
                 ("-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"), 0xFFFF800000000000),
    # uboot: Debian's U-Boot above OpenSBI; the system comes by TFTP, or from a disc (uboot-disk).
    Architecture("riscv64", "virt", "rv64", ("opensbi", "uboot", "uboot-disk"), (), 0xFFFFFFC000000000,
                 firmware_base=0x80000000, spinning_yields=False),
)}
DEFAULT = "x86_64"
FIRMWARES = tuple(firmware for known in ARCHITECTURES.values() for firmware in known.firmwares)
