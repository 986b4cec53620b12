"""Runs other programs so that none outlives this command, and keeps what they say in a log."""

import ctypes
import os
import signal
import subprocess

from chorale.errors import Failure

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """Runs in the child: the kernel ends it when this command is killed without a chance to clean up."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def start(command, **options):
    """Starts a program in a session of its own: Ctrl-C reaches this command, which ends the child."""
    try:
        return subprocess.Popen([str(part) for part in command], start_new_session=True,
                                preexec_fn=die_with_parent, **options)
    except FileNotFoundError as error:
        raise Failure(f"{command[0]} is not installed (try: ./chorale setup)") from error


def stop(child, patience=2.0):
    """Ends a child and whatever it started."""
    if child.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            return
        try:
            child.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


def run_logged(command, log, on_line=None, append=False, env=None, cwd=None):
    """Runs a program with all its output in `log`; `on_line` sees each line. Returns its exit status."""
    with open(log, "ab" if append else "wb") as record:
        record.write(("$ " + " ".join(str(part) for part in command) + "\n").encode())
        record.flush()
        child = start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                      env=env, cwd=cwd)
        try:
            for line in child.stdout:
                record.write(line)
                if on_line:
                    on_line(line.decode(errors="replace").rstrip())
            return child.wait()
        finally:
            stop(child)
            child.stdout.close()
