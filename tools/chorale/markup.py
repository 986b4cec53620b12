"""The building blocks of the report's page: tables, figures, sections, and what each result is called."""

from chorale.chart import escape
from chorale.figures import pairs_of

LABELS = {
    "null_call": "Null call", "thread.yield": "Yield to another thread",
    "ipc.rt.same_cpu.one_space.w4": "One address space, 4 words",
    "ipc.send.same_cpu.two_spaces.w4": "Send, 4 words, queued",
    "mipc.allocate": "Allocate a message of a space", "mipc.put": "Put one into an empty queue",
    "mipc.get": "Get one that is there", "mipc.free": "Free one",
    "sync.mutex": "Lock and unlock a free mutex",
    "sync.mutex.handoff": "Hand a mutex over, there and back",
    "sync.semaphore.wake": "Semaphore: wake a thread that waits again",
    "sync.event.wake": "Event: wake a thread that waits again",
    "sync.rt_mutex.inversion": "Get a mutex that a worse thread has",
    "ipc.rt.same_cpu.two_spaces.typed4": "Call and reply, a typed message of 4 words",
    "ring.pair8": "Message ring: put and get in turn, 8 times",
    "ring.pair8.wake": "The same, each word for a reader that may sleep",
    "ring.run32": "Message ring: put 32 words, get 32 words",
    "ring.batch32": "Message ring: a batch of 32 words, in place",
    "ring.wake": "Message ring: wake a thread that waits again",
    "sched.quantum": "End of a quantum", "sched.pull": "An idle CPU takes a waiting thread over",
    "ipc.rt.cross_cpu.polling.w4": "Call to a polling CPU",
    "ipc.rt.cross_cpu.halted.w4": "Call to a halted CPU"}
NOT_MEASURED = ("not measured", "none")
TWO_SPACES = "ipc.rt.same_cpu.two_spaces."


def label_of(name):
    """For people; a result that this page does not know keeps its name."""
    if name in LABELS:
        return LABELS[name]
    if pairs_of(name):
        pairs = pairs_of(name)
        return f"{pairs} pair{'s' * (pairs != 1)} at once, 4 words"
    kind, size = name.removeprefix(TWO_SPACES)[:1], name.removeprefix(TWO_SPACES)[1:]
    if name.startswith(TWO_SPACES) and size.isdigit():
        return f"Call and reply, {size} words" if kind == "w" else f"Call and reply, {size} bytes"
    return name


def body_size(name):
    size = name.removeprefix(TWO_SPACES + "b")
    return int(size) if name.startswith(TWO_SPACES + "b") and size.isdigit() else 0


def table(caption, columns, rows):
    """Columns are (title, class); cells are text, (text, class), Html, or None where the cell above goes on,
    which then has the class rows-N. The first cell names its row."""
    head = "".join(f'<th scope="col" class="{class_}">{escape(title)}</th>' for title, class_ in columns)
    body = "".join("<tr>" + "".join(cell_html(cell, columns[i][1], i == 0) for i, cell in enumerate(row))
                   + "</tr>" for row in rows)
    return (f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
            f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            "</div>")


class Html(str):
    """Markup of this page's own making."""


def cell_html(cell, class_, heads):
    if cell is None:
        return ""
    text, more = cell if isinstance(cell, tuple) else (cell, "")
    inside = text if isinstance(text, Html) else escape(text)
    rows = ""
    if more.startswith("rows-"):
        rows, more = f' rowspan="{int(more.removeprefix("rows-"))}"', ""
    classes = " ".join(filter(None, (class_, more)))
    tag, scope = ("th", ' scope="row"' if not rows else ' scope="rowgroup"') if heads else ("td", "")
    return f'<{tag}{scope}{rows}{class_of(classes)}>{inside}</{tag}>'


def class_of(classes):
    return f' class="{classes}"' if classes else ""


def row_name(name):
    label = label_of(name)
    broken = escape(name).replace(".", ".<wbr>")
    return Html(escape(label) + f"<code>{broken}</code>" if label != name else broken)


def command_html(command):
    """Lines end between the words of a command, not within an option."""
    return Html("<code>" + " ".join(f"<span>{escape(word)}</span>" for word in command.split()) + "</code>")


def run_link(run):
    return Html(f'<a href="#run-{run.number}">{run.number}</a>') if run else ("–", "none")


def sources_of(runs):
    """The exact command of each run that a figure is from."""
    runs = sorted({run.number: run for run in runs if run}.values(), key=lambda run: run.number)
    return "".join(f'<p class="source"><a href="#run-{run.number}">Run {run.number}</a>: '
                   f'{command_html(run.facts["command"])}</p>' for run in runs)


def figure(title, message, drawing, runs, badge=""):
    mark = f' <span class="badge">{escape(badge)}</span>' if badge else ""
    told = f"<p>{escape(message)}</p>" if message else ""
    return (f"<figure><figcaption><h3>{escape(title)}{mark}</h3>{told}</figcaption>"
            f"{drawing}{sources_of(runs)}</figure>")


def section(title, text, *parts):
    return f"<h2>{escape(title)}</h2><p>{escape(text)}</p>" + "".join(parts)


def by_machine(caption, names, machines, titles, cells):
    """For each result a row on each machine: cells(machine, name)."""
    columns = [("operation", "words"), ("machine", "words"), *((title, "") for title in titles)]
    rows = [[(row_name(name), f"rows-{len(machines)}") if i == 0 else None, one, *cells(one, name)]
            for name in names for i, one in enumerate(machines)]
    return table(caption, columns, rows)
