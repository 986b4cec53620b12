"""Device trees that are wrong: what is wrong is said, and either left out or the end, by one clear line.

The machine is always the same, QEMU's virt with two harts; only what the nucleus is told of it changes.
"""

import struct
import tempfile
import unittest

import fdt
import lying_firmware
from fdt import cells, text, wide
from support import QUICK, SystemTest, qemu

BASE, SIZE = 0x80000000, 512 << 20
GOOD_MEMORY = {"device_type": text("memory"), "reg": wide(BASE, SIZE)}


def set_property(path, name, value):
    def change(root):
        root[path].properties[name] = value
    return change


def drop_property(path, name):
    return lambda root: root[path].properties.pop(name)


def each_hart(name, value):
    def change(root):
        for node in root["cpus"].children:
            if node.name.startswith("cpu@"):
                node.properties[name] = value
    return change


def remove(path):
    return lambda root: root.remove(path)


def add_hart(number, *, like=1):
    """A hart with an interrupt controller of its own."""
    def change(root):
        hart = root[f"cpus/cpu@{like}"].copy(f"cpu@{number:x}")
        hart.properties["reg"], hart.properties["phandle"] = cells(number), cells(0x5000 + number % 0x1000)
        hart["interrupt-controller"].properties["phandle"] = cells(0x6000 + number % 0x1000)
        root["cpus"].children.append(hart)
    return change


def reserve(*ranges, address_cells=2):
    def change(root):
        parent = root.add("reserved-memory", {"#address-cells": cells(address_cells), "#size-cells": cells(2),
                                              "ranges": b""})
        for begin, size in ranges:
            parent.add(f"mem@{begin:x}", {"reg": wide(begin, size)})
    return change


def initrd(begin, end):
    def change(root):
        for name, value in (("start", begin), ("end", end)):
            root["chosen"].properties[f"linux,initrd-{name}"] = value
    return change


def many(count, change):
    def changes(root):
        for i in range(count):
            change(root, i)
    return changes


def both_harts(status):
    """Any of them may be the one that boots, and that one runs."""
    return many(2, lambda root, i: set_property(f"cpus/cpu@{i}", "status", text(status))(root))


def nested(root):
    for _ in range(100):
        root = root.add("deeper")


# name: (change, what the console must say); all the target tests chosen pass
ENDURED = {
    "honest": (lambda root: None, "^features: sv48 .*fpu sstc"),
    "sv39": (each_hart("mmu-type", text("riscv,sv39")), "^features: sv39"),
    "sv57": (each_hart("mmu-type", text("riscv,sv57")), "^features: sv48"),
    "one_sv39": (set_property("cpus/cpu@1", "mmu-type", text("riscv,sv39")), "^features: sv39"),
    "mmu_unknown": (set_property("cpus/cpu@1", "mmu-type", text("riscv,sv99")),
        "cpu@1: its paging is not known"),
    "mmu_none": (each_hart("mmu-type", text("riscv,none")), "^cpus: 1 running, 1 found$"), # whichever boots
    "isa_without_sstc": (each_hart("riscv,isa", text("rv64imafdc")), "^timer: no Sstc"),
    "isa_without_a": (set_property("cpus/cpu@1", "riscv,isa", text("rv64imfdc")),
        "the nucleus needs rv64ima"),
    "isa_binary": (set_property("cpus/cpu@1", "riscv,isa", b"\xff" * 300), "cpu@1: a text has no end"),
    "isa_missing": (drop_property("cpus/cpu@1", "riscv,isa"), "the nucleus needs rv64ima"),
    "hart_unknown": (add_hart(7), "hart 7 of the device tree is unknown to the firmware"),
    "hart_number_huge": (add_hart(0xFFFFFFFF), "hart 4294967295 of the device tree is unknown"),
    "hart_twice": (add_hart(1), "a second hart of this number"),
    "harts_disabled": (both_harts("disabled"), "^cpus: 1 running, 1 found$"),
    "harts_failed": (both_harts("fail-sss"), "^cpus: 1 running, 1 found$"),
    "harts_200": (many(200, lambda root, i: add_hart(i + 2)(root)), "one hart too many"),
    "other_harts": (many(2, lambda root, i: set_property(f"cpus/cpu@{i}", "reg", cells(i + 20))(root)),
                    r"the device tree does not know hart \d"),
    "no_local_controller": (lambda root: root["cpus/cpu@1"].children.clear(),
        "no local interrupt controller"),
    "memory_huge": (set_property("memory", "reg", wide(BASE, 1 << 62)), r"^memory: \d+ MiB usable"),
    "memory_in_pieces": (many(200, lambda root, i: root.add(
        f"memory@{i + 1:x}00000000", {"device_type": text("memory"), "reg": wide(i + 1 << 32, 4096)})),
        "memory that is in too many pieces"),
    "memory_twice": (many(2, lambda root, i: root.add(f"memory@{i:x}", GOOD_MEMORY)),
        "^memory: 512 MiB usable"),
    "reserved_elsewhere": (reserve((1 << 60, 4096)), "^memory: 512 MiB usable"),
    "console_nowhere": (set_property("chosen", "stdout-path", text("/soc/serial@6")),
        "stdout-path leads nowhere"),
    "console_odd": (set_property("chosen", "stdout-path", text("/soc/rtc@101000")), "not a serial port"),
    "console_open": (set_property("chosen", "stdout-path", b"/soc"), "chosen: a text has no end"),
    "console_missing": (drop_property("chosen", "stdout-path"), "^Chorale nucleus"),
    "serial_beyond": (set_property("soc/serial", "reg", wide(1 << 63, 256)),
        "registers beyond the end of memory"),
    "serial_nowhere": (drop_property("soc/serial", "reg"), "serial@10000000: it has no addresses"),
    "serial_width": (set_property("soc/serial", "reg-io-width", cells(7)), "registers of a form"),
    "serial_shift": (set_property("soc/serial", "reg-shift", cells(33)), "registers of a form"),
    "plic_missing": (remove("soc/plic"), "^irq: no interrupt controller"),
    "plic_cut": (set_property("soc/plic", "interrupts-extended", bytes(5)), "contexts of a wrong length"),
    "plic_for_nobody": (set_property("soc/plic", "interrupts-extended", cells(77, 9, 78, 9)),
        "a context for no hart"),
    "plic_sources": (set_property("soc/plic", "riscv,ndev", cells(0xFFFFFFFF)),
        "interrupt sources that cannot be"),
    "plic_small": (set_property("soc/plic", "reg", wide(0xC000000, 4096)), "plic@c000000: too few registers"),
    "arguments_open": (set_property("chosen", "bootargs", QUICK.encode() + b" smp.stress=0"),
        "a text has no end"),
    "arguments_long": (set_property("chosen", "bootargs", text(QUICK + " " + "x" * 100000)),
                       "^command line: .*too long"),
    "arguments_binary": (set_property("chosen", "bootargs", QUICK.encode() + b" \x1b[31m\xff\0more\0"),
                         "^command line: .*unknown key"),
    "model_missing": (drop_property("", "model"), "^cpu: "),
    "model_binary": (set_property("", "model", b"\x1b[2J\xff" * 30 + b"\0"), r"^cpu: \?\[2J"),
    "seed_missing": (drop_property("chosen", "rng-seed"), "^Chorale nucleus"),
    "chosen_twice": (lambda root: root.children.append(root["chosen"].copy("chosen@1")),
        "a second one is not read"),
}

# The nucleus says what is wrong and gives up, as it does without a bank.
BANKS = {
    "swapped": (initrd(cells(0x88300000), cells(0x88200000)), "the bank's place makes no sense"),
    "without_end": (initrd(cells(0x88200000), b""), "the bank's place makes no sense"),
    "odd": (initrd(b"abc", cells(0x88300000)), "the bank's place makes no sense"),
    "outside": (initrd(cells(0x10000000), cells(0x10100000)), "the bank is not in memory"),
    "over_the_edge": (initrd(cells(0x88200000), cells(0xB0000000)), "the bank is not in memory"),
    "in_the_firmware": (initrd(cells(BASE), cells(BASE + 4096)), "^boot: the bank "),
    "in_the_nucleus": (initrd(cells(0x80400000), cells(0x80450000)),
        "^boot: the bank |^bank: not a newc header"),
    "absent": (remove("chosen"), "^boot: nothing to run"),
}

# What nothing can be done with: one line, and the end.
FATAL = {
    "no_memory": (remove("memory"), "it names no memory"),
    "memory_wraps": (set_property("memory", "reg", wide(BASE, 2**64 - 1)),
        "beyond the end of the address space"),
    "memory_odd": (set_property("memory", "reg", wide(BASE, SIZE) + b"abc"), "addresses of a wrong length"),
    "memory_without_nucleus": (set_property("memory", "reg", wide(0x90000000, 1 << 24)),
        "^boot: .*device tree"),
    "memory_tiny": (set_property("memory", "reg", wide(0x80400000, 0x80000)),
        "^boot: .*(device tree|memory)"),
    "memory_all_reserved": (reserve((BASE, SIZE)), "no usable memory"),
    "reserved_unclear": (reserve((BASE, 4096), address_cells=5),
        "reserves memory in a way that is not understood"),
    "reserved_in_pieces": (reserve(*((0x90000000 + i * 65536, 4096) for i in range(200))),
        "reserves memory in"),
    "no_harts": (lambda root: root["cpus"].children.clear(), "it names no harts"),
    "no_timebase": (drop_property("cpus", "timebase-frequency"), "no usable timebase-frequency"),
    "timebase_zero": (set_property("cpus", "timebase-frequency", cells(0)),
        "a timebase frequency that cannot be"),
    "timebase_odd": (set_property("cpus", "timebase-frequency", b"ab"),
        "a timebase frequency that cannot be"),
    "wide_addresses": (set_property("", "#address-cells", cells(77)), "of a width that is not supported"),
    "nested": (nested, "its nodes are nested too deeply"),
}


def header_field(number, value):
    """A change of the ten words that a tree begins with."""
    return lambda tree: tree[:4 * number] + struct.pack(">I", value & 0xFFFFFFFF) + tree[4 * number + 4:]


def with_zeros(begin, count):
    return lambda tree: tree[:begin] + bytes(count) + tree[begin + count:]


# Bytes that are no tree at all.
DAMAGED = {
    "magic": (header_field(0, 0xD00DFEEE), "no device tree at the address"),
    "nothing": (lambda tree: bytes(len(tree)), "no device tree at the address"),
    "ones": (lambda tree: b"\xff" * len(tree), "no device tree at the address"),
    "size_small": (header_field(1, 39), "no device tree at the address"),
    "size_huge": (header_field(1, 0x7FFFFFFF), "no device tree at the address"),
    "size_cut": (header_field(1, 400), "cannot be used: its (header|structure) is damaged"),
    "structure_beyond": (header_field(2, 1 << 20), "cannot be used: its (header|structure) is damaged"),
    "structure_negative": (header_field(2, -4), "cannot be used: its (header|structure) is damaged"),
    "strings_beyond": (header_field(3, 1 << 30), "cannot be used: its (header|structure) is damaged"),
    "strings_size": (header_field(8, 0xFFFFFFFF), "cannot be used: its (header|structure) is damaged"),
    "reservations_beyond": (header_field(4, 1 << 28), "cannot be used: its (header|structure) is damaged"),
    "version": (header_field(5, 99), "^Chorale nucleus|cannot be used: its version is not supported"),
    "version_old": (header_field(5, 2), "cannot be used: its version is not supported"),
    "version_new": (header_field(6, 99), "cannot be used: its version is not supported"),
    "hole": (with_zeros(600, 64), "cannot be used: its structure is damaged"),
}


class DeviceTree(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.honest = lying_firmware.honest_tree()

    def boot_changed(self, name, change, **options):
        root, reserved = fdt.read(fdt.write(self.honest[0])), self.honest[1]
        change(root)
        return lying_firmware.boot_with(f"tree-{name}", fdt.write(root, reserved), timeout=240, **options)

    def assert_ended_by_panic(self, run):
        """Without a tree that can be used there may be no way to tell a status."""
        self.assertEqual(run.outcome.stopped, "", run.text)
        self.assertIn(run.outcome.status, (0, qemu.EXIT_PANIC), run.text)
        self.assertTrue(run.outcome.transcript.panicked(), run.text)
        self.assertEqual(run.outcome.transcript.errors, [], run.text)

    def test_endured(self):
        for name, (change, said) in ENDURED.items():
            with self.subTest(name):
                run = self.boot_changed(name, change)
                self.assert_passed(run)
                self.assert_says(run, said)

    def test_bank(self):
        for name, (change, said) in BANKS.items():
            with self.subTest(name):
                run = self.boot_changed(f"bank-{name}", change)
                self.assert_gave_up(run)
                self.assert_says(run, said)

    def test_fatal(self):
        for name, (change, said) in FATAL.items():
            with self.subTest(name):
                run = self.boot_changed(f"fatal-{name}", change)
                self.assert_ended_by_panic(run)
                self.assert_says(run, said)

    def test_damaged(self):
        whole = fdt.write(*self.honest)
        for name, (damage, said) in DAMAGED.items():
            with self.subTest(name):
                run = lying_firmware.boot_with(f"tree-damaged-{name}", damage(whole), timeout=30)
                if run.outcome.problem():
                    self.assert_ended_by_panic(run)
                self.assert_says(run, said)

    def test_odd_address(self):
        run = lying_firmware.boot_with("tree-odd-address", fdt.write(*self.honest),
                                       at=lying_firmware.TREE_AT + 4, timeout=30)
        self.assert_ended_by_panic(run)
        self.assert_says(run, "is not a multiple of 8")

    def test_no_way_out(self):
        """Without the test device the machine is switched off by the firmware: no status, but an end."""
        run = self.boot_changed("no-way-out", remove("soc/test"))
        self.assertEqual((run.outcome.stopped, run.outcome.status), ("", 0), run.text)
        self.assertTrue(run.outcome.transcript.passed(), run.text)

    def test_hart_that_never_starts(self):
        """The firmware believes in it too, starts it, and nothing comes."""
        root, reserved = fdt.read(fdt.write(self.honest[0])), self.honest[1]
        add_hart(2)(root)
        for controller in root.find("sifive,clint0"):
            controller.properties["interrupts-extended"] += cells(0x6002, 3, 0x6002, 7)
        with tempfile.NamedTemporaryFile(suffix=".dtb") as file:
            file.write(fdt.write(root, []))
            file.flush()
            run = self.boot(QUICK, extra=("-dtb", file.name), timeout=150)
        self.assert_passed(run)
        self.assert_says(run, r"^cpu 2 \(hart 2\) did not start in time: going on without it$")
        self.assert_says(run, "^cpus: 2 running, 3 found$")


if __name__ == "__main__":
    unittest.main()
