"""Actors that are no programs or bad programs: each is reported, everyone else runs."""

import re
import unittest

from support import (DATA, EXECUTE, PAGE, PT_DYNAMIC, PT_GNU_STACK, PT_INTERP, QUICK, READ, TEXT,
                     TEXT_ADDRESS, WRITE, SystemTest, bank, cpio_entry, elf, good_actor, header, machine,
                     qemu)

NUCLEUS, USER_END = machine.NUCLEUS_ADDRESS, machine.USER_END

# name: (file, what the console must say of it)
UNLOADABLE = {
    "empty": (b"", "header cut off"),
    "one_byte": (b"\x7f", "header cut off"),
    "no_elf": (b"#!/bin/sh\n" * 20, "not an ELF file"),
    "cut_in_header": (elf()[:63], "header cut off"),
    "cut_in_table": (elf()[:64 + 56 + 55], "program headers beyond the end"),
    "cut_in_text": (elf()[:2 * PAGE - 1], "segment beyond the end of the file"),
    "other_machine": (elf(made_for=machine.OTHER_MACHINE), "made for another machine"),
    "bits32": (elf(identity=b"\x01\x01\x01"), "not 64-bit"),
    "big_endian": (elf(identity=b"\x02\x02\x01"), "not little endian"),
    "shared": (elf(kind=3), "not the kind of executable that is wanted"),
    "dynamic": (elf(headers=(TEXT, header(kind=PT_DYNAMIC))), "dynamically linked"),
    "interpreted": (elf(headers=(TEXT, header(kind=PT_INTERP))), "dynamically linked"),
    "executable_stack": (elf(headers=(TEXT, header(kind=PT_GNU_STACK, flags=7))),
                         "wants an executable stack"),
    "writable_text": (elf(headers=(header(flags=READ | WRITE | EXECUTE),)),
                      "segment writable and executable"),
    "overlap": (elf(headers=(TEXT, header(flags=READ, address=TEXT_ADDRESS))), "segments overlap"),
    "overlap_in_page": (elf(headers=(TEXT, header(flags=READ | WRITE, offset=0, file_size=0,
                                                  address=TEXT_ADDRESS + PAGE - 1))), "segments overlap"),
    "entry_outside": (elf(entry=TEXT_ADDRESS + 2 * PAGE), "entry point not executable"),
    "entry_in_data": (elf(entry=TEXT_ADDRESS + PAGE), "entry point not executable"),
    "entry_in_nucleus": (elf(entry=NUCLEUS), "entry point not executable"),
    "in_nucleus": (elf(headers=(header(address=NUCLEUS),), entry=NUCLEUS),
                   "segment outside the user range"),
    "at_null": (elf(headers=(header(address=0),), entry=0), "segment outside the user range"),
    "over_the_end": (elf(headers=(TEXT, header(flags=READ, offset=0, file_size=0, address=USER_END - PAGE,
                                               memory_size=2 * PAGE))), "segment outside the user range"),
    "wrapping": (elf(headers=(TEXT, header(flags=READ, offset=0, file_size=0, memory_size=2**64 - PAGE))),
                 "segment outside the user range"),
    "wrapping_offset": (elf(headers=(header(offset=2**64 - PAGE),)), "segment beyond the end of the file"),
    "huge": (elf(headers=(TEXT, header(flags=READ, offset=0, file_size=0, address=TEXT_ADDRESS + PAGE,
                                       memory_size=USER_END // 4))), "needs too much memory"),
    "over_quota": (elf(headers=(TEXT, header(flags=READ | WRITE, offset=0, file_size=0,
                                             address=TEXT_ADDRESS + PAGE, memory_size=900 << 20))),
                   "no memory"),
    "file_larger": (elf(headers=(header(memory_size=PAGE - 1),)), "segment larger in file than in memory"),
    "nothing": (elf(headers=(header(file_size=0, memory_size=0),)), "empty segment"),
    "misaligned": (elf(headers=(header(offset=PAGE + 1, file_size=16),)), "segment misaligned"),
    "no_headers": (elf(headers=()), "nothing to load"),
    "many_headers": (elf(count=0xFFFF), "too many program headers"),
    "many_segments": (elf(headers=(TEXT, *(header(flags=READ, offset=0, file_size=0,
                                                  address=TEXT_ADDRESS + PAGE * i) for i in range(1, 20)))),
                      "too many segments"),
}

class BadActors(SystemTest):
    def test_unloadable(self):
        self.assertEqual([len(name) for name in UNLOADABLE if "." in name], [])
        run = self.boot(QUICK, bank(*(cpio_entry(name, file) for name, (file, _) in UNLOADABLE.items()),
                                    good_actor()))
        self.assert_passed(run)
        for name, (_, reason) in UNLOADABLE.items():
            self.assert_says(run, f"^actor {name}: not loaded: {reason}$")
        self.assertEqual(len(run.matches("not loaded")), len(UNLOADABLE), run.text)
        self.assert_says(run, "^actor nucleus_tests loaded: ")
        self.assert_says(run, "^1 boot actors$")

    def test_too_large_for_the_machine(self):
        large = elf(headers=(TEXT, header(flags=READ | WRITE, offset=0, file_size=0,
                                          address=TEXT_ADDRESS + PAGE, memory_size=100 << 20)))
        run = self.boot(QUICK, bank(cpio_entry("large", large), good_actor()), memory="64M")
        self.assert_passed(run)
        self.assert_says(run, "^actor large: not loaded: no memory$")

    def test_nothing_loadable(self):
        bad = [cpio_entry(name, UNLOADABLE[name][0]) for name in ("empty", "other_machine")]
        run = self.boot(QUICK, bank(*bad))
        self.assert_gave_up(run)
        self.assert_says(run, "^boot: nothing to run: the bank has no actor that could be loaded$")

    def test_crashing(self):
        """Each ends with its first instructions; the last in the bank, which runs after them, passes."""
        crashing = machine.CRASHING
        run = self.boot(QUICK, bank(*(cpio_entry(name, elf(code)) for name, (code, _) in crashing.items()),
                                    good_actor()))
        self.assert_passed(run)
        for name, (_, reason) in crashing.items():
            self.assert_says(run, rf"(?i)^actor {name} thread \d+: ({reason}).*\): actor deleted$")
        self.assertEqual(len(run.matches("actor deleted")), len(crashing), run.text)

    def test_all_crash(self):
        crashing = [cpio_entry(name, elf(machine.CRASHING[name][0])) for name in ("undefined", "privileged")]
        run = self.boot(QUICK, bank(*crashing))
        self.assertEqual(run.outcome.stopped, "", run.text)
        self.assertEqual(run.outcome.status, qemu.EXIT_FAIL, run.text)
        self.assert_says(run, "^nothing left to run: the last actor is gone$")

    def test_control(self):
        """What the bad ones are made from can be loaded."""
        run = self.boot(QUICK, bank(good_actor(), cpio_entry("control", elf(headers=(TEXT, DATA)))))
        self.assert_passed(run)
        self.assert_says(run, "^actor control loaded: 8 KiB")

    def test_named_but_missing(self):
        run = self.boot(f"{QUICK} run=nucleus_tests,nobody,other_machine",
                        bank(cpio_entry("other_machine", UNLOADABLE["other_machine"][0]), good_actor()))
        self.assert_gave_up(run)
        self.assert_says(run, "^run=nobody: no such program in the bank$")
        self.assert_says(run, "^actor other_machine: not loaded: made for another machine$")
        self.assertFalse(run.matches("^@test"), run.text)

    def test_not_named(self):
        run = self.boot(f"{QUICK} run=nucleus_tests", bank(cpio_entry("control", elf()), good_actor()))
        self.assert_passed(run)
        self.assertFalse(run.matches(re.escape("actor control")), run.text)


if __name__ == "__main__":
    unittest.main()
