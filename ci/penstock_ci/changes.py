"""What a preview, an up, a refresh or a destroy shows: a line for each change, what went wrong, and the counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from penstock_ci.output import SYMBOLS

if TYPE_CHECKING:
    from penstock_ci.output import Output

FUTURE = {"create": "to create", "update": "to update", "replace": "to replace", "delete": "to delete"}
PAST = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
_UNSHOWN = {"same", "read", "refresh"}
_PATHS = 4
_SIGNS = {"add": "+", "delete": "-", "update": "~"}


class Lines:
    """Prints a stack's events as they come. Changes are part of the result; the rest is progress.

    With `diff`, each change is followed by the old and the new values of its properties.
    """

    def __init__(self, output: Output, action: str, *, diff: bool = False) -> None:
        self._output = output
        self._diff = diff
        self._preview = action == "preview"

    def __call__(self, event: dict[str, Any]) -> None:
        """Print one event."""
        kind = event.get("kind")
        if kind == "resource" and event["status"] != "started" and event["op"] not in _UNSHOWN:
            self._resource(event)
        elif kind == "drift" and event["status"] == "done" and event["op"] not in _UNSHOWN:
            self._drift(event)
        elif kind == "diagnostic" and event.get("severity") in {"warning", "error"}:
            self._output.progress(str(event["message"]), kind="failed" if event["severity"] == "error" else "warning")
        elif kind == "output":
            self._output.progress(str(event["line"]))

    def _resource(self, event: dict[str, Any]) -> None:
        operation = str(event["op"])
        line = f"{event.get('type', '')} {event.get('name') or event['urn'].rsplit('::', 1)[-1]}"
        if event["status"] == "failed":
            self._output.progress(f"{line}: {event.get('error') or 'failed'}", kind="failed")
            return
        line += f" {(FUTURE if self._preview else PAST).get(operation, operation)}"
        paths = event.get("diff") or []
        if paths and not self._diff:
            line += f" [{', '.join(paths[:_PATHS])}{', ...' if len(paths) > _PATHS else ''}]"
        if not self._preview and event.get("seconds"):
            line += f" ({event['seconds']:.1f} s)"
        self._output.marked(operation if operation in SYMBOLS else "update", line)
        self._values(event)

    def _drift(self, event: dict[str, Any]) -> None:
        """What a refresh ahead of the operation has found."""
        paths = ", ".join(event.get("diff") or [])
        told = "is gone" if event["op"] == "delete" else f"has drifted [{paths}]"
        self._output.marked("warning", f"{event['type']} {event['name']} {told}")
        self._values(event)

    def _values(self, event: dict[str, Any]) -> None:
        if not self._diff:
            return
        for path, change in (event.get("detailed_diff") or {}).items():
            values = [json.dumps(change[side], ensure_ascii=False) for side in ("old", "new") if side in change]
            self._output.line(f"    {_SIGNS[change['kind']]} {path}: {' => '.join(values)}")


def counts(document: dict[str, Any], action: str) -> str:
    """ "2 created, 1 updated, 14 unchanged" of a result."""
    words = FUTURE if action == "preview" else PAST
    found = [
        f"{count} {words.get(name, name)}" for name, count in document["counts"].items() if count and name != "same"
    ]
    unchanged = document["counts"].get("same", 0)
    return ", ".join([*found, f"{unchanged} unchanged"] if unchanged or not found else found)


def conclude(output: Output, name: str, action: str, document: dict[str, Any]) -> None:
    """The last line of an operation on one project."""
    kind = "ok" if document["ok"] else "failed"
    output.marked(kind, f"{action} {name}: {counts(document, action)} in {document['duration_seconds']:.1f} s")
