"""`./chorale trace`: boots the console, runs a command there under ktrace, and brings the trace home: a file
for Perfetto's viewer, or text.

The guest is told what to do by a start-up file, sysadm.ini, in the place of the console bank's own. It prints
marks between its steps; the file comes through the console with checksums (transfer.py), and is asked for
again while lines of it are missing.
"""

import os
import pathlib
import re
import sys
import tempfile

from chorale import build, paths, qemu, run, trace_events
from chorale.errors import Failure, UsageError
from chorale.progress import phase
from chorale.transfer import MARK, Transfer

sys.path.append(str(paths.ROOT / "actors"))

import make_bank  # noqa: E402  pylint: disable=wrong-import-position

# A server and a client in two actors: the group has a name that is known before.
SERVER = "arun -q ipcrecv --quiet --echo --group 7 &"
CLIENT = ["ipcping", "--count", "20", "0004800000000001:0000000000000007"]
EVENTS = ("calls", "messages", "switches", "interrupts", "faults")
GUEST_FILE = "/tmp/trace.json"
TRANSFERS = 3  # at most
OUTPUT_LIMIT = 1 << 30  # bytes of the console
START_FILE = "sysadm.ini"
PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:=,+%@^-]+")


def check_usage(options):
    for word in [*options.command, *options.before]:
        if any(character < " " or character == "\x7f" for character in word):
            raise UsageError("./chorale trace: a command of the console is one line of text")
    for program in options.program:
        if not re.fullmatch(r"[A-Za-z0-9_.+-]{1,64}", os.path.basename(program)):
            raise UsageError(f"./chorale trace: --program {program!r}: not a name for a file in /bin")
        if not is_program(program):
            raise UsageError(f"./chorale trace: --program {program!r}: not an ELF file")


def is_program(path):
    try:
        with open(path, "rb") as file:
            return file.read(4).startswith((b"\x7fELF", b"\x1f\x8b"))
    except OSError as error:
        raise UsageError(f"./chorale trace: --program {path!r}: {error.strerror}") from error


def quoted(word):
    """As the console parts words (docs/console.md)."""
    return word if PLAIN_WORD.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"


def start_file(options):
    """What the guest does."""
    words = ["ktrace"]
    if not options.text:
        words += ["--output", GUEST_FILE, "--limit", str(options.limit)]
    for name in options.actor:
        words += ["--actor", name]
    if options.events:
        words += ["--events", options.events]
    if options.buffer:
        words += ["--buffer", str(options.buffer)]
    before = options.before or ([] if options.command else [SERVER, "sleep 1"])
    # Nobody types: what reads its input finds its end.
    traced = " ".join(quoted(word) for word in words + (options.command or CLIENT)) + " < /dev/null"
    lines = [*before, f"echo {MARK}begin", traced, f"echo {MARK}status $?"]
    if not options.text:
        lines += [send_command(), f"echo {MARK}sent $?"]
    return "\n".join(lines) + "\n"


def send_command():
    return f"ktrace --send {GUEST_FILE}"


# ---- the bank --------------------------------------------------------------------------------------------


def members(archive):
    """(name, mode, data) of each file of a boot bank."""
    at = 0
    while True:
        if archive[at:at + 6] != b"070701" or len(archive) < at + 110:
            raise Failure("the bank is no cpio archive")
        fields = [int(archive[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[at + 110:at + 110 + name_size - 1].decode()
        data = at + (110 + name_size + 3) // 4 * 4
        if name == make_bank.TRAILER:
            return
        yield name, mode, archive[data:data + size]
        at = data + (size + 3) // 4 * 4


def traced_bank(console, start, programs):
    """The console's bank with another start-up file and more programs."""
    more = {f"bin/{os.path.basename(program)}": pathlib.Path(program).read_bytes() for program in programs}
    archive = b""
    for number, (name, mode, data) in enumerate(members(console), 1):
        if name != START_FILE and name not in more:
            archive += make_bank.entry(number, mode, name, data)
    for name, data in {START_FILE: start.encode(), **more}.items():
        archive += make_bank.entry(0, make_bank.MODE_EXECUTABLE, name, data)
    return archive + make_bank.entry(0, 0, make_bank.TRAILER, b"")


# ---- the guest -------------------------------------------------------------------------------------------


class Done(qemu.Stop):
    """The guest has done all."""


class Visitor:
    """Watches the guest's console. `show`: is given the lines between the marks, as they come."""

    def __init__(self, progress, text, show):
        self.transfer = Transfer()
        self.said = []  # lines between the marks
        self.status = None
        self._progress, self._text, self._show = progress, text, show
        self._begun = False
        self._transfers = 0

    def take(self, line):
        """A line of the guest; returns what is to be typed, or None."""
        if line.startswith(MARK + "begin"):
            self._begun = True
            self._progress.update("the command runs")
        elif match := re.match(MARK + r"status (\d+)", line):
            self.status = int(match[1])
            if self._text:
                raise Done("done")
        elif self.status is None:
            self._listen(line)
        elif re.match(MARK + r"sent ([1-9]\d*)", line):
            raise qemu.Stop("there is no trace to be sent")
        elif self.transfer.feed(line):
            return self._end_of_transfer()
        else:
            count = len(self.transfer.lines)
            if count % 100 == 0:
                self._progress.update(f"{count} lines of the trace have come")
        return None

    def _listen(self, line):
        if self._begun:
            self.said.append(line)
            if self._show:
                self._show(line)

    def _end_of_transfer(self):
        if self.transfer.complete():
            raise Done("done") if self.transfer.lines else qemu.Stop("there is no trace to be sent")
        self._transfers += 1
        if self._transfers == TRANSFERS:
            raise qemu.Stop("lines of the trace are lost on the console, again and again")
        return send_command().encode() + b"\r"


def watch(options, bank, log, show):
    """Runs the guest. Returns the visitor. Raises Failure."""
    machine = qemu.Machine(arch=options.arch, cpus=options.cpus, memory=options.memory, bank=str(bank),
                           append=run.command_line(options, "poll=off"))
    with phase(f"trace {options.arch}") as progress:
        progress.update("the system boots")
        visitor = Visitor(progress, options.text, show)
        stopped = []

        def typist(line):
            try:
                return visitor.take(line)
            except qemu.Stop as stop:
                stopped.append(stop)
                raise

        outcome = qemu.boot(machine, log, options.timeout, typist=typist, output_limit=OUTPUT_LIMIT)
        if not stopped or not isinstance(stopped[0], Done):
            if refusal := refused(options, visitor):
                raise Failure(refusal, log, tail=False)
            qemu.fail_for(outcome, reason(visitor, outcome))
    return visitor


def refused(options, visitor):
    """What ktrace has said when it has left no trace; "" when it has, or has not ended."""
    if options.text or visitor.status is None or visitor.transfer.lines:
        return ""
    words = [line for line in visitor.said if line.startswith("ktrace: ")]
    return "; ".join(words) or f"ktrace has left no trace, status {visitor.status}"


def reason(visitor, outcome):
    """Why there is no trace, and what to do."""
    if outcome.transcript.panicked():
        return "the guest panicked"
    said = outcome.stopped or "the guest has ended"
    if visitor.status is None:
        return (f"{said}; the command had not ended (--timeout N gives it longer; what never ends goes with "
                "--before)")
    return f"{said}, before the whole trace had come (--timeout; --events makes it smaller)"


# ---- what is told ----------------------------------------------------------------------------------------


def table(facts):
    rows = [("ACTOR", "THREADS", "CALLS", "MESSAGES", "CPU TIME us")]
    for actor, threads, calls, messages, running in facts.rows():
        time = f"{running / 1000:,.1f}" if facts.switches else "-"
        rows.append((actor, f"{threads}", f"{calls:,}", f"{messages:,}", time))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for name, *cells in rows:
        lines.append("  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]))
    return "\n".join(lines)


def write(path, text):
    """A file is there as a whole or not at all; what is a device, or leads to one, is written to."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def run_trace(options):
    build.build(options.arch, options.verbose)
    log = paths.log(f"trace-{options.arch}")
    console = (paths.tree(options.arch) / "console_bank.cpio").read_bytes()
    show = print if options.text and not options.output else None
    with tempfile.TemporaryDirectory(prefix="chorale-trace-") as scratch:
        bank = pathlib.Path(scratch) / "bank.cpio"
        bank.write_bytes(traced_bank(console, start_file(options), options.program))
        visitor = watch(options, bank, log, show)
    if options.text:
        if options.output:
            write(pathlib.Path(options.output), "".join(line + "\n" for line in visitor.said))
            print(f"{len(visitor.said):,} lines: {paths.shown(options.output)}")
        return visitor.status
    path = pathlib.Path(options.output or paths.BUILD / "report" / f"trace-{options.arch}.json")
    text = visitor.transfer.text()
    write(path, text)
    try:
        facts = trace_events.Facts(trace_events.check_text(text))
    except trace_events.Invalid as error:
        raise Failure(f"{paths.shown(path)} is no good trace (please report this):\n{error}", log,
                      tail=False) from error
    for line in visitor.said:
        print(f"  | {line}")
    print(f"\n{facts.nanoseconds / 1e6:,.3f} ms, {facts.events:,} events, "
          f"{facts.flows:,} messages from thread to thread\n")
    print(table(facts))
    print(f"\n{paths.shown(path)}: open it at https://ui.perfetto.dev or chrome://tracing")
    return visitor.status
