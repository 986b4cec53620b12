"""What a thread waits for, found from both ends: the thread says what it does, ports and servers say for whom
they have something."""

from chorale_gdb.nucleus import NEVER, Actor, Message, Port, Thread
from chorale_gdb.problem import Problem
from chorale_gdb.text import plain


def seconds(nanoseconds):
    if nanoseconds == NEVER:
        return "never"
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d} s"


class Waits:
    """Who is where, for all threads at once."""

    def __init__(self, nucleus):
        self.nucleus = nucleus
        self.on_port, self.on_any, self.requests = {}, {}, {}
        for look, things in ((self._look_at_port, nucleus.ports()), (self._look_at_actor, nucleus.actors()),
                             (self._look_at_cpu, nucleus.cpus)):
            for thing in things:
                try:
                    look(thing)
                except Problem:
                    pass  # `chorale ports` and `chorale actors` say what is wrong

    def _look_at_port(self, port):
        for _, threads, _ in port.waiters():
            self.on_port.update((thread.address, port) for thread in threads)
        for message in port.messages()[0]:
            self._note(message, f"a reply: its message is queued at {port.label}")

    def _look_at_actor(self, actor):
        for first in actor.words("any_waiters"):
            threads, _ = self.nucleus.chain(first, "chorale::Thread", "next_waiter")
            self.on_any.update((thread, actor) for thread in threads)
        for thread in actor.threads():
            if "serving" in thread.flags and thread.number("serving"):
                self._note(Message(self.nucleus, thread.number("serving")), f"a reply of {thread.label}")

    def _look_at_cpu(self, cpu):
        for _, requests in cpu.mail():
            for rider in map(self.nucleus.rider, requests):
                if isinstance(rider, Message):
                    self._note(rider, f"a reply: its message is in the mailbox of CPU {cpu.index}")

    def _note(self, message, text):
        self.requests[message.number("client")] = text

    def text(self, thread):
        """A few words, "" for a thread that waits for nothing."""
        describe = getattr(self, "_" + thread.doing, None)
        return describe(thread) if describe else ""

    def _inactive(self, _):
        return "threadActivate"

    def _held(self, _):
        return "threadStart or threadResume"

    def _reading(self, _):
        return "the console"

    def _ready(self, thread):
        return self._continuation(thread)

    def _running(self, thread):
        return self._continuation(thread)

    def _continuation(self, thread):
        function = thread.number("continuation")
        return f"goes on with {plain(self.nucleus.symbol(function, False))}" if function else ""

    def _limit(self, thread):
        return f", until {seconds(thread.number('timer.deadline'))}" if "timed" in thread.flags else ""

    def _receiving(self, thread):
        if thread.address in self.on_any:
            return "any enabled port" + self._limit(thread)
        port = self.on_port.get(thread.address)
        if port is not None:
            return port.label + self._limit(thread)
        last = Port(self.nucleus, thread.number("port"))
        return f"{last.label}, but not in its list{self._limit(thread)}"

    def _awaiting_reply(self, thread):
        server = thread.number("server")
        if server:
            text = f"a reply of {Thread(self.nucleus, server).label}"
        else:
            text = self.requests.get(thread.address, "a reply: its message is under way")
        return text + self._limit(thread)

    def _sleeping(self, thread):
        victim = thread.number("victim")
        if victim:
            return f"the end of {Actor(self.nucleus, victim).name}, which it deletes"
        if "timed" in thread.flags:
            return f"its timer at {seconds(thread.number('timer.deadline'))}"
        return "threadAbort (no time limit)"

    def _asking(self, thread):
        run = plain(self.nucleus.symbol(thread.number("request.run"), False))
        target = thread.number("question.target")
        about = f" about {Thread(self.nucleus, target).label}" if target else ""
        return f"its request to come home: {run}{about}"
