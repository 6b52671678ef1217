"""Unpacked code, which stays on the disk for as long as a process runs from it.

LocalStack removes it with the version that it belongs to: under a process that still runs, and, after a change of the
configuration alone, under the new version that has the same code.
"""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.lambda_models import S3Code

_lock = threading.Lock()
_users: Counter[Path] = Counter()
_unwanted: set[Path] = set()
_remove = S3Code.destroy_cached


def take(code: Any) -> Path:
    """Where the code is unpacked; it stays there until it was given back as often as it was taken."""
    location = Path(code.get_unzipped_code_location())
    while True:
        code.prepare_for_execution()
        with _lock:
            if location.exists():
                _users[location] += 1
                return location


def give_back(code: Any) -> None:
    """A process that ran from the code has ended."""
    location = Path(code.get_unzipped_code_location())
    with _lock:
        _users[location] -= 1
        if _users[location] == 0:
            del _users[location]
            if location in _unwanted:
                _unwanted.remove(location)
                _remove(code)


def _remove_unused(code: S3Code) -> None:
    location = Path(code.get_unzipped_code_location())
    with _lock:
        if _users[location]:
            _unwanted.add(location)
        else:
            _remove(code)


def install() -> None:
    """Let LocalStack remove only what no process runs from."""
    S3Code.destroy_cached = _remove_unused
