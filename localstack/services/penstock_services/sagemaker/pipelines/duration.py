"""ISO 8601 durations, as CacheConfig has them."""

from __future__ import annotations

import re

_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE
)
_UNITS = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3600, 60, 1)


def duration_seconds(text: str) -> int:
    """An ISO 8601 duration such as ``P30D`` or ``T1H`` in seconds; ValueError for another text."""
    found = _DURATION.fullmatch(text if text.upper().startswith("P") else f"P{text}")
    if found is None or not any(found.groups()):
        message = f"{text!r} is not an ISO 8601 duration such as P30D"
        raise ValueError(message)
    return sum(int(count or 0) * unit for count, unit in zip(found.groups(), _UNITS, strict=True))
