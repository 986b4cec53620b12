"""Boots the system with gdb attached: stopped at its first instruction, or where the options say."""

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from chorale import build, paths, process, profile, qemu
from chorale.errors import Failure, UsageError
from chorale.nearest import did_you_mean
from chorale.progress import phase
from chorale.run import command_line

SOCKET_PATIENCE = 10.0
BATCH_PATIENCE = 120.0  # for the way to the place and all commands
COMMANDS = paths.TOOLS / "gdb" / "chorale.py"
GDB_NAMES = {"x86_64": "i386:x86-64", "riscv64": "riscv:rv64"}
REACHED, CLOSED = "hit Temporary breakpoint", "Remote connection closed"
HINT = "stopped; `hbreak FUNCTION` and `continue` go on, `chorale help` lists the system's own commands"


@dataclasses.dataclass
class Place:
    """Where the machine is stopped: at its first instruction unless one of these says otherwise. The console
    comes first, then the time, then the symbol."""

    console: str = ""  # as soon as this text is on the console
    after: float = 0.0  # seconds
    until: str = ""  # a function of the nucleus

    @property
    def at_start(self):
        return not self.console and not self.after


def gdb_program():
    gdb = shutil.which("gdb-multiarch") or shutil.which("gdb")
    if not gdb:
        raise Failure("there is no gdb (try: ./chorale setup)")
    return gdb


def check_function(name, kernel):
    """Asks gdb, who knows inlined functions too and finds names without their namespaces."""
    done = subprocess.run([gdb_program(), "-nx", "-q", "-batch", "-ex", "set breakpoint pending off",
                           "-ex", f"break {name}", kernel],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        known = [profile.without_parameters(long) for _, long in profile.functions(kernel)]
        raise Failure(f"--until: gdb says: {done.stderr.strip().rstrip('.')}{did_you_mean(name, known)} "
                      f"(all names: llvm-nm-19 -C {paths.shown(kernel)})")


@contextlib.contextmanager
def gdb_command(machine, socket, place, commands=(), more=()):
    """gdb's command line. The commands are in a file: there an error ends the rest."""
    lines = ["set confirm off", f"set architecture {GDB_NAMES[machine.arch]}", f"source {COMMANDS}",
             f"target remote {socket}"]
    if place.until:
        # A hardware breakpoint needs no memory: there may be no paging yet.
        lines += ["set breakpoint pending off", f"thbreak {place.until}", "continue",
                  "set breakpoint pending auto"]
    with tempfile.NamedTemporaryFile("w", prefix="chorale-gdb-", suffix=".gdb") as script:
        script.write("\n".join([*lines, *commands]) + "\n")
        script.flush()
        kernel = qemu.existing(machine.kernel or paths.kernel(machine.arch))
        yield [gdb_program(), "-q", *more, "-x", script.name, kernel]


def wait_for(socket, child, log):
    deadline = time.monotonic() + SOCKET_PATIENCE
    while not os.path.exists(socket):
        if child.poll() is not None or time.monotonic() > deadline:
            raise Failure("QEMU did not open its gdb socket", log)
        time.sleep(0.02)


def reach(place, child, serial, patience):
    """Returns when the running machine is there."""
    def wait_until(done, seconds):
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            if child.poll() is not None:
                raise Failure("the system ended before it could be stopped", serial)
            time.sleep(0.02)
        return done()

    def said():
        return place.console.encode() in serial.read_bytes()

    if place.console and not wait_until(said, patience):
        raise Failure(f"the console did not show {place.console!r} in {patience:g} s", serial)
    if place.after:
        wait_until(lambda: False, place.after)


@contextlib.contextmanager
def guest(machine, place, name="debug", patience=BATCH_PATIENCE):
    """A machine at a place, but for `until`, which is gdb's affair: yields gdb's socket and the file of the
    console."""
    log, serial = paths.log(f"{name}-qemu"), paths.log(f"{name}-serial")
    serial.write_bytes(b"")
    with tempfile.TemporaryDirectory(prefix="chorale-gdb-") as scratch, open(log, "wb") as record:
        socket = os.path.join(scratch, "gdb")
        stub = ("-chardev", f"socket,path={socket},server=on,wait=off,id=gdb0", "-gdb", "chardev:gdb0")
        stopped = ("-S",) if place.at_start else ()
        machine = dataclasses.replace(machine, extra=(*machine.extra, *stopped, *stub))
        child = process.start(machine.command(scratch, ["-serial", f"file:{serial}"]),
                              stdin=subprocess.DEVNULL, stdout=record, stderr=record)
        try:
            wait_for(socket, child, log)
            reach(place, child, serial, patience)
            yield socket, serial
        finally:
            process.stop(child)


def batch(machine, place, commands, name="debug", patience=BATCH_PATIENCE):
    """Runs gdb's commands at a place without anybody there. Returns (exit status, what gdb said); the first
    command that fails is the last."""
    with guest(machine, place, name, patience) as (socket, serial), \
            gdb_command(machine, socket, place, commands, ("-nx", "-batch")) as line:
        try:
            done = subprocess.run(line, cwd=paths.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=patience, check=False,
                                  preexec_fn=process.die_with_parent)
        except subprocess.TimeoutExpired as error:
            where = f" (is {place.until} ever called?)" if place.until else ""
            raise Failure(f"gdb was not through after {patience:g} s{where}", serial) from error
        text = done.stdout.decode(errors="replace")
        if place.until and CLOSED in text and REACHED not in text:
            raise Failure(f"the system ended before it came to {place.until}", serial)
    return done.returncode, text


def converse(machine, place):
    """gdb has the terminal."""
    with contextlib.ExitStack() as stack:
        with phase("boot"):
            socket, serial = stack.enter_context(guest(machine, place))
        print(f"console: {paths.shown(serial)}   (tail -f it in another terminal)", file=sys.stderr)
        print(HINT, file=sys.stderr, flush=True)
        command = stack.enter_context(gdb_command(machine, socket, place))
        # Ctrl-C belongs to gdb while it runs: it interrupts the guest. (A handler, for gdb would inherit
        # an ignored signal.)
        previous = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            return subprocess.run(command, cwd=paths.ROOT, check=False).returncode
        finally:
            signal.signal(signal.SIGINT, previous)


def run(options):
    place = Place(options.console, options.after, options.until or "")
    if any("\n" in command for command in options.batch):
        raise UsageError("./chorale debug: a command is one line")
    build.build(options.arch, options.verbose)
    if options.until:
        check_function(options.until, paths.kernel(options.arch))
    machine = qemu.Machine(arch=options.arch, cpus=options.cpus, memory=options.memory,
                           append=command_line(options), bank=options.bank)
    if not options.batch:
        return converse(machine, place)
    status, text = batch(machine, place, options.batch)
    print(text, end="")
    return 1 if status else 0
