"""The command line's start."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.measuring import Result, result, run, seconds


def help_page() -> list[Result]:
    penstock = Path(sys.executable).with_name("penstock")
    ours = seconds(lambda: run(penstock, "--help"))
    bare = seconds(lambda: run(sys.executable, "-c", "import typer"))
    return [result("penstock --help", ours, "s", "python -c 'import typer'", bare, "value", 0.3)]
