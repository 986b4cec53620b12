"""The nucleus as it stands still: CPUs, actors, threads, ports, read from the machine's memory.

Nothing that is read is trusted: a list ends when it is longer than it can be or comes back to itself, and
what cannot be read is said where it is missed.
"""

import gdb

from chorale_gdb import machine
from chorale_gdb.memory import Memory, Object, Types, address_of
from chorale_gdb.problem import Problem

HIDDEN = "chorale::(anonymous namespace)::"
LONGEST_LIST = 4096
NEVER = (1 << 64) - 1
NONE_READY = 256
PRIORITIES = 256
MAX_CPUS = 64
HANDLER_MARKS = 3 << 30  # kernel/ipc/message_handler.hpp


class Processor:
    """A processor of the machine as gdb sees it: a thread of its own kind."""

    def __init__(self, thread, registers, in_user_mode):
        self.thread, self.registers = thread, registers
        self.halted = "halted" in (thread.details or "")
        self.in_user_mode = in_user_mode
        # Neither: firmware, or code that has not turned paging on.
        self.in_nucleus = not in_user_mode and registers["pc"] >= machine.NUCLEUS_HALF


def processors(kind):
    """Every processor with its registers. What the user has selected stays selected."""
    inferior = gdb.selected_inferior()
    threads = sorted(inferior.threads(), key=lambda thread: thread.num)
    if not threads:
        raise Problem("gdb is connected to no machine (./chorale debug does that)")
    selected, frame = gdb.selected_thread(), None
    if selected is not None and selected.is_running():
        raise Problem("the machine runs: stop it first (Ctrl-C)")
    try:
        frame = gdb.selected_frame()
    except gdb.error:
        pass
    try:
        found = [(thread, registers_of(thread, kind)) for thread in threads]
        return [Processor(thread, registers, kind.in_user_mode(registers)) for thread, registers in found]
    finally:
        if selected is not None:
            selected.switch()
        if frame is not None and frame.is_valid():
            frame.select()


def registers_of(thread, kind):
    thread.switch()
    frame = gdb.newest_frame()
    registers = {}
    wanted = [*kind.fields, *kind.block_registers, *kind.other_registers]
    for name in wanted:
        try:
            value = int(frame.read_register(kind.to_gdb.get(name, name)))
        except (ValueError, gdb.error):
            continue  # a machine without it
        registers[name] = value & NEVER
    return registers


class Nucleus:
    """Made for each command."""

    def __init__(self):
        self.machine = machine.current()
        self.types = Types()
        self.processors = processors(self.machine)
        self.memory = Memory(self.machine)
        blocks = address_of(HIDDEN + "blocks", "kernel/main/boot.cpp")
        count = address_of(HIDDEN + "running_cpus", "kernel/main/boot.cpp")
        self.memory.root = self._find_root(blocks)
        running = int.from_bytes(self.memory.read(count, 4), "little") if self.memory.root else 0
        if not 0 < running <= MAX_CPUS:
            raise Problem("not booted yet: the nucleus has not made its first CPU's data")
        addresses = self.memory.words(blocks, running)
        if 0 in addresses:
            raise Problem("not booted yet: the nucleus has not made its first CPU's data")
        self.cpus = [Cpu(self, address, self._processor_of(address)) for address in addresses]
        self._match_last()
        self._actors = None

    def _find_root(self, address):
        """A root table that maps the nucleus: before it is up, some processors have none or another."""
        for processor in self.processors:
            root = self.machine.root(processor.registers)
            try:
                if root is not None and self.memory.translate(root, address) is not None:
                    return root
            except Problem:
                continue  # a table where there is no memory
        return None

    def _processor_of(self, block):
        for processor in self.processors:
            # In user mode the program may write the first.
            names = self.machine.block_registers[1 if processor.in_user_mode else 0:]
            if block in (processor.registers.get(name) for name in names):
                return processor
        return None

    def _match_last(self):
        """Firmware has the registers for itself: what is left over belongs together."""
        lost = [cpu for cpu in self.cpus if cpu.processor is None]
        known = [cpu.processor for cpu in self.cpus]
        left = [processor for processor in self.processors if processor not in known]
        if len(lost) == len(left) == 1:
            lost[0].processor = left[0]

    def actors(self):
        if self._actors is None:
            table = Object(self, address_of(HIDDEN + "table", "kernel/core/actor.cpp"), self._table_type())
            pointers = table.words("value_.entry")
            self._actors = [Actor(self, address) for address in pointers if address]
        return self._actors

    def _table_type(self):
        for symbol in gdb.lookup_static_symbols(HIDDEN + "table"):
            if symbol.symtab.filename.endswith("kernel/core/actor.cpp"):
                return symbol.type.unqualified().strip_typedefs().name
        raise Problem("gdb knows no table of actors: is the nucleus's file loaded?")

    def actor(self, word):
        """By its whole name, else by the beginning of one; `#3` by its place in the table."""
        actors = self.actors()
        found = [actor for actor in actors if word in (actor.name, f"#{actor.index}")]
        found = found or [actor for actor in actors if actor.name.startswith(word)]
        if len(found) != 1:
            names = ", ".join(f"{actor.name} (#{actor.index})" for actor in found or actors)
            raise Problem(f"{'several actors are' if found else 'no actor is'} called {word!r}: {names}")
        return found[0]

    def threads(self):
        return [thread for actor in self.actors() for thread in actor.threads()]

    def thread(self, words):
        """`ACTOR/LID`, `LID ACTOR`, `ACTOR LID` or the address of the nucleus's object."""
        if len(words) == 1 and "/" in words[0]:
            words = words[0].rpartition("/")[::2]
        if len(words) == 1 and words[0].startswith("0x"):
            return self._thread_at(number_of(words[0]))
        if len(words) != 2:
            raise Problem("name a thread as ACTOR/LID, ipcbench/0 for instance (chorale threads lists them)")
        lid, name = (words[0], words[1]) if words[0].isdigit() else (words[1], words[0])
        actor = self.actor(name)
        for thread in actor.threads():
            if str(thread.lid) == lid:
                return thread
        raise Problem(f"{actor.name} has no thread {lid}")

    def _thread_at(self, address):
        thread = Thread(self, address)
        if thread.number("actor") not in [actor.address for actor in self.actors()]:
            raise Problem(f"there is no live actor's thread at {address:#x}")
        return thread

    def ports(self):
        """All live ports, in the order of their buckets."""
        table = address_of("chorale::port_table", "kernel/ipc/port.cpp")
        empty, = self.memory.words(address_of(HIDDEN + "no_port", "kernel/ipc/port.cpp"), 1)
        count = gdb.lookup_global_symbol("chorale::port_table").type.sizeof // 8
        return [Port(self, address) for address in self.memory.words(table, count)
                if address not in (0, empty)]

    def links(self, head):
        """(the Links of a List after its head, what is wrong with it, or "")."""
        next_place = self.types.place("chorale::Link", "next")[0]
        try:
            first, = self.memory.words(head + next_place, 1)
        except Problem as problem:
            return [], f"the list breaks off: {problem}"
        return self._follow(first, head, next_place)

    def chain(self, first, kind, path):
        """The same for a chain through the member `path`, which is null in the last."""
        return self._follow(first, 0, self.types.place(kind, path)[0])

    def _follow(self, at, end, next_place):
        found = {}  # in the order of the list
        try:
            while at != end:
                if at in found:
                    return list(found), f"the list comes back to {at:#x}"
                if len(found) == LONGEST_LIST:
                    return list(found), f"the list has more than {LONGEST_LIST} elements"
                following, = self.memory.words(at + next_place, 1)
                found[at] = True
                at = following
        except Problem as problem:
            return list(found), f"the list breaks off: {problem}"
        return list(found), ""

    def rider(self, request):
        """What a Request is part of: a Thread, a Port, a Message; None: something else."""
        after = request.address + self.types.named("chorale::Request").sizeof
        for path, kind in (("request", Thread), ("tour", Port), ("request", Message)):
            try:
                whole = kind(self, self.memory.words(after, 1)[0])
                if whole.place(path) == request.address:
                    return whole
            except Problem:
                continue
        return None

    def symbol(self, address, offset=True):
        """The nucleus's function, or variable, at an address."""
        text = gdb.execute(f"info symbol {address:#x}", to_string=True).partition(" in section")[0].strip()
        if text.startswith("No symbol"):
            return f"{address:#x}"
        return text if offset else text.partition(" + ")[0]

    def flags(self, kind, prefix, value):
        names = [name.removeprefix(prefix) for bit, name in sorted(self.types.enumerators(kind).items())
                 if bit and value & bit]
        return names


def number_of(word):
    try:
        return int(word, 0)
    except ValueError:
        raise Problem(f"{word!r} is not a number") from None


class Cpu(Object):
    kind = "chorale::PerCpu"

    def __init__(self, nucleus, address, processor):
        super().__init__(nucleus, address)
        self.processor = processor
        self.index = self.number("index")
        self.current = self.number("current")

    def doing(self):
        if self.processor is None:
            return "unknown"
        if self.processor.in_user_mode:
            return "user"
        if not self.processor.in_nucleus:
            return "firmware"
        if self.processor.halted:
            return "halted"
        return "polling" if not self.current and self.number("inbox.polling_") else "nucleus"

    def pending(self):
        return self.nucleus.flags("chorale::Pending", "pending_", self.number("pending"))

    def mail(self):
        """[(index of the sender, its requests in their order)] of what has arrived and not been done."""
        kind, found = "chorale::Mailbox::Pair", []
        size = self.nucleus.types.named(kind).sizeof
        for sender in range(len(self.nucleus.cpus)):
            pair = Object(self.nucleus, self.address + self.size() + sender * size, kind)
            ring = pair.words("incoming")
            first = pair.number("next_incoming") % len(ring)
            requests = [request for request in ring[first:] + ring[:first] if request]
            if requests:
                found.append((sender, [Object(self.nucleus, each, "chorale::Request") for each in requests]))
        return found

    def ready(self):
        """[(priority, threads in their order, what is wrong)] of the queues that are not empty."""
        queues, found = self.place("ready.queue_"), []
        size = self.size("ready.queue_") // PRIORITIES
        first = self.nucleus.types.base("chorale::Thread", "chorale::Schedulable")
        marks = self.words("ready.bitmap_")
        for priority in range(PRIORITIES):
            links, wrong = self.nucleus.links(queues + priority * size)
            marked = bool(marks[priority // 64] >> priority % 64 & 1)
            if not wrong and marked != bool(links):
                wrong = "the bitmap says otherwise"
            if links or wrong:
                found.append((priority, [Thread(self.nucleus, link - first) for link in links], wrong))
        return found

    def timers(self):
        """([(deadline, thread)] by deadline, what is wrong)."""
        found, wrong = [], ""
        seen, left = set(), [self.number("timers.root_")]
        while left and not wrong:
            timer = left.pop()
            if not timer:
                continue
            if timer in seen or len(seen) == LONGEST_LIST:
                wrong = f"the queue comes back to {timer:#x}, or is too long"
                break
            seen.add(timer)
            try:
                entry = Object(self.nucleus, timer, "chorale::ThreadTimer")
                found.append((entry.number("deadline"), Thread(self.nucleus, entry.number("thread"))))
                left += [entry.number("left_"), entry.number("right_")]
            except Problem as problem:
                wrong = f"the queue breaks off: {problem}"
        return sorted(found, key=lambda pair: pair[0]), wrong


class Actor(Object):
    kind = "chorale::Actor"

    def __init__(self, nucleus, address):
        super().__init__(nucleus, address)
        self.index = self.number("table_index")
        text = self.bytes("name").partition(b"\0")[0].decode("ascii", "replace")
        self.name = "".join(letter if letter.isprintable() else "?" for letter in text) or "unnamed"

    def threads(self):
        return [Thread(self.nucleus, address, self) for address in self.words("tables.value_.threads")
                if address]

    def root(self):
        return self.number("space.table_"), self.nucleus.memory.root[1]

    def read(self, address, size):
        return self.nucleus.memory.read_in(self.root(), address, size)


class Thread(Object):
    kind = "chorale::Thread"

    def __init__(self, nucleus, address, actor=None):
        super().__init__(nucleus, address)
        self._actor = actor

    @property
    def actor(self):
        if self._actor is None:
            address = self.number("actor")
            known = [actor for actor in self.nucleus.actors() if actor.address == address]
            self._actor = known[0] if known else Actor(self.nucleus, address)
        return self._actor

    @property
    def lid(self):
        return self.number("lid")

    @property
    def label(self):
        """ACTOR/LID, as the commands take it."""
        try:
            if self.doing == "nothing":
                return f"dead thread {self.address:#x}"
            return f"{self.actor.name}/{self.lid}"
        except Problem:
            return f"no thread {self.address:#x}"

    @property
    def doing(self):
        value = self.number("state") & 0xff
        return self.nucleus.types.enumerators("chorale::Doing").get(value, f"state {value}")

    @property
    def flags(self):
        return self.nucleus.flags("chorale::Flag", "flag_", self.number("state") & ~0xff)

    def cpu(self):
        """The CPU whose current thread it is, or None."""
        for cpu in self.nucleus.cpus:
            if cpu.current == self.address:
                return cpu
        return None

    def live(self):
        """The processor that executes the thread's program at this moment, or None."""
        cpu = self.cpu()
        processor = cpu.processor if cpu else None
        return processor if processor is not None and processor.in_user_mode else None

    def registers(self):
        """Its user registers by field: the processor's own, or those in its Frame."""
        live = self.live()
        if live is not None:
            return {name: live.registers[name] for name in self.nucleus.machine.fields
                    if name in live.registers}
        return {name: self.number(f"frame.{name}") for name in self.nucleus.machine.fields}


class Port(Object):
    kind = "chorale::Port"

    @property
    def ui(self):
        return ui_text(self, "ui")

    @property
    def owner(self):
        address = self.number("actor")
        for actor in self.nucleus.actors():
            if actor.address == address:
                return actor
        return None

    @property
    def label(self):
        owner, local = self.owner, self.number("li")
        if owner is None or local > 0xffffffff:
            return f"a deleted port ({self.address:#x})"
        return f"port {local} of {owner.name}"

    @property
    def has_handler(self):
        return bool(self.number("queued") & HANDLER_MARKS)

    @property
    def queued(self):
        return self.number("queued") & ~HANDLER_MARKS

    def waiters(self):
        """[(cpu index, threads, what is wrong)] of the CPUs where servers wait."""
        found = []
        slots, step = self.address + self.size(), self.nucleus.types.named("chorale::PortSlot").sizeof
        for cpu in self.nucleus.cpus:
            slot = Object(self.nucleus, slots + cpu.index * step, "chorale::PortSlot")
            threads, wrong = self.nucleus.chain(slot.number("waiters"), "chorale::Thread", "next_waiter")
            if threads or wrong:
                found.append((cpu.index, [Thread(self.nucleus, each) for each in threads], wrong))
        return found

    def received(self):
        slots, step = self.address + self.size(), self.nucleus.types.named("chorale::PortSlot").sizeof
        return sum(Object(self.nucleus, slots + cpu.index * step, "chorale::PortSlot").number("received")
                   for cpu in self.nucleus.cpus)

    def messages(self):
        """(queued messages, what is wrong)."""
        links, wrong = self.nucleus.links(self.place("queue.head_"))
        return [Message(self.nucleus, link) for link in links], wrong


class Message(Object):
    kind = "chorale::Message"

    @property
    def label(self):
        client = self.number("client")
        sender = f"call of {Thread(self.nucleus, client).label}" if client else "message"
        return f"{sender}, {self.number('size')} bytes{', annex' if self.number('has_annex') else ''}"


def ui_text(thing, path):
    """A name as programs print it."""
    return f"{thing.number(path + '.uiHead'):016x}:{thing.number(path + '.uiTail'):016x}"
