"""Where a figure comes from: the command, the day, the commit, the machine and the emulator of its run."""

import datetime
import os
import platform
import re
import subprocess

from chorale import arch, paths

KEYS = ("command", "date", "commit", "machine", "emulator")


def said(*command):
    """What a program says, "" when it cannot be asked."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def commit():
    name = said("git", "-C", str(paths.ROOT), "rev-parse", "--short=12", "HEAD")
    if not name:
        return "unknown (no git checkout)"
    changed = said("git", "-C", str(paths.ROOT), "status", "--porcelain")
    return name + (" with uncommitted changes" if changed else "")


def machine():
    """The processor and the system that measured. Nobody's name is in it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            model = re.search(r"^(?:model name|uarch|cpu model)\s*: *(.+)$", file.read(), re.MULTILINE)
    except OSError:
        model = None
    cpus = os.cpu_count() or 0
    return (f"{model.group(1) if model else platform.machine()}, {cpus} CPU{'s' * (cpus != 1)}, "
            f"{platform.system()} {platform.release()}")


def command_of(options):
    """The command that measures this again, with each option that is not the usual one."""
    words = ["./chorale", "bench", "--arch", options.arch]
    words += ["--count"] if options.count else []
    words += ["--cpus", str(options.cpus)]
    words += ["--memory", options.memory] if options.memory != "512M" else []
    words += ["--bench", options.bench] if options.bench != "all" else []
    words += ["--fastpath", options.fastpath] if options.fastpath else []
    return " ".join(words)


def of_run(options):
    version = said(f"qemu-system-{options.arch}", "--version").partition("\n")[0]
    usual = arch.ARCHITECTURES[options.arch]
    emulator = f"{version or 'QEMU, version unknown'} (TCG), -machine {usual.machine} -cpu {usual.cpu}"
    return {"command": command_of(options), "date": now(), "commit": commit(), "machine": machine(),
            "emulator": emulator}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
