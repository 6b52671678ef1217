"""What records are listed by: the columns that the store keeps beside each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock_services.sagemaker.kinds import kinds
from penstock_services.store import Columns, Record, plain_columns

_OWN: dict[str, Callable[[Record], Columns]] = {}


def index(kind: str, function: Callable[[Record], Columns]) -> None:
    """Let ``function(record)`` give the columns of a kind that is not the engine's (or that needs others)."""
    _OWN[kind] = function


def columns(kind_name: str, record: Record) -> Columns:
    """The columns of a record."""
    if kind_name in _OWN:
        return _OWN[kind_name](record)
    kind = kinds().by_name.get(kind_name)
    if kind is None:
        return plain_columns(kind_name, record)
    created = _number(record.get(kind.created_member))
    return Columns(
        name=str(record.get(kind.name_member, "")),
        status=str(record.get(kind.status_member or "", "")),
        created=created,
        modified=_number(record.get(kind.modified_member or "")) or created,
        parent=str(record.get(kind.parent_member or "", "")),
    )


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
