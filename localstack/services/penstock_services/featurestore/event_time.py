"""Event times: the two forms that Feature Store takes, as one integer that orders them.

A ``String`` event time is ISO 8601 in UTC, ``yyyy-MM-dd'T'HH:mm:ssZ`` or with a fraction of up to nine digits ("T" and
"Z" are constants); a ``Fractional`` one is seconds since the epoch. Both become nanoseconds since the epoch.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

NANOSECONDS = 1_000_000_000
HOUR = 3600 * NANOSECONDS
_LIMIT = 2**63
_ISO = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z", re.ASCII)


def nanoseconds(text: str, feature_type: str) -> int:
    """The event time as nanoseconds since the epoch; ValueError says which form was expected."""
    value = _from_epoch(text) if feature_type == "Fractional" else _from_iso(text)
    if not -_LIMIT <= value < _LIMIT:
        message = "an event time lies between the years 1678 and 2262; Fractional event times are in seconds"
        raise ValueError(message)
    return value


def _from_iso(text: str) -> int:
    found = _ISO.fullmatch(text)
    if found is None:
        message = "expected an ISO-8601 string in UTC, yyyy-MM-dd'T'HH:mm:ssZ or yyyy-MM-dd'T'HH:mm:ss.SSSZ"
        raise ValueError(message)
    whole, fraction = found.groups()
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * NANOSECONDS + int((fraction or "").ljust(9, "0"))


def _from_epoch(text: str) -> int:
    try:
        value = Decimal(text)
        if value.is_finite() and abs(value) < _LIMIT:
            return int(value * NANOSECONDS)
    except InvalidOperation:
        pass
    message = "expected seconds since the epoch"
    raise ValueError(message)


def iso(value: int) -> str:
    """Nanoseconds as an ISO-8601 string in UTC, with a fraction only where there is one."""
    seconds, fraction = divmod(value, NANOSECONDS)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else text + "Z"
