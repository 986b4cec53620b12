"""Cache lines that several CPUs write: what counts as the path's doing."""

import unittest

import support  # noqa: F401

from chorale import lines


def line(*stores):
    return {"writers": [{"cpu": cpu, "stores": count} for cpu, count in enumerate(stores)]}


class LinesTest(unittest.TestCase):
    def test_what_all_round_trips_write(self):
        shared = line(lines.ROUNDS, lines.ROUNDS)
        self.assertEqual(lines.shared_by_the_path([shared]), [shared])

    def test_what_one_in_sixty_four_writes(self):
        shared = line(lines.ROUNDS // 64, 0, lines.ROUNDS // 64)
        self.assertEqual(lines.shared_by_the_path([shared]), [shared])

    def test_what_an_interrupt_writes(self):
        self.assertEqual(lines.shared_by_the_path([line(lines.ROUNDS, 1), line(2, 3)]), [])


if __name__ == "__main__":
    unittest.main()
