#!/usr/bin/env python3
"""Writes the nucleus's symbol file: a line for each function, 16 hexadecimal digits, a space, the name.

Sorted by address, one name for an address: the nucleus searches it by halves when it prints a backtrace.
"""

import argparse
import pathlib
import subprocess
import sys


def symbols(listing: str) -> dict[int, str]:
    """Address to name. Of several names for one address the first listed stays."""
    found: dict[int, str] = {}
    for line in listing.splitlines():
        address, kind, name = line.split(" ", 2)
        if kind in "tTwW":
            found.setdefault(int(address, 16), name)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nm", default="llvm-nm-19", help="the symbol lister")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="the file to write")
    parser.add_argument("nucleus", type=pathlib.Path, help="the nucleus with its symbols")
    options = parser.parse_args()

    try:
        listing = subprocess.run([options.nm, "--demangle", "--defined-only", options.nucleus], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
        lines = [f"{address:016x} {name}\n" for address, name in sorted(symbols(listing).items())]
        if not lines:
            print(f"make_symbols: {options.nucleus} has no symbols", file=sys.stderr)
            return 1
        options.output.write_text("".join(lines))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"make_symbols: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
