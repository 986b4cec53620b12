"""What tools/gdb/chorale.py consists of. Runs inside gdb."""
