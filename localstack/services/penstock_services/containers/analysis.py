"""What the analysing images have in common: their exit message, and inputs of one file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from penstock_pipelines.monitor import in_container


def conclude(run: Callable[[Mapping[str, str]], str]) -> int:
    """Do an analysis of this process's environment and leave its exit message: the exit code, 1 where it cannot be made."""
    try:
        text, code = run(os.environ), 0
    except (OSError, KeyError, ValueError, StopIteration) as error:
        text, code = f"Error: {type(error).__name__}: {error}", 1
    message = in_container("/opt/ml/output/message", os.environ)
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(text)
    print(text, file=sys.stderr if code else sys.stdout, flush=True)
    return code


def only_file(path: Path) -> Path:
    """The path, or the one file in it: a channel of one object is a folder."""
    return next(each for each in sorted(path.iterdir()) if each.is_file()) if path.is_dir() else path
