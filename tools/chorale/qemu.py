"""Boots the system in QEMU and watches it: time limit, output limit, exit status, transcript.

Invariant: when `boot` returns or raises, the QEMU that it started is gone.
"""

import codecs
import dataclasses
import os
import re
import selectors
import shutil
import tempfile
import time

from chorale import arch as architectures
from chorale import paths, process, uboot
from chorale.errors import Failure
from chorale.transcript import Transcript

OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"
# x86-64: isa-debug-exit ends QEMU with 2 * value + 1. riscv64: sifive_test ends it with the code written.
EXIT_PASS, EXIT_FAIL, EXIT_PANIC = 33, 35, 37
OUTPUT_LIMIT = 16 << 20
LINE_LIMIT = 64 << 10
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?=]*[A-Za-z]|[()][0-9A-B]|c)")


def megabytes(size):
    """Of a machine's memory as QEMU takes it, 512M or 2G."""
    return int(size[:-1]) * (1024 if size.endswith("G") else 1)


# Machines whose first CPU is a small one that no operating system runs on.
WITH_MONITOR_CPU = ("sifive_u",)
# Machines that can only be switched off: QEMU's status does not say why.
WITHOUT_STATUS = ("sifive_u",)


@dataclasses.dataclass
class Machine:
    """What to boot, and in which machine. What is "" is the architecture's usual one; `kernel`, `bank` and
    `iso` are the build tree's."""

    arch: str = architectures.DEFAULT
    cpus: int = 4  # those that the nucleus can have
    memory: str = "512M"
    machine: str = ""  # QEMU's -machine, properties and all
    cpu: str = ""  # QEMU's -cpu
    append: str = ""
    firmware: str = ""
    icount: bool = False
    virtual_time: bool = False  # its clocks count its instructions: the host's pauses do not reach it
    plugin: str = ""  # the value of -plugin, "" for none
    one_thread: bool = False  # the emulator runs all CPUs in turn: the same order every time
    reboots: bool = False  # a reset starts the machine anew, else it ends the emulator
    kernel: str = ""
    bank: str = ""  # "none" for none
    iso: str = ""
    extra: tuple = ()

    def __post_init__(self):
        self.facts = architectures.ARCHITECTURES[self.arch]
        self.machine = self.machine or self.facts.machine
        self.firmware = self.firmware or self.facts.firmwares[0]
        if self.firmware not in self.facts.firmwares:
            raise Failure(f"{self.arch} has no firmware {self.firmware} ("
                          + ", ".join(self.facts.firmwares) + ")")

    @property
    def board(self):
        return self.machine.partition(",")[0]

    def command(self, scratch, serial):
        """QEMU's command line. `scratch` is a directory for this run, `serial` the options of the line."""
        accelerator = "tcg,thread=single" if self.one_thread else "tcg"
        # A board with given CPUs has no choice of them.
        cpu = self.cpu or (self.facts.cpu if self.board == self.facts.machine else "")
        cpus = self.cpus + (self.board in WITH_MONITOR_CPU)
        line = [f"qemu-system-{self.arch}", "-accel", accelerator, "-machine", self.machine,
                *(("-cpu", cpu) if cpu else ()), "-smp", str(cpus), "-m", self.memory, "-nodefaults",
                "-display", "none", *(() if self.reboots else ("-no-reboot",)), *self.facts.exit_device,
                *serial]
        if self.icount:
            line += ["-icount", "shift=0"]
        elif self.virtual_time:
            line += ["-icount", "shift=3,sleep=off", "-rtc", "clock=vm"]
        if self.plugin:
            line += ["-plugin", self.plugin]
        return line + self._firmware_options(scratch) + list(self.extra)

    def _firmware_options(self, scratch):
        if self.firmware in ("pvh", "opensbi"):
            options = ["-kernel", self._kernel()]
            if self.bank != "none":
                options += ["-initrd", self._bank()]
            return options + ["-append", self.append]
        if self.firmware in ("uboot", "uboot-disk"):
            bank = "" if self.bank == "none" else self._bank()
            ways = {"uboot": uboot.network_options, "uboot-disk": uboot.disk_options}
            return ways[self.firmware](scratch, self._kernel(), bank, self.append)
        options = ["-cdrom", existing(self.iso or paths.iso(self.arch)), "-boot", "d", "-vga", "std"]
        if self.firmware == "ovmf-iso":
            variables = os.path.join(scratch, "ovmf-variables.fd")
            shutil.copyfile(existing(OVMF_VARIABLES), variables)
            options += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={existing(OVMF_CODE)}",
                        "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
        return options

    def _kernel(self):
        return existing(self.kernel or paths.kernel(self.arch))

    def _bank(self):
        return existing(self.bank or paths.bank(self.arch))


def existing(path):
    if not os.path.exists(path):
        raise Failure(f"{paths.shown(path)} is missing (build it: ./chorale image)")
    return str(path)


class Outcome:
    """How a guest ended and what it said."""

    def __init__(self, transcript, log, tells_status=True):
        self.transcript = transcript
        self.log = log
        self.tells_status = tells_status  # else the machine ends with 0 however it went
        self.status = None
        self.seconds = 0.0
        self.stopped = ""  # why this program ended the guest, "" if it ended by itself

    def ended_with(self, status):
        """Whether the guest ended the machine, and as `status` says as far as this machine tells."""
        return not self.stopped and self.status == (status if self.tells_status else 0)

    def problem(self):
        """The first thing that is wrong, as a sentence, or "" when the guest did all it should."""
        said = self.transcript
        if said.panicked():
            return "the guest panicked"
        if self.stopped:
            return self.stopped
        failed = [name for name, passed, _ in said.tests if not passed]
        if failed:
            return f"{len(failed)} of {len(said.tests)} target tests failed: " + ", ".join(failed[:5])
        if said.errors:
            return "the guest's output is malformed: " + said.errors[0]
        if not all(said.verdicts):
            return "the guest reported failure (@done FAIL)"
        if not said.verdicts:
            return f"the guest ended without saying that it passed ({describe_status(self.status)})"
        if not self.ended_with(EXIT_PASS):
            return f"the guest ended wrongly: {describe_status(self.status)}, wanted success"
        return ""


def describe_status(status):
    known = {EXIT_PASS: "success", EXIT_FAIL: "failure", EXIT_PANIC: "panic",
             0: "powered off or reset, a triple fault for instance", 1: "QEMU itself failed"}
    return f"QEMU exit status {status}: {known.get(status, 'unexpected')}"


class Stop(Exception):
    """Raised by `on_line` of boot() for a guest that need not go on; says why."""


class LineReader:
    """Cuts the serial bytes into lines: any bytes, any line ends, terminal escapes taken out."""

    def __init__(self, on_line):
        self._on_line = on_line
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    def feed(self, data, final=False):
        *lines, self._rest = (self._rest + self._decode(data, final)).split("\n")
        if len(self._rest) > LINE_LIMIT or (final and self._rest):
            lines.append(self._rest)
            self._rest = ""
        for line in lines:
            self._on_line(ESCAPES.sub("", line).strip("\r\0"))


def boot(machine, log, timeout, on_line=None, output_limit=OUTPUT_LIMIT, typist=None):
    """Runs a guest to its end or its limit. `on_line(kind, line, transcript)` sees each line as it comes and
    may raise Stop; what `typist(line)` returns is typed, if there is one: bytes."""
    transcript = Transcript()
    outcome = Outcome(transcript, log, machine.board not in WITHOUT_STATUS)

    def take(line):
        kind = transcript.feed(line)
        if on_line:
            on_line(kind, line, transcript)
        if typist and (answer := typist(line)):
            child.stdin.write(answer)
            child.stdin.flush()

    with tempfile.TemporaryDirectory(prefix="chorale-") as scratch, open(log, "wb") as record:
        command = machine.command(scratch, ["-serial", "stdio"])
        record.write(("$ " + " ".join(command) + "\n").encode())
        record.flush()
        started = time.monotonic()
        keyboard = process.subprocess.PIPE if typist else process.subprocess.DEVNULL
        child = process.start(command, stdin=keyboard, stdout=process.subprocess.PIPE, stderr=record)
        try:
            outcome.stopped = pump(child.stdout, LineReader(take), record, timeout, output_limit)
            outcome.status = None if outcome.stopped else child.wait(10)
        except Stop as stop:
            outcome.stopped = str(stop)
        except process.subprocess.TimeoutExpired:
            outcome.stopped = "QEMU closed the serial line but did not end"
        finally:
            process.stop(child)
            child.stdout.close()
            if typist:
                child.stdin.close()
        outcome.seconds = time.monotonic() - started
    return outcome


def pump(source, reader, record, timeout, output_limit):
    """Moves the guest's output to the log and the reader. Returns why it stopped early, or ""."""
    total, deadline = 0, time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                reader.feed(b"", final=True)
                return f"the guest was stopped at the time limit of {timeout:g} s (--timeout)"
            data = os.read(source.fileno(), 65536)
            record.write(data)
            record.flush()
            reader.feed(data, final=not data)
            if not data:
                return ""
            total += len(data)
            if total > output_limit:
                return f"the guest was stopped: it printed more than {output_limit >> 20} MiB"


def fail_for(outcome, problem):
    """Turns a problem into the exception that shows it: a panic's text itself, else the log's end."""
    if outcome.transcript.panicked():
        raise Failure(problem + ":\n" + "\n".join(outcome.transcript.panic), outcome.log, tail=False)
    raise Failure(problem, outcome.log)
