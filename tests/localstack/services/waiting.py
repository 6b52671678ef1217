"""Waiting for what a service does by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(function: Callable[[], Any], wanted: Callable[[Any], bool] = bool, seconds: float = 120) -> Any:
    """What `function` gives, as soon as it is `wanted`; an AssertionError with the last value after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = function()
        if wanted(value):
            return value
        assert time.monotonic() < deadline, value
        time.sleep(0.05)
