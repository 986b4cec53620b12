"""The programs in the documentation are compiled: each stands, as it is, in a file that is."""

import re
import unittest

import support  # noqa: F401  (puts tools/ on the module path)
from chorale import paths

BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMPILED = {"docs/cpp-messages.md": "tests/target/cpp_messages.cpp"}


class Examples(unittest.TestCase):
    def test_each_stands_in_its_test(self):
        for page, program in COMPILED.items():
            blocks = BLOCK.findall((paths.ROOT / page).read_text())
            text = (paths.ROOT / program).read_text()
            self.assertGreater(len(blocks), 3, page)
            for block in blocks:
                self.assertIn(block, text, f"{page} shows what {program} does not have")


if __name__ == "__main__":
    unittest.main()
