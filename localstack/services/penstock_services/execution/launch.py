"""The launcher's entry, run as ``python -I -S launch.py SPEC``: see launcher/main.py."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 (pathlib is slow to import)
    from launcher.main import main  # type: ignore[import-not-found]

    raise SystemExit(main(sys.argv[1]))
