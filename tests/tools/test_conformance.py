"""The conformance table: how calls, pages and tests are found in the sources."""

import pathlib
import tempfile
import unittest
from unittest import mock

import support  # noqa: F401  (puts tools/ on the module path)
from chorale import conformance

LIST = '''// Beds and \\ chairs: part of the call list (chorus/calls.hpp).
#define CHORUS_CORE_LEAF_CALLS(CALL) \\
    CALL(7, bedMake, leaf, user, thread, "K_EINVAL " \\
         "K_EBUSY", CHORUS_IN_OPT(KnCap, actorcap), \\
         CHORUS_VALUE(int, sheets)) \\
    CALL(140, bedBurn, block, system, thread, "")
'''
HEADER = '''/* The beds. */
#pragma once
enum { K_BED = 1 };
/* bedMake(2K): makes it,
 * with sheets. Errors: K_EINVAL, K_EBUSY. */
int bedMake(const KnCap* actorcap,
            int sheets);

/* Burning; and what comes after. */
int bedBurn(void);
int bedSweep(void);
'''
TARGET = '''
namespace {
int helper(int x) {
    return bedMake(nullptr, x);
}
void in_order(Report& report) {
    CHECK_EQ(helper(2), K_OK);
}
void point_07_ash(Report& report) {
    CHECK(true);
}
constexpr Case cases[] = {
    {"in_order", in_order},
    {"point_07_ash", point_07_ash},
};
}
const Suite beds_suite{"beds", cases};
'''


class ConformanceTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        root = pathlib.Path(directory.name)
        for name, text in {"include/chorus/calls/core.hpp": LIST, "include/beds.h": HEADER,
                           "tests/target/beds.cpp": TARGET, "tests/machine/scenarios_beds.cpp": "\n",
                           "tests/target/published/user.h": "bedMake(a, 1) + bedBurn() + bedSweep();\n",
                           "docs/conformance.md": "# C\n\n07. Ash is\n    grey.\n08. None. (later: soon)\n\n",
                           }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        patches = {"LIST": root / "include" / "chorus" / "calls", "PAGES": root / "docs" / "calls.md",
                   "TABLE": root / "docs" / "conformance.md", "AREAS": ("core",)}
        for patch in (mock.patch.multiple(conformance, **patches),
                      mock.patch.object(conformance.paths, "ROOT", root)):
            patch.start()
            self.addCleanup(patch.stop)
        self.root = root

    def test_the_list(self):
        make, burn = conformance.calls()
        self.assertEqual((make.number, make.name, make.errors), (7, "bedMake", "K_EINVAL K_EBUSY"))
        self.assertEqual((burn.flow, burn.privilege, burn.errors), ("block", "system", ""))

    def test_pages(self):
        known = conformance.documented()
        prototype, doc, _ = known["bedMake"]
        self.assertEqual(prototype, "int bedMake(const KnCap* actorcap, int sheets);")
        self.assertEqual(doc, "bedMake(2K): makes it, with sheets. Errors: K_EINVAL, K_EBUSY.")
        self.assertEqual(known["bedSweep"][1], "Burning; and what comes after.")
        text = conformance.pages()
        self.assertIn("number 140; block: may block or switch threads; SYSTEM actors", text)

    def test_gaps(self):
        self.assertEqual(conformance.gaps(),
                         ["bedBurn: no case of tests/target and no file of tests/machine tries it"])
        machine = self.root / "tests" / "machine" / "scenarios_beds.cpp"
        machine.write_text("co_await call(Call::bedBurn);\n")
        self.assertEqual(conformance.gaps(), [])
        table = conformance.table()
        self.assertIn("| [bedMake](calls.md#bedmake) | beds.in_order |  |", table)
        self.assertIn("| 07 | beds.point_07_ash |", table)
        self.assertIn("| 08 | (later: soon) |", table)

    def test_a_point_without_test_is_a_gap(self):
        path = self.root / "tests" / "target" / "beds.cpp"
        path.write_text(path.read_text().replace("point_07", "point_06"))
        self.assertIn("point 07: no test is named point_07_...", conformance.gaps())

    def test_calls_outside_the_areas_are_a_gap(self):
        (conformance.LIST / "fires.hpp").write_text(LIST)
        self.assertIn("fires.hpp: its calls are in no area of the pages", conformance.gaps())

    def test_published_calls_are_used(self):
        (self.root / "tests" / "target" / "published" / "user.h").write_text("bedMake(a, 1);\n")
        self.assertIn("bedSweep: no program of tests/target/published or tests/programs uses it",
                      conformance.gaps())

    def test_cases_of_supervisor_actors(self):
        path = self.root / "tests" / "target" / "supervisor" / "fires.cpp"
        path.parent.mkdir()
        path.write_text(TARGET.replace("bedMake", "bedBurn").replace("in_order", "burns"))
        self.assertIn("supervisor.burns", conformance.table())
        self.assertEqual(conformance.gaps(), [])

    def test_what_is_generated_is_kept_up_to_date(self):
        self.assertEqual(len(conformance.out_of_date()), 2)
        for path, text in conformance.out_of_date():
            path.write_text(text)
        self.assertEqual(conformance.out_of_date(), [])
        (self.root / "include" / "beds.h").write_text(HEADER.replace("makes it", "makes a bed"))
        self.assertEqual([path.name for path, _ in conformance.out_of_date()], ["calls.md"])


if __name__ == "__main__":
    unittest.main()
