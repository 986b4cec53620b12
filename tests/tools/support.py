"""What the tests of the tools share: the checkout, running a tool, the fake guest."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))


def run(*command, **environment):
    """Runs a tool with the CHORALE_* variables of an outer test run taken away."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("CHORALE_")}
    env.update(environment)
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, env=env, timeout=120, check=False)


ASSEMBLE = {"x86_64": ["--target=x86_64-unknown-none-elf"],
            "riscv64": ["--target=riscv64-unknown-none-elf", "-march=rv64gc", "-mno-relax"]}


def assemble(directory, source, *link, arch="x86_64"):
    """Assembles and links a freestanding program. Returns its path."""
    source = pathlib.Path(source)
    made, program = pathlib.Path(directory) / (source.stem + ".o"), pathlib.Path(directory) / source.stem
    for command in (["clang-19", *ASSEMBLE[arch], "-c", source, "-o", made],
                    ["ld.lld-19", *link, "-o", program, made]):
        done = run(*command)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
    return program


def fake_guest(directory, arch="x86_64"):
    guest = ROOT / "tests" / "tools" / "guest"
    return assemble(directory, guest / f"{arch}.S", "-T", guest / f"{arch}.ld", arch=arch)
