"""What a preview, an up or a destroy shows: a line for each change, what went wrong, and the counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock_ci.output import SYMBOLS

if TYPE_CHECKING:
    from penstock_ci.output import Output

FUTURE = {"create": "to create", "update": "to update", "replace": "to replace", "delete": "to delete"}
PAST = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
_UNSHOWN = {"same", "read", "refresh"}
_PATHS = 4


class Lines:
    """Prints a stack's events as they come. Changes are part of the result; the rest is progress."""

    def __init__(self, output: Output, action: str) -> None:
        self._output = output
        self._preview = action == "preview"

    def __call__(self, event: dict[str, Any]) -> None:
        """Print one event."""
        kind = event.get("kind")
        if kind == "resource" and event["status"] != "started" and event["op"] not in _UNSHOWN:
            self._resource(event)
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
        if paths:
            line += f" [{', '.join(paths[:_PATHS])}{', ...' if len(paths) > _PATHS else ''}]"
        if not self._preview and event.get("seconds"):
            line += f" ({event['seconds']:.1f} s)"
        self._output.marked(operation if operation in SYMBOLS else "update", line)


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
