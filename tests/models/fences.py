#!/usr/bin/env python3
"""Checks that the compiler makes of each memory order the fences that docs/memory-order.md says it does.

Compiles files of the nucleus for riscv64 and looks, function by function, for groups of memory operations in
their order. Within a group nothing but register instructions may stand between: so `fence rw, w` and `store`
is a store that the fence is for. Accesses of the stack do not count.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COMPILER, DISASSEMBLER = "clang++-19", "llvm-objdump-19"
FLAGS = ["--target=riscv64-unknown-none-elf", "-march=rv64imac_zicsr_zifencei", "-mabi=lp64",
         "-mcmodel=medlow",
         "-std=c++23", "-O2", "-ffreestanding", "-nostdlibinc", "-nostdinc++", "-fno-exceptions", "-fno-rtti",
         "-fno-threadsafe-statics"]
INCLUDES = ["", "include", "arch/riscv64/include", "arch/riscv64/public"]

LOAD_ACQUIRE = ("load", "fence r, rw")
LOAD_SEQ_CST = ("fence rw, rw", "load", "fence r, rw")
STORE_RELEASE = ("fence rw, w", "store")
CHANGE_SEQ_CST = ("amoor.d.aqrl",)
LOCK = ("lr.w.aq", "sc.w")

# file: {part of the function's name: the groups that it must have, in this order}
EXPECTED = {
    "kernel/core/mailbox.cpp": {
        "Mailbox::push(": (LOAD_ACQUIRE, STORE_RELEASE),
        "Mailbox::ring(": (CHANGE_SEQ_CST, LOAD_SEQ_CST),
        "Mailbox::take(": (("amoswap.d.aq",), LOAD_ACQUIRE),
        "Mailbox::stop_polling(": (STORE_RELEASE, LOAD_SEQ_CST),
    },
    "kernel/core/remote.cpp": {
        "::forward(": (LOAD_ACQUIRE,),
        "::ask(": (LOAD_ACQUIRE,),
    },
    "kernel/core/migration.cpp": {
        "::move_thread(": (STORE_RELEASE,),
    },
    "kernel/ipc/delivery.cpp": {
        "::take_now(": (LOAD_SEQ_CST,),
        "::receive(": (CHANGE_SEQ_CST,),
        "::receive_any(": (CHANGE_SEQ_CST,),
        "::take_queued(": (STORE_RELEASE,),
        "::token_arrives(": (LOAD_SEQ_CST, LOAD_SEQ_CST),
        # set_queued(), then start_tour()
        "::deliver(chorale::Port&, chorale::Message&, bool)": (STORE_RELEASE, LOAD_SEQ_CST, LOAD_SEQ_CST),
    },
    "kernel/ipc/port.cpp": {
        "::create_port(": (LOCK, STORE_RELEASE),
        "::find_port(": (LOAD_ACQUIRE,),
        "::still_lives(": (LOAD_ACQUIRE,),
    },
    "kernel/mem/space_change.cpp": {
        "Space::flush_for(": (("fence rw, rw", "load"),),
    },
    "kernel/mem/asid.cpp": {
        "::free_asid(": (("amoand.d.rl",),),
        "::allocate_asid(": (LOAD_ACQUIRE, ("lr.d.aq", "sc.d")),
    },
    "kernel/core/environment.cpp": {
        "environment::unset(": (LOCK, STORE_RELEASE),
    },
}

INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\s+([a-z][\w.]*)\s*([^<#]*)")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
LOADS = {"lb", "lbu", "lh", "lhu", "lw", "lwu", "ld"}
STORES = {"sb", "sh", "sw", "sd"}


class Broken(Exception):
    """A tool is missing or the source does not compile."""


def call(command):
    try:
        done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    except FileNotFoundError as error:
        raise Broken(f"{command[0]} is not installed (try: ./chorale setup)") from error
    if done.returncode != 0:
        raise Broken(f"{' '.join(str(part) for part in command)}:\n{done.stderr}")
    return done


def library_headers():
    """Where the host's compiler finds libstdc++, as tools/cmake/freestanding.cmake does."""
    said = call([COMPILER, "-v", "-x", "c++", "-E", "/dev/null"]).stderr
    return re.findall(r"^ (/\S*/c\+\+/\d+)$", said, re.MULTILINE)


def disassemble(source, folder):
    """The function names and their instructions: {name: [(mnemonic, operands)]}."""
    headers = [ROOT / "tools/cmake/freestanding", *library_headers()]
    made = pathlib.Path(folder) / "made.o"
    call([COMPILER, *FLAGS, *[f"-I{ROOT / path}" for path in INCLUDES],
          *[part for header in headers for part in ("-isystem", header)], "-c", ROOT / source, "-o", made])
    functions, current = {}, None
    for line in call([DISASSEMBLER, "-d", "-C", "--no-show-raw-insn", made]).stdout.splitlines():
        begin = FUNCTION.match(line)
        if begin:
            # The label of an assembly statement begins no function.
            if not begin.group(1).startswith(".L"):
                current = functions.setdefault(begin.group(1), [])
            continue
        found = INSTRUCTION.match(line)
        if found and current is not None:
            current.append((found.group(1), found.group(2).strip()))
    return functions


def operations(instructions):
    """What orders or touches memory."""
    result = []
    for mnemonic, operands in instructions:
        if mnemonic == "fence" and operands != "w, 0":  # that is the PAUSE hint
            result.append(f"fence {operands}")
        elif mnemonic.startswith(("amo", "lr.", "sc.")):
            result.append(mnemonic)
        elif mnemonic in LOADS | STORES and "(sp)" not in operands:
            result.append("load" if mnemonic in LOADS else "store")
    return result


def missing_group(made, groups):
    """The first of the groups that is not there after those before it; None: all are."""
    at = 0
    for group in groups:
        places = [i for i in range(at, len(made) - len(group) + 1) if tuple(made[i:i + len(group)]) == group]
        if not places:
            return group
        at = places[0] + len(group)
    return None


def check(source, expected):
    """Yields what is wrong."""
    with tempfile.TemporaryDirectory(prefix="fences-") as folder:
        functions = disassemble(source, folder)
    for part, groups in expected.items():
        named = {name: made for name, made in functions.items() if part in name}
        if not named:
            yield f"{source}: no function {part}) in the machine code"
            continue
        misses = [missing_group(operations(made), groups) for made in named.values()]
        if None not in misses:
            yield f"{source}: {part}): no `{'; '.join(misses[0])}` where it should be"


def main():
    parser = argparse.ArgumentParser(prog="fences", description=__doc__, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", metavar="FILE", help="print each function's memory operations instead")
    options = parser.parse_args()
    try:
        if options.show:
            with tempfile.TemporaryDirectory(prefix="fences-") as folder:
                for name, made in disassemble(options.show, folder).items():
                    print(name, *operations(made), sep="\n    ")
            return 0
        found = [wrong for source, expected in EXPECTED.items() for wrong in check(source, expected)]
    except Broken as problem:
        print(f"fences: {problem}")
        return 1
    for wrong in found:
        print(f"fences: {wrong}")
    if not found:
        print(f"fences: {sum(len(functions) for functions in EXPECTED.values())} functions as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
