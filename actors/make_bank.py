#!/usr/bin/env python3
"""Writes a boot bank: a cpio archive (newc) of the given files, in the given order.

The result depends on the files' bytes and names only: no times, owners or inode numbers get in.
"""

import argparse
import pathlib
import sys

MODE_EXECUTABLE = 0o100755
TRAILER = "TRAILER!!!"


def entry(inode: int, mode: int, name: str, data: bytes) -> bytes:
    path = name.encode() + b"\0"
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0]
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return pad(header + path) + pad(data)


def pad(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, required=True, help="the archive to write")
    parser.add_argument("--file", metavar="NAME=FILE", action="append", default=[],
                        help="a file under another name, behind the others; one in a folder is no boot actor")
    parser.add_argument("files", type=pathlib.Path, nargs="+", help="boot actors, the first to start first")
    options = parser.parse_args()

    members = [(path.name, path) for path in options.files]
    for each in options.file:
        name, _, path = each.partition("=")
        members.append((name, pathlib.Path(path)))
    names = [name for name, _ in members]
    if len(set(names)) != len(names):
        print("make_bank: two files have the same name", file=sys.stderr)
        return 2
    archive = b""
    try:
        for inode, (name, path) in enumerate(members, start=1):
            archive += entry(inode, MODE_EXECUTABLE, name, path.read_bytes())
        archive += entry(0, 0, TRAILER, b"")
        options.output.write_bytes(archive)
    except OSError as error:
        print(f"make_bank: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
