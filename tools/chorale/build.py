"""Configures and builds a preset, and compiles the QEMU plugin."""

import os
import re

from chorale import paths, process, sources
from chorale.errors import Failure
from chorale.progress import phase

NINJA_STATUS = re.compile(r"\[(\d+)/(\d+)\] ?(.*)")
PLUGIN_SOURCES = paths.TOOLS / "plugin"


def needs_configure(preset):
    """Ninja itself runs CMake again when a CMake file changed: this is for the first time and moved trees."""
    cache = paths.tree(preset) / "CMakeCache.txt"
    ninja = paths.tree(preset) / "build.ninja"
    presets = paths.ROOT / "CMakePresets.json"
    if not ninja.exists() or not cache.exists() or presets.stat().st_mtime > ninja.stat().st_mtime:
        return True
    home = re.search(r"^CMAKE_HOME_DIRECTORY:\w+=(.*)$", cache.read_text(errors="replace"), re.MULTILINE)
    return home is None or os.path.realpath(home.group(1)) != str(paths.ROOT)


def configure(preset, verbose=False):
    if not (paths.ROOT / "CMakeLists.txt").exists():
        raise Failure(f"no CMakeLists.txt in {paths.ROOT}: is the checkout whole?")
    if not needs_configure(preset):
        return
    with phase(f"configure {preset}") as progress:
        log = paths.log(f"configure-{preset}")
        show = progress.pause_for_output if verbose else None
        if process.run_logged(["cmake", "--fresh", "--preset", preset], log, show, cwd=paths.ROOT) != 0:
            raise Failure(f"CMake could not configure the preset {preset}", log)


def build(preset, verbose=False, targets=()):
    """Configures when needed and builds everything of a preset, or the named targets."""
    sources.ensure()
    configure(preset, verbose)
    with phase(f"build {preset}") as progress:
        log = paths.log(f"build-{preset}")
        done = 0

        def show(line):
            nonlocal done
            match = NINJA_STATUS.match(line)
            if match:
                done = int(match.group(2))
                progress.update(f"{match.group(1)}/{match.group(2)} {match.group(3)}")
            if verbose:
                progress.pause_for_output(line)

        command = ["ninja", "-C", paths.tree(preset)] + (["-v"] if verbose else []) + list(targets)
        env = dict(os.environ, NINJA_STATUS="[%f/%t] ")
        if process.run_logged(command, log, show, env=env) != 0:
            raise Failure(f"the build of {preset} failed", log)
        progress.result = f"ok ({done} step{'s' * (done != 1)})" if done else "ok (up to date)"


def plugin(name="insncount"):
    """A plugin of QEMU as a shared object, compiled when its sources are newer."""
    source, made = PLUGIN_SOURCES / f"{name}.c", paths.BUILD / "host-tools" / f"{name}.so"
    newest = max(file.stat().st_mtime for file in (source, PLUGIN_SOURCES / "guest.h"))
    if made.exists() and made.stat().st_mtime >= newest:
        return made
    with phase("build plugin"):
        made.parent.mkdir(parents=True, exist_ok=True)
        log = paths.log("build-plugin")
        # Renamed into place: a second command never loads half a file.
        partial = made.with_suffix(f".{os.getpid()}.so")
        command = ["clang-19", "-std=c17", "-O2", "-g", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror",
                   "-fuse-ld=lld-19", "-o", partial, source]
        if process.run_logged(command, log) != 0:
            raise Failure("the QEMU plugin does not compile", log)
        partial.replace(made)
    return made
