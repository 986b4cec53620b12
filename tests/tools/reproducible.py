"""Builds a copy of the checkout in another folder: the nucleus, the bank, the libraries and programs of
actors must be the same, byte for byte.

usage: reproducible.py BUILD_TREE
"""

import filecmp
import pathlib
import shutil
import subprocess
import sys
import tempfile

import support

PRODUCTS = ("chorale.elf", "sys_bank.cpio", "sdk/lib/libc.a", "sdk/lib/libchorus.a",
            "sdk/embedded/lib/libembedded.a", "sdk/supervisor/lib/libembedded.a", "bin/5-2",
            "bin/hello_supervisor.r")
TARGETS = ("chorale", "sys_bank", "sdk", "embedded_sdk", "5-2", "hello_supervisor")  # that make them
THIRD_PARTY = support.ROOT / "build" / "third-party"


def copy_sources(to):
    """What a checkout holds: neither build trees nor ignored files."""
    listing = subprocess.run(["git", "-C", support.ROOT, "ls-files", "-z", "-co", "--exclude-standard"],
                             stdout=subprocess.PIPE, check=True).stdout.decode()
    for name in filter(None, listing.split("\0")):
        source, target = support.ROOT / name, to / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def main():
    first = pathlib.Path(sys.argv[1])
    # A path of another length: one that got in would move everything behind it.
    with tempfile.TemporaryDirectory(prefix="chorale-another-place-") as directory:
        copy = pathlib.Path(directory) / "checkout"
        copy_sources(copy)
        # Fetched ones need not be fetched again.
        if THIRD_PARTY.exists():
            shutil.copytree(THIRD_PARTY, copy / THIRD_PARTY.relative_to(support.ROOT))
        for command in (["cmake", "--preset", first.name], ["ninja", "-C", f"build/{first.name}", *TARGETS]):
            done = subprocess.run(command, cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, check=False)
            if done.returncode != 0:
                print("\n".join(done.stdout.splitlines()[-30:]))
                return 1
        different = [name for name in PRODUCTS
                     if not filecmp.cmp(first / name, copy / "build" / first.name / name, shallow=False)]
    for name in PRODUCTS:
        print(f"{name}: {'DIFFERENT' if name in different else 'the same'}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
