"""Where what really runs attaches to the regular engine's verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from penstock_services.operations import Context

Moment = Literal["prepare", "created", "updated", "settled", "deleted"]
Function = Callable[[Context, dict[str, Any]], None]

_HOOKS: dict[tuple[str, Moment], list[Function]] = {}


def hook(kind: str, moment: Moment) -> Callable[[Function], Function]:
    """Run ``function(context, record)`` for records of ``kind``.

    ``prepare``: before a new record is stored; it may add members or raise ServiceError. ``created``, ``updated``:
    after it is stored. ``settled``: after a timed step changed its status. ``deleted``: after it is gone.
    """

    def register(function: Function) -> Function:
        _HOOKS.setdefault((kind, moment), []).append(function)
        return function

    return register


def hooked(kind: str, moment: Moment) -> bool:
    """Whether anything is registered for that moment."""
    return (kind, moment) in _HOOKS


def run(kind: str, moment: Moment, context: Context, record: dict[str, Any]) -> None:
    """Run the hooks of that moment, in the order in which they were registered."""
    for function in _HOOKS.get((kind, moment), []):
        function(context, record)
