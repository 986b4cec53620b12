"""Files of trace events, the JSON that Perfetto's viewer and Chrome's open: whether they obey its rules, and
what is in them.

The rules are those by which Perfetto's trace processor (importers/json, slice_tracker, flow_tracker) takes an
event or drops it, counted as an error; and what it takes, but shows at the wrong place.
"""

import json

INSTANT_SCOPES = ("t", "p", "g")
UNITS = ("ms", "ns")
DEPTH_LIMIT = 512  # slices in each other
NUMBER_LIMIT = 1 << 32
METADATA = {"process_name": ("name", str), "thread_name": ("name", str),
            "process_sort_index": ("sort_index", int), "thread_sort_index": ("sort_index", int)}
SHOWN_PROBLEMS = 20


class Invalid(Exception):
    """The file is no trace: it cannot be looked at further."""


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < NUMBER_LIMIT


def nanoseconds(microseconds):
    """As readers count: ts and dur are microseconds with a fraction."""
    return round(microseconds * 1000)


def without_doubles(pairs):
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Invalid("an object has the same key twice: " + str([key for key, _ in pairs]))
    return made


def no_constant(name):
    raise Invalid(f"{name} is no number of JSON")


def parse(text):
    """The document of a file's text. Raises Invalid."""
    try:
        document = json.loads(text, object_pairs_hook=without_doubles, parse_constant=no_constant)
    except ValueError as error:
        raise Invalid(f"it is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("traceEvents"), list):
        raise Invalid("it is no object with a list traceEvents")
    if document.get("displayTimeUnit", "ms") not in UNITS:
        raise Invalid(f"displayTimeUnit is {document['displayTimeUnit']!r}, not one of {', '.join(UNITS)}")
    return document


class Slice:
    """Of a thread: open while `end` is None."""

    def __init__(self, event, begin, end):
        self.event, self.begin, self.end = event, begin, end


class Checker:
    """Goes through the events in the order in which readers take them: by their times, those of the same time
    as they stand in the file."""

    def __init__(self):
        self.problems = []
        self.process_of = {}  # thread -> process: readers know threads by their number alone
        self.names = {}  # ("process", number) or ("thread", number) -> name
        self.stacks = {}  # thread -> open slices
        self.flows = {}  # identifier -> its start
        self.ended_flows = set()

    def say(self, event, text):
        self.problems.append(f"{text}: {json.dumps(event)[:200]}")

    def check(self, events):
        timed = []
        for event in events:
            if not self._shape(event):
                continue
            if event["ph"] == "M":
                self._metadata(event)
            else:
                timed.append(event)
        timed.sort(key=lambda event: nanoseconds(event["ts"]))
        for event in timed:
            {"B": self._begin, "E": self._end, "X": self._complete, "i": self._instant, "s": self._flow_start,
             "f": self._flow_end}[event["ph"]](event)
        for stack in self.stacks.values():
            for each in stack:
                if each.end is None:
                    self.say(each.event, "a slice has no end")
        for event in timed:
            for kind, number in (("process", event["pid"]), ("thread", event["tid"])):
                if (kind, number) not in self.names:
                    self.names[kind, number] = ""
                    self.say(event, f"the {kind} {number} has no name")
        return self.problems

    def _shape(self, event):
        """Whether it has what every event needs."""
        if not isinstance(event, dict):
            self.say(event, "an event is no object")
            return False
        if event.get("ph") not in ("B", "E", "X", "i", "s", "f", "M"):
            self.say(event, "an event of a kind (ph) that is not known here")
            return False
        if not is_count(event.get("pid")) or not is_count(event.get("tid")):
            self.say(event, "pid and tid are to be numbers below 2^32")
            return False
        known = self.process_of.setdefault(event["tid"], event["pid"])
        if known != event["pid"]:
            self.say(event, f"the thread {event['tid']} is of process {known} too")
        if event["ph"] == "M":
            return True
        if not is_number(event.get("ts")) or event["ts"] < 0:
            self.say(event, "ts is to be a number of microseconds, not negative")
            return False
        if event["ph"] == "X" and (not is_number(event.get("dur")) or event["dur"] < 0):
            self.say(event, "dur is to be a number of microseconds, not negative")
            return False
        if event["ph"] != "E" and not (isinstance(event.get("name"), str) and event["name"]):
            self.say(event, "an event without a name")
        if "args" in event and not isinstance(event["args"], dict):
            self.say(event, "args is to be an object")
        return True

    def _metadata(self, event):
        name = event.get("name")
        if name not in METADATA:
            self.say(event, "metadata of a kind that is not known here")
            return
        key, kind = METADATA[name]
        value = event.get("args", {}).get(key) if isinstance(event.get("args"), dict) else None
        if not isinstance(value, kind) or value == "":
            self.say(event, f"{name} needs args.{key}")
        elif name == "process_name":
            self.names["process", event["pid"]] = value
        elif name == "thread_name":
            self.names["thread", event["tid"]] = value

    # ---- slices ----

    def _stack_at(self, event):
        """The open slices of the event's thread, without those that have ended before its time. One of no
        length is still there for what stands at the same time: flows and other instants."""
        stack = self.stacks.setdefault(event["tid"], [])
        now = nanoseconds(event["ts"])
        lasting = event["ph"] in ("B", "X") and nanoseconds(event.get("dur", 1)) != 0
        while stack and stack[-1].end is not None:
            top = stack[-1]
            if top.end < now or (top.end == now and (lasting or top.begin != now)):
                stack.pop()
            else:
                break
        return stack, now

    def _push(self, event, stack, new):
        for outer in stack:
            if outer.end is not None and (new.end is None or new.end > outer.end):
                name = outer.event.get("name")
                self.say(event, f"a slice ends behind the end of {name!r}, in which it begins")
                break
        if len(stack) >= DEPTH_LIMIT:
            self.say(event, f"more than {DEPTH_LIMIT} slices in each other")
            return
        stack.append(new)

    def _begin(self, event):
        stack, now = self._stack_at(event)
        self._push(event, stack, Slice(event, now, None))

    def _complete(self, event):
        stack, now = self._stack_at(event)
        self._push(event, stack, Slice(event, now, now + nanoseconds(event["dur"])))

    def _end(self, event):
        stack, now = self._stack_at(event)
        # Complete slices in the one that ends here must have ended too.
        while stack and stack[-1].end is not None and stack[-1].end <= now:
            stack.pop()
        if not stack or stack[-1].end is not None:
            self.say(event, "an end of a slice, and none is open" if not stack else
                     f"a slice ends inside {stack[-1].event.get('name')!r}")
            return
        begun = stack.pop().event
        for key in ("name", "cat"):
            if key in event and event[key] != begun.get(key):
                self.say(event, f"the end of another slice than {begun.get('name')!r}, which is open")

    def _instant(self, event):
        if event.get("s", "t") not in INSTANT_SCOPES:
            self.say(event, "an instant's scope (s) is one of " + ", ".join(INSTANT_SCOPES))
        self._stack_at(event)

    # ---- flows ----

    def _has_slice(self, event):
        stack, _ = self._stack_at(event)
        if not stack:
            self.say(event, "a flow's event outside of all slices of its thread")
        return bool(stack)

    def _flow_start(self, event):
        self._has_slice(event)
        if not isinstance(event.get("id"), (int, str)) or isinstance(event.get("id"), bool):
            self.say(event, "a flow without an identifier (id)")
        elif event["id"] in self.flows:
            self.say(event, "a flow's identifier is used again")
        else:
            self.flows[event["id"]] = event

    def _flow_end(self, event):
        self._has_slice(event)
        if event.get("bp") != "e":
            self.say(event, 'the end of a flow without "bp":"e" belongs to the next slice')
        start = self.flows.get(event.get("id"))
        if start is None:
            self.say(event, "the end of a flow that has not begun")
            return
        if event["id"] in self.ended_flows:
            self.say(event, "a flow ends twice")
        self.ended_flows.add(event["id"])
        for key in ("name", "cat"):
            if event.get(key) != start.get(key):
                self.say(event, f"a flow's start has another {key}")


def problems(document):
    """What is wrong with a document that parse() has returned: sentences."""
    return Checker().check(document["traceEvents"])


def check_text(text):
    """The document of a file's text. Raises Invalid with all that is wrong."""
    document = parse(text)
    found = problems(document)
    if found:
        more = f"\n... and {len(found) - SHOWN_PROBLEMS} more" if len(found) > SHOWN_PROBLEMS else ""
        raise Invalid("\n".join(found[:SHOWN_PROBLEMS]) + more)
    return document


# ---- what is in it ---------------------------------------------------------------------------------------


class Process:
    def __init__(self, name):
        self.name, self.threads, self.slices, self.messages, self.running = name, set(), 0, 0, 0


class Facts:
    """Of a valid document: its length, its flows, and of each process its slices and messages."""

    def __init__(self, document):
        events = document["traceEvents"]
        names = {event["pid"]: event["args"]["name"] for event in events
                 if event["ph"] == "M" and event["name"] == "process_name"}
        self.processes = {pid: Process(name) for pid, name in names.items()}
        self.events = len(events)
        self.flows = sum(event["ph"] == "f" for event in events)
        self.switches = sum(event.get("cat") == "switch" for event in events)
        self.nanoseconds = 0
        running = {}
        for event in events:
            if event["ph"] == "M":
                continue
            self.nanoseconds = max(self.nanoseconds, nanoseconds(event["ts"] + event.get("dur", 0)))
            process = self.processes[event["pid"]]
            process.threads.add(event["tid"])
            process.slices += event["ph"] == "B"
            process.messages += event["ph"] == "X" and event.get("cat") == "message"
            if event["ph"] == "X" and event.get("cat") == "switch":
                actor = event["name"].rpartition("/")[0]
                running[actor] = running.get(actor, 0) + nanoseconds(event["dur"])
        for process in self.processes.values():
            process.running = running.pop(process.name, 0)
        # Those that only ran.
        self.others = running

    def rows(self):
        """(actor, threads, calls, messages, ns of CPU time), those that ran longest first."""
        rows = [(each.name, len(each.threads), each.slices, each.messages, each.running)
                for each in self.processes.values() if each.name != "CPUs" and each.threads]
        rows += [(name, 0, 0, 0, time) for name, time in self.others.items()]
        return sorted(rows, key=lambda row: row[4], reverse=True)
