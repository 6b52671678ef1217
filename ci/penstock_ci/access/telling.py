"""The difference as people read it: one row for each change, widening ones first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock_ci.access.difference import Change, Difference
    from penstock_ci.output import Output

COLUMNS = ("who", "may", "on", "when")
MOST_ROWS = 40
MOST_NAMES = 3
"""How many actions or resources of one row are named; `--json` has all."""
_WIDEST = 64
"""Characters of a cell on a terminal."""


def show(output: Output, found: Difference) -> None:
    """The table, with what could not be compared; one line when nothing changes."""
    if found.empty:
        output.progress("IAM: nobody's rights change")
        return
    output.progress(f"IAM: {summary(found)}")
    rows = [(change, [_cut(cell) for cell in row(change)]) for change in found.changes[:MOST_ROWS]]
    widths = [max((len(cells[index]) for _, cells in rows), default=0) for index in range(len(COLUMNS))]
    for change, cells in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        output.marked("create" if change.sign == "+" else "delete", f"IAM {line}")
    if len(found.changes) > MOST_ROWS:
        output.progress(f"IAM: and {len(found.changes) - MOST_ROWS} more rows (all of them with --json)")
    for resource in found.unread:
        output.marked("warning", f"IAM {resource.operation} {resource.type} {resource.name}: {resource.why}")


def summary(found: Difference) -> str:
    """ "2 rows widen, 1 narrows, 3 not known yet"."""
    wider = sum(change.widens for change in found.changes)
    narrower = len(found.changes) - wider
    parts = [
        f"{wider} row{'' if wider == 1 else 's'} allow{'s' if wider == 1 else ''} more" if wider else "",
        f"{narrower} row{'' if narrower == 1 else 's'} allow{'s' if narrower == 1 else ''} less" if narrower else "",
        f"{len(found.unread)} cannot be compared" if found.unread else "",
    ]
    return ", ".join(part for part in parts if part)


def row(change: Change) -> tuple[str, str, str, str]:
    """The cells of one change."""
    return cells(change.who, change.effect, change.actions, change.on, change.when)


def cells(who: str, effect: str, actions: Sequence[str], on: Sequence[str], when: str) -> tuple[str, str, str, str]:
    """The cells under COLUMNS."""
    denied = "never " if effect == "Deny" else ""
    return (who, denied + _some(actions), _some(on), when)


def of_document(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    """The cells of a change in a `--json` document."""
    return cells(entry["who"], entry["effect"], entry["actions"], entry["on"], entry["when"])


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _cut(cell: str) -> str:
    return cell if len(cell) <= _WIDEST else cell[: _WIDEST - 1] + "…"
