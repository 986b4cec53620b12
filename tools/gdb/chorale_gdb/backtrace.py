"""Backtraces of threads: what the nucleus does for one, then what its program does."""

import gdb

from chorale_gdb.machine import NUCLEUS_HALF
from chorale_gdb.problem import Problem
from chorale_gdb.programs import LONGEST_BACKTRACE, UserFrames
from chorale_gdb.text import plain


def print_backtrace(thread, waits):
    reason = waits.text(thread)
    print(f"{thread.label}: {thread.doing}" + (f", waits for {reason}" if reason else ""))
    lines = nucleus_lines(thread)
    in_nucleus = len(lines)
    lines += program_lines(thread)
    for i, line in enumerate(lines):
        if i == in_nucleus and in_nucleus:
            print("  -- program, registers as the nucleus saved them last --")
        print(f"  #{i:<2} {line}")
    if not lines:
        print("  nothing is known of where it is")


def print_stack(cpu):
    """Of a CPU without a current thread."""
    print(f"cpu {cpu.index}: {cpu.doing()}")
    for i, line in enumerate(stack_lines(cpu.processor)):
        print(f"  #{i:<2} {line}")


def nucleus_lines(thread):
    """The CPU's stack while it executes the nucleus for this thread, else its continuation."""
    cpu = thread.cpu()
    if cpu is not None and cpu.processor is not None and cpu.processor.in_nucleus:
        return stack_lines(cpu.processor)
    function = thread.number("continuation")
    if not function:
        return []
    return [f"{function:#018x} {plain(thread.nucleus.symbol(function, False))} [continuation]"]


def stack_lines(processor):
    """By gdb's own unwinder, which follows the debug information of the nucleus."""
    lines, selected = [], gdb.selected_thread()
    try:
        processor.thread.switch()
        frame = gdb.newest_frame()
        while frame is not None and frame.pc() >= NUCLEUS_HALF and len(lines) < LONGEST_BACKTRACE:
            place = frame.find_sal()
            line = f" at {place.symtab.filename.removeprefix('./')}:{place.line}" if place.symtab else ""
            inlined = " [inlined]" if frame.type() == gdb.INLINE_FRAME else ""
            lines.append(f"{frame.pc():#018x} {plain(frame.name() or '?')}{line}{inlined}")
            frame = frame.older()
    except gdb.error as error:
        lines.append(f"the stack breaks off: {error}")
    finally:
        selected.switch()
    return lines


def program_lines(thread):
    lines = []
    try:
        frames = UserFrames(thread)
    except Problem as problem:
        return [f"its program cannot be read: {problem}"]
    for pc, look, note in frames.frames():
        places = [("", "")]
        if frames.program is not None and pc < NUCLEUS_HALF:
            places = frames.program.places(look)
        remark = f" [{note}]" if note else ""
        for i, (function, line) in enumerate(places):
            inlined = " [inlined]" if i + 1 < len(places) else ""
            where = f" at {line}" if line else ""
            lines.append(f"{pc:#018x} {plain(function) or '?'}{where}{inlined}{remark}")
    if frames.program is None:
        lines[-1] += f" [{frames.why}]"
    return lines
