"""Boots the system stopped at its first instruction, with gdb attached."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from chorale import build, paths, process, qemu
from chorale.errors import Failure
from chorale.progress import phase
from chorale.run import command_line

SOCKET_PATIENCE = 10.0


def gdb_command(kernel, socket):
    gdb = shutil.which("gdb") or shutil.which("gdb-multiarch")
    if not gdb:
        raise Failure("there is no gdb (try: ./chorale setup)")
    return [gdb, "-q", "-ex", "set architecture i386:x86-64", "-ex", "set confirm off",
            "-ex", f"target remote {socket}", str(kernel)]


def wait_for(socket, child, log):
    deadline = time.monotonic() + SOCKET_PATIENCE
    while not os.path.exists(socket):
        if child.poll() is not None or time.monotonic() > deadline:
            raise Failure("QEMU did not open its gdb socket", log)
        time.sleep(0.02)


def run(options):
    build.build(options.arch, options.verbose)
    kernel = qemu.existing(paths.kernel(options.arch))
    log, serial = paths.log("debug-qemu"), paths.log("debug-serial")
    with tempfile.TemporaryDirectory(prefix="chorale-gdb-") as scratch, open(log, "wb") as record:
        socket = os.path.join(scratch, "gdb")
        stub = ("-S", "-chardev", f"socket,path={socket},server=on,wait=off,id=gdb0", "-gdb", "chardev:gdb0")
        machine = qemu.Machine(arch=options.arch, cpus=options.cpus, memory=options.memory,
                               append=command_line(options), extra=stub)
        command = machine.command(scratch, ["-serial", f"file:{serial}"])
        child = process.start(command, stdin=subprocess.DEVNULL, stdout=record, stderr=record)
        try:
            with phase("boot (stopped at the first instruction)"):
                wait_for(socket, child, log)
            print(f"console: {paths.shown(serial)}   (tail -f it in another terminal)", file=sys.stderr)
            # Ctrl-C belongs to gdb while it runs: it interrupts the guest. (A handler, for gdb would inherit
            # an ignored signal.)
            previous = signal.signal(signal.SIGINT, lambda *_: None)
            try:
                return subprocess.run(gdb_command(kernel, socket), cwd=paths.ROOT, check=False).returncode
            finally:
                signal.signal(signal.SIGINT, previous)
        finally:
            process.stop(child)
