"""The charts and colours of the report's page."""

import re
import unittest
import xml.etree.ElementTree

import support  # noqa: F401  (puts tools/ on the module path)
from chorale import chart, page, sections


class Charts(unittest.TestCase):
    def test_bars_are_as_long_as_their_numbers(self):
        rows = [{"label": "a", "value": "75", "marks": [("of-total", 80, "budget")],
                 "parts": [("nucleus", 50, "n"), ("user", 25, "u")]}]
        tree = xml.etree.ElementTree.fromstring(chart.stacked_bars("label", rows, "unit", 80))
        first, second = tree.findall("rect")
        self.assertAlmostEqual(float(first.get("width")), 2 * float(second.get("width")), delta=0.2)
        end = float(first.get("x")) + float(first.get("width"))
        self.assertAlmostEqual(end, float(second.get("x")), delta=0.2)
        scale = chart.Linear(80)
        self.assertIn(f"M{scale(80):.1f} ", tree.find("path").get("d"))

    def test_axes(self):
        for high in (0, 0.3, 1, 7, 99, 100, 101, 338, 95263, 4e7, 2 ** 64):
            scale = chart.Linear(high)
            self.assertGreaterEqual(scale.high, high)
            self.assertTrue(3 <= len(scale.ticks) <= 7, (high, scale.ticks))
            self.assertLessEqual(scale(high), chart.WIDTH - chart.MARGIN + 0.01)
        for low, high in ((1, 1), (0.8, 5), (2, 3e9), (1e-3, 1e19)):
            scale = chart.Log(low, high)
            self.assertTrue(1 <= len(scale.ticks) <= 9, (low, high, scale.ticks))
            places = [scale(value) for value in (0, low, (low * high) ** 0.5, high)]
            self.assertEqual(places, sorted(places))
            self.assertTrue(chart.MARGIN <= places[0] <= places[-1] <= chart.WIDTH - chart.MARGIN)

    def test_a_histogram_is_highest_where_most_rounds_are(self):
        row = sections.distribution_row({
            "name": "null_call", "min": 20001, "median": 21500, "p99": 22001, "max": 22500, "n": 10,
            "histogram": [[20000, 20999, 1], [21000, 21999, 8], [22000, 22999, 1]]})
        tree = xml.etree.ElementTree.fromstring(chart.distributions("label", [row], "unit"))
        shape = next(path.get("d") for path in tree.findall("path") if path.get("class") == "histogram")
        tops = [float(top) for top in re.findall(r"V([\d.]+)H", shape)]
        self.assertEqual(len(tops), 3)
        self.assertEqual(tops.index(min(tops)), 1)

    def test_long_names_do_not_run_into_figures(self):
        rows = [{"label": "long " * 30, "value": "1,234", "ratio": 2.0, "title": "t"}]
        tree = xml.etree.ElementTree.fromstring(chart.ratios("label", rows, "unit"))
        label = next(text for text in tree.findall("text") if text.get("class") == "label")
        self.assertLessEqual(len("".join(label.itertext()).replace("long " * 30, "")), chart.ROW_CHARACTERS)
        self.assertEqual(label.find("title").text, "long " * 30)

    def test_numbers(self):
        for value, text in ((None, "–"), (0, "0"), (1234567, "1,234,567"), (971.0, "971"),
                            (1058.16, "1,058.2"), (0.16, "0.16"), (2.345, "2.35")):
            self.assertEqual(chart.number(value), text)

    def test_colours_have_contrast_in_both_modes(self):
        style = page.STYLE.read_text()
        light, dark, paper = (dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))
                              for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL))
        self.assertEqual(set(light), set(dark))
        self.assertEqual({name: light[name] for name in paper if name != "link"},
                         {name: paper[name] for name in paper if name != "link"})
        for colours in (light, dark):
            for name, least in (("text", 7), ("muted", 4.5), ("link", 4.5), ("over", 4.5), ("nucleus", 3),
                                ("user", 3), ("firmware", 3), ("density", 3), ("series-a", 4.5),
                                ("series-b", 4.5)):
                self.assertGreaterEqual(contrast(colours[name], colours["page"]), least, name)
            self.assertGreaterEqual(contrast(colours["muted"], colours["raised"]), 4.5)
            self.assertGreaterEqual(contrast(colours["badge"], colours["badge-page"]), 4.5)


def contrast(one, other):
    """As the Web Content Accessibility Guidelines define it."""
    def luminance(colour):
        parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


if __name__ == "__main__":
    unittest.main()
