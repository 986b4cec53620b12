"""Entry point: `python3 tools/chorale`. Puts the package's parent first on the module path."""

import pathlib
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

from chorale import cli  # noqa: E402  (the path had to come first)

sys.exit(cli.main(sys.argv[1:]))
