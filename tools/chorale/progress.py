"""One line for each phase, with its elapsed time: live on a terminal, plain lines elsewhere.

Invariant: a phase's line is finished (ok, FAILED or interrupted) before the next one starts, so that logs of
continuous integration read like the screen.
"""

import contextlib
import shutil
import sys
import threading
import time

TICK_SECONDS = 0.2


class Phase:
    """The phase under way; `note` is what it is doing right now."""

    def __init__(self, name, stream):
        self.name = name
        self.note = ""
        self.result = "ok"
        self._stream = stream
        self._live = stream.isatty()
        self._start = time.monotonic()
        self._stop = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def update(self, note):
        self.note = note

    def pause_for_output(self, text):
        """Prints a line of somebody else's (the guest's, say) above the live line."""
        if self._live:
            self._stream.write("\r\x1b[K")
        self._stream.write(text + "\n")
        self._stream.flush()

    def start(self):
        if self._live:
            self._draw("")
            self._ticker.start()

    def finish(self, state):
        self._stop.set()
        if self._ticker.is_alive():
            self._ticker.join()
        self._draw(state, last=True)

    def elapsed(self):
        return time.monotonic() - self._start

    def _tick(self):
        while not self._stop.wait(TICK_SECONDS):
            self._draw(self.note)

    def _draw(self, state, last=False):
        line = f"[{self.elapsed():6.1f}s] {self.name} … {state}"
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write("\r\x1b[K" + line[:width] + ("\n" if last else ""))
        elif last:
            self._stream.write(line + "\n")
        self._stream.flush()


@contextlib.contextmanager
def phase(name, stream=None):
    current = Phase(name, stream or sys.stderr)
    current.start()
    try:
        yield current
    except BaseException as error:
        current.finish("interrupted" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    current.finish(current.result)
