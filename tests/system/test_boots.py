"""Many boots: whichever hart the firmware picks, whenever the others come, each boot is like the other."""

import concurrent.futures
import os
import unittest

from support import QUICK, SystemTest, boot

BOOTS = int(os.environ.get("CHORALE_BOOTS", 60))


class Boots(SystemTest):
    def test_many(self):
        with concurrent.futures.ThreadPoolExecutor(2) as workers:
            runs = list(workers.map(lambda i: boot(f"boots-{i % 4}", QUICK, cpus=2 + i % 4, timeout=150),
                                    range(BOOTS)))
        first = set()
        for i, run in enumerate(runs):
            self.assert_passed(run)
            self.assert_says(run, rf"^cpus: {2 + i % 4} running, {2 + i % 4} found$")
            first.update(match.group(1) for match in run.matches(r"^Boot HART ID\s+: (\d+)$"))
        print("boot harts:", ", ".join(sorted(first)))


if __name__ == "__main__":
    unittest.main()
