"""Boots the system with the terminal as its console: C_INIT's, unless another bank is wanted."""

import subprocess
import sys
import tempfile

from chorale import build, paths, process, qemu
from chorale.errors import Failure


def command_line(options, *more):
    """The nucleus's command line: the tool's switches, then the user's own words."""
    words = list(more)
    if options.fastpath:
        words.append(f"fastpath={options.fastpath}")
    if getattr(options, "append", ""):
        words.append(options.append)
    return " ".join(words)


def run(options):
    build.build(options.arch, options.verbose)
    machine = qemu.Machine(arch=options.arch, cpus=options.cpus, memory=options.memory,
                           append=command_line(options), reboots=True,
                           bank=options.bank or str(paths.tree(options.arch) / "console_bank.cpio"))
    print("Booting. Leave with Ctrl-A x; Ctrl-A h lists more.", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="chorale-") as scratch:
        command = machine.command(scratch, ["-serial", "mon:stdio"])
        try:
            # No session of its own here: QEMU must own the terminal to read the console's keys.
            child = subprocess.Popen(command, preexec_fn=process.die_with_parent)
        except FileNotFoundError as error:
            raise Failure(f"{command[0]} is not installed (try: ./chorale setup)") from error
        try:
            status = child.wait()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    # Status 0 is somebody leaving QEMU by hand, or the guest switching the machine off.
    if status not in (0, qemu.EXIT_PASS):
        raise Failure(qemu.describe_status(status))
    return 0
