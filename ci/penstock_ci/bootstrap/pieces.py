"""One thing that bootstrap looks after, and how its settings are looked at and put right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

MANAGED_BY = {"ManagedBy": "penstock", "Project": "penstock-bootstrap"}
"""Tags of everything that bootstrap makes."""

type Status = Literal["there", "created", "changed", "missing", "differs"]


@dataclass(frozen=True)
class Piece:
    """One thing that bootstrap looks after.

    `status`: there (nothing to do), created or changed (done now), missing or differs (`--check` only).
    """

    kind: str
    name: str
    status: Status
    note: str = ""

    def summary(self) -> dict[str, str]:
        """What `--json` shows."""
        return asdict(self)


@dataclass(frozen=True)
class Setting:
    """One setting of a piece: its name, whether it is right, and what puts it right."""

    name: str
    ok: Callable[[], bool]
    mend: Callable[[], object]


def settle(settings: Iterable[Setting], *, check: bool) -> list[str]:
    """The names of the settings that were not right; unless only checking, they are now."""
    wrong: list[str] = []
    for setting in settings:
        if not setting.ok():
            wrong.append(setting.name)
            if not check:
                setting.mend()
    return wrong


def seen(kind: str, name: str, *, existed: bool, wrong: list[str], check: bool, note: str = "") -> Piece:
    """The piece after its settings were seen to; what was not right is its note."""
    if not existed:
        return Piece(kind, name, "created", note)
    if wrong:
        return Piece(kind, name, "differs" if check else "changed", ", ".join(wrong))
    return Piece(kind, name, "there", note)


def tags(entries: Iterable[dict[str, Any]], key: str = "Key", value: str = "Value") -> bool:
    """Whether AWS's list of tags holds those of bootstrap."""
    found = {entry[key]: entry[value] for entry in entries}
    return MANAGED_BY.items() <= found.items()
