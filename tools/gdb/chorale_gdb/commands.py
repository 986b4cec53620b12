"""The commands: each makes a Nucleus of the machine as it stands and prints what it finds."""

import gdb

from chorale_gdb.backtrace import print_backtrace, print_stack
from chorale_gdb.machine import NUCLEUS_HALF
from chorale_gdb.nucleus import NEVER, NONE_READY, Nucleus, Thread, number_of, ui_text
from chorale_gdb.problem import Problem
from chorale_gdb.programs import PROGRAMS
from chorale_gdb.text import cpu_set, listed, plain, short, table
from chorale_gdb.waits import Waits, seconds

PRIVILEGES = {0: "user", 1: "supervisor", 2: "system"}
MESSAGES_SHOWN = 16
COMMANDS = []


class Chorale(gdb.Command):
    """Threads, ports and CPUs of the Chorale nucleus. `chorale help` lists the commands."""

    def __init__(self):
        super().__init__("chorale", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if words:
            raise gdb.GdbError(f"chorale: no command {words[0]!r} (chorale help)")
        print_help()


def print_help():
    width = max(len(each.usage) for each in COMMANDS)
    for each in COMMANDS:
        print(f"{each.usage:<{width}}  {each.__doc__.partition(chr(10))[0]}")


class Help(gdb.Command):
    """Lists the commands."""

    def __init__(self):
        super().__init__("chorale help", gdb.COMMAND_SUPPORT, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        print_help()


# The prefix must be there before the commands below it.
Chorale()
Help()


class Command(gdb.Command):
    """`work(nucleus, words)` prints the answer; whatever goes wrong becomes one line."""

    def __init__(self, name, arguments, limit, work):
        self.__doc__ = work.__doc__
        self.name, self.arguments, self.limit, self.work = name, arguments, limit, work
        super().__init__(f"chorale {name}", gdb.COMMAND_DATA, gdb.COMPLETE_NONE)
        COMMANDS.append(self)

    @property
    def usage(self):
        return f"chorale {self.name} {self.arguments}".strip()

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        try:
            if len(words) > self.limit:
                raise Problem(f"usage: {self.usage}")
            PROGRAMS.refresh()
            self.work(Nucleus(), words)
        except (Problem, gdb.error) as problem:
            raise gdb.GdbError(f"chorale {self.name}: {problem}") from problem
        except KeyboardInterrupt:
            raise gdb.GdbError(f"chorale {self.name}: interrupted") from None
        except Exception as problem:  # pylint: disable=broad-except  (of no use to who debugs the nucleus)
            where = problem.__traceback__
            while where.tb_next:
                where = where.tb_next
            raise gdb.GdbError(f"chorale {self.name}: cannot make sense of what is there: {problem!r} "
                               f"({where.tb_frame.f_code.co_name}:{where.tb_lineno})") from problem


def command(name, arguments="", limit=0):
    """Makes a function a command. Its documentation is the command's."""
    def define(work):
        Command(name, arguments, limit, work)
        return work
    return define


def chosen_cpus(nucleus, words):
    if not words:
        return nucleus.cpus
    index = number_of(words[0])
    if not 0 <= index < len(nucleus.cpus):
        raise Problem(f"there is no CPU {index}: {len(nucleus.cpus)} run")
    return [nucleus.cpus[index]]


def chosen_actors(nucleus, words):
    return [nucleus.actor(words[0])] if words else nucleus.actors()


def say(row_of, things, headers):
    """A table with a row for each thing, and a line for each that cannot be read."""
    rows, wrong = [], []
    for thing in things:
        try:
            rows.append(row_of(thing))
        except Problem as problem:
            wrong.append(f"{thing.kind} at {thing.address:#x} cannot be read: {problem}")
    print(table(headers, rows) if rows else "none", *wrong, sep="\n")


@command("cpus")
def cpus(nucleus, _):
    """The CPUs: what each does and for whom, ready threads and their best priority, work, counters."""
    def row(cpu):
        processor = cpu.processor
        best = cpu.number("top_ready")
        ready = sum(len(threads) for _, threads, _ in cpu.ready())
        at = "-"
        if processor is not None and processor.in_nucleus:
            at = short(nucleus.symbol(processor.registers["pc"], False))
        elif processor is not None:
            thread = Thread(nucleus, cpu.current) if cpu.current and processor.in_user_mode else None
            at = place_of(thread) if thread else f"{processor.registers['pc']:#x}"
        return [cpu.index, cpu.doing(), Thread(nucleus, cpu.current).label if cpu.current else "-",
                ready, "-" if best == NONE_READY else best, listed(cpu.pending()),
                sum(len(requests) for _, requests in cpu.mail()),
                *(cpu.number(f"counters.{name}") for name in
                  ("switches", "messages_called", "messages_sent", "messages_crossed")), at]

    say(row, nucleus.cpus, ["cpu", "does", "current", "ready", "best", "pending", "mail", "switches", "calls",
                            "sends", "crossed", "at"])


@command("actors")
def actors(nucleus, _):
    """The actors: privilege, threads, ports, pages in use of their limit, CPUs that ran it, name."""
    def row(actor):
        flags = [name for name in ("dying", "stopped") if actor.number(name)]
        limit = actor.number("space.account_.limit_")
        return [f"#{actor.index}", actor.name, PRIVILEGES.get(actor.number("privilege"), "?"),
                actor.number("tables.value_.live_threads"), actor.number("tables.value_.live_ports"),
                f"{actor.number('space.account_.used_')}/{limit}", actor.number("space.asid_"),
                cpu_set(actor.number("space.cpus_")), listed(flags), ui_text(actor, "capability.ui")]

    if not nucleus.actors():
        raise Problem("not booted yet: there are no actors")
    say(row, nucleus.actors(), ["", "actor", "privilege", "threads", "ports", "pages", "asid", "cpus",
                                "flags", "name (ui)"])


def place_of(thread):
    """Where its program is: address and function."""
    pc = thread.registers()["pc"]
    if pc >= NUCLEUS_HALF:
        return f"{pc:#x} (not a program's address)"
    program, _ = PROGRAMS.of(thread.actor)
    return f"{pc:#x} {short(program.name(pc))}" if program else f"{pc:#x}"


@command("threads", "[ACTOR]", 1)
def threads(nucleus, words):
    """The threads: what each does, flags, CPU, priority, program counter, what it waits for."""
    waits = Waits(nucleus)

    def row(thread):
        own, now = thread.number("base_priority"), thread.number("priority")
        return [thread.label, thread.doing, listed(thread.flags), thread.number("cpu"),
                own if own == now else f"{now} (own {own})", place_of(thread), waits.text(thread) or "-"]

    found = [thread for actor in chosen_actors(nucleus, words) for thread in actor.threads()]
    say(row, found, ["thread", "does", "flags", "cpu", "priority", "pc", "waits for"])


@command("ports", "[ACTOR]", 1)
def ports(nucleus, words):
    """The ports: name, home CPU, queue, enabled or with a handler, received messages, servers by CPU."""
    wanted = {actor.address for actor in chosen_actors(nucleus, words)}
    found = [port for port in nucleus.ports() if not words or port.number("actor") in wanted]
    notes = []

    def row(port):
        queued, (messages, wrong) = port.queued, port.messages()
        if not wrong and len(messages) != queued:
            wrong = f"its queue has {len(messages)}"
        lines = [f"{message.label}, from port {ui_text(message, 'source')}"
                 for message in messages[:MESSAGES_SHOWN]]
        lines += [f"and {len(messages) - MESSAGES_SHOWN} more"] if len(messages) > MESSAGES_SHOWN else []
        waiting = []
        for cpu, servers, bad in port.waiters():
            waiting.append(f"{cpu}: " + listed([server.label for server in servers]))
            lines += [f"servers on CPU {cpu}: {bad}"] if bad else []
        notes.extend(f"{port.label}: {line}" for line in [*lines, wrong] if line)
        enabled = "handler" if port.has_handler else "yes" if port.number("enabled") else "no"
        return [port.label, port.ui, port.number("home"), queued, enabled, port.received(), listed(waiting)]

    say(row, found, ["port", "name (ui)", "home", "queued", "enabled", "received", "waiting"])
    for note in notes:
        print(note)


@command("ready", "[CPU]", 1)
def ready(nucleus, words):
    """The run queues: ready threads by priority, in the order in which they will run."""
    for cpu in chosen_cpus(nucleus, words):
        best, queues = cpu.number("top_ready"), cpu.ready()
        print(f"cpu {cpu.index}: " + ("nobody is ready" if best == NONE_READY else f"best priority {best}"))
        if (queues[0][0] if queues else NONE_READY) != best:
            print("  the queues say otherwise:" if queues else "  the queues are empty")
        for priority, members, wrong in queues:
            print(f"  {priority:3}: " + listed([thread.label for thread in members])
                  + (f"  [{wrong}]" if wrong else ""))


@command("mail", "[CPU]", 1)
def mail(nucleus, words):
    """The mailboxes: requests of other CPUs that have arrived and wait to be done."""
    for cpu in chosen_cpus(nucleus, words):
        found = cpu.mail()
        rang = cpu_set(cpu.number("inbox.rang_"))
        print(f"cpu {cpu.index}: " + ("no requests" if not found else "requests")
              + (f", rung by CPU {rang}" if rang != "-" else ""))
        for sender, requests in found:
            for request in requests:
                rider = nucleus.rider(request)
                print(f"  from {sender}: {plain(nucleus.symbol(request.number('run'), False))} for "
                      + (rider.label if rider else f"the request at {request.address:#x}"))


@command("timers", "[CPU]", 1)
def timers(nucleus, words):
    """The armed timers by deadline, in time since boot."""
    for cpu in chosen_cpus(nucleus, words):
        programmed = cpu.number("programmed_deadline")
        print(f"cpu {cpu.index}: the alarm is set to {seconds(programmed)}"
              if programmed != NEVER else f"cpu {cpu.index}: no alarm is set")
        found, wrong = cpu.timers()
        for deadline, thread in found:
            print(f"  {seconds(deadline):>20}  {thread.label}, {thread.doing}")
        if wrong:
            print(f"  [{wrong}]")


def selected_cpu(nucleus):
    for cpu in nucleus.cpus:
        if cpu.processor is not None and cpu.processor.thread.num == gdb.selected_thread().num:
            return cpu
    raise Problem("the selected CPU runs nothing of the nucleus's (name a thread: ACTOR/LID)")


def thread_of(nucleus, words):
    """The thread that is named, or the current one of the CPU that gdb has selected."""
    if words:
        return nucleus.thread(words)
    cpu = selected_cpu(nucleus)
    if not cpu.current:
        raise Problem(f"CPU {cpu.index} has no current thread (name one: ACTOR/LID)")
    return Thread(nucleus, cpu.current)


@command("thread", "[ACTOR/LID]", 2)
def thread_command(nucleus, words):
    """A thread's state and user registers. Without a name: the selected CPU's current thread."""
    thread = thread_of(nucleus, words)
    own, now = thread.number("base_priority"), thread.number("priority")
    waits = Waits(nucleus).text(thread)
    print(f"{thread.label}: {thread.doing}" + (f", waits for {waits}" if waits else ""))
    print(f"  object {thread.address:#x} (chorale::Thread), serial {thread.number('serial')}")
    print(f"  flags {listed(thread.flags)}, cpu {thread.number('cpu')}, priority {now}"
          + (f" (own {own})" if own != now else ""))
    if thread.number("client"):
            print(f"  serves {Thread(nucleus, thread.number('client')).label}")
    for name in ("continuation", "resume"):
        if thread.number(name):
            print(f"  {name} {plain(nucleus.symbol(thread.number(name), False))}")
    print(f"  at {place_of(thread)}, " + ("registers of the CPU:" if thread.live() else "registers saved:"))
    values = list(thread.registers().items())
    for i in range(0, len(values), 4):
        print("  " + "  ".join(f"{name:>7} {value:016x}" for name, value in values[i:i + 4]))


@command("backtrace", "[ACTOR/LID | all]", 2)
def backtrace(nucleus, words):
    """Where a thread is: in its program and, while a CPU executes it, in the nucleus.

    Without a name: the selected CPU's current thread. `all`: every thread."""
    if words == ["all"]:
        waits = Waits(nucleus)
        for thread in nucleus.threads():
            print_backtrace(thread, waits)
    elif not words and not selected_cpu(nucleus).current:
        print_stack(selected_cpu(nucleus))
    else:
        print_backtrace(thread_of(nucleus, words), Waits(nucleus))


class ThreadFunction(gdb.Function):
    """$chorale_thread("ACTOR/LID"): the nucleus's object, as a chorale::Thread*."""

    def __init__(self):
        super().__init__("chorale_thread")

    def invoke(self, name):
        try:
            address = Nucleus().thread([name.string()]).address
        except Problem as problem:
            raise gdb.GdbError(str(problem)) from problem
        return gdb.Value(address).cast(gdb.lookup_type("chorale::Thread").pointer())


ThreadFunction()
