"""What an operation on a stack is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Result:
    """What a deployment did.

    `counts` by operation (create, update, replace, delete, same); `changes` list what is not `same`, each with `op`,
    `urn`, `type`, `name`, `diff` (property paths) and `detailed_diff` (for each path its `kind`, `old` and `new` value).
    `drift` lists in the same form what a refresh ahead of the operation found. In `outputs` and values, secrets are
    shown as "[secret]" and what only an update will bring as "[unknown]". `errors` is empty when `ok`. After a preview,
    `resources` are all that the program asks for or that will be deleted (see `planned`); the JSON document leaves them out.
    """

    ok: bool
    counts: dict[str, int]
    changes: list[dict[str, Any]]
    outputs: dict[str, Any]
    duration_seconds: float
    diagnostics: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    cancelled: bool = False
    drift: list[dict[str, Any]] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)

    @property
    def has_changes(self) -> bool:
        return any(count for op, count in self.counts.items() if op != "same")

    def to_json(self) -> dict[str, Any]:
        """The result as a JSON document."""
        return {
            "ok": self.ok,
            "cancelled": self.cancelled,
            "counts": self.counts,
            "changes": self.changes,
            "drift": self.drift,
            "outputs": self.outputs,
            "duration_seconds": round(self.duration_seconds, 3),
            "diagnostics": self.diagnostics,
            "errors": self.errors,
        }


@dataclass(frozen=True)
class Request:
    """What an operation is asked beyond its name."""

    targets: tuple[str, ...] = ()
    target_dependents: bool = False
    refresh: bool = False
    expect_no_changes: bool = False
