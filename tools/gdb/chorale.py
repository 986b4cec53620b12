"""Commands for gdb that know the Chorale nucleus. `./chorale debug` loads them; by hand:

    (gdb) source tools/gdb/chorale.py

They read the machine's memory only, by QEMU's physical memory mode. docs/debugging.md shows them at work.
"""

import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True  # the checkout stays as it is

from chorale_gdb import commands  # noqa: E402, F401  pylint: disable=wrong-import-position, unused-import

gdb.write("Chorale's commands are loaded: chorale help\n")
