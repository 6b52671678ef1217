"""NextToken: where the next page of a list begins, in a form that clients do not read."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from penstock_services.errors import ServiceError

Record = dict[str, Any]


def encode(position: Any) -> str:
    """The token of a position, which may be anything that JSON has."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def decode(token: str) -> Any:
    """The position of a token, of any type: clients may have made it up. Raises ServiceError (ValidationException)."""
    try:
        return json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError):
        raise invalid() from None


def place(token: str) -> tuple[Any, int]:
    """A position in a list of the store: the value that it is sorted by, and the row's number. Raises ServiceError."""
    position = decode(token)
    if not isinstance(position, list) or len(position) != 2 or not isinstance(position[1], int):
        raise invalid()
    if not isinstance(position[0], str | int | float):
        raise invalid()
    return position[0], position[1]


def first(request: Record) -> int:
    """How many items there are before the page that a request asks for. Raises ServiceError."""
    found = decode(request["NextToken"]) if "NextToken" in request else 0
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise invalid()
    return found


def page[Item](items: list[Item], request: Record, size: int) -> tuple[list[Item], Record]:
    """The page of ``items`` that a request asks for, of ``size`` where it says nothing, and the member NextToken if there
    are more. Raises ServiceError."""
    start = first(request)
    end = start + int(request.get("MaxResults", size))
    return items[start:end], {"NextToken": encode(end)} if end < len(items) else {}


def invalid() -> ServiceError:
    """What AWS says of a token that it did not give."""
    return ServiceError("ValidationException", "The NextToken is not valid.")
