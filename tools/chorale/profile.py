"""Where the instructions of one result are: by function and CPU, for each operation."""

import bisect
import collections
import subprocess

from chorale import arch, elf, paths, report

USER, FIRMWARE = "(user)", "(firmware)"


def functions(kernel):
    """(address, name with parameters) of what is code in it, by address."""
    listing = subprocess.run(["llvm-nm-19", "-C", "-n", str(kernel)], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    return [(int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tTwW"]


def without_parameters(name):
    return name.replace("(anonymous namespace)::", "").partition("(")[0]


class Symbols:
    """Names of the nucleus's addresses."""

    def __init__(self, architecture):
        kernel = paths.kernel(architecture)
        self.facts = arch.ARCHITECTURES[architecture]
        self.load_address, _ = elf.Elf(kernel).physical_range()
        code = functions(kernel)
        self.addresses, self.names = [row[0] for row in code], [row[1] for row in code]

    def name(self, address):
        return self.place(address)[1]

    def place(self, address):
        """The first address of the function there, and its name."""
        if address < self.facts.nucleus_base:
            stays = self.facts.firmware_base
            name = FIRMWARE if stays and stays <= address < self.load_address else USER
            return name, name
        index = bisect.bisect_right(self.addresses, address) - 1
        # Parameters say nothing here and would fill the line.
        if index < 0:
            return address, hex(address)
        return self.addresses[index], without_parameters(self.names[index])


def table(architecture, events, result):
    """Rows sorted by cost; each figure is instructions per operation on that CPU."""
    symbols = Symbols(architecture)
    sums = collections.defaultdict(collections.Counter)
    for event in events:
        sums[symbols.name(event["address"])][event["cpu"]] += event["count"]
    cpus = sorted({cpu for row in sums.values() for cpu in row})
    rows = [[name, *(row[cpu] / result["n"] for cpu in cpus), sum(row.values()) / result["n"]]
            for name, row in sums.items()]
    rows.sort(key=lambda row: row[-1], reverse=True)
    rows.append(["total", *(sum(row[i] for row in rows) for i in range(1, len(cpus) + 2))])
    header = [result["name"], *(f"CPU {cpu}" for cpu in cpus), "all"]
    cells = [header] + [[row[0], *(report.format_number(value) for value in row[1:])] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join("  ".join(cell.rjust(width) if i else cell.ljust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))) for row in cells)
