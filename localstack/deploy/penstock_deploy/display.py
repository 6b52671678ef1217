"""What a deployment shows on a terminal: a line for each change, diagnostics, outputs and counts; plain elsewhere."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

_SIGNS = {"create": "+", "update": "~", "replace": "+-", "delete": "-", "same": " ", "read": "<"}
_COLOURS = {"create": "32", "update": "33", "replace": "35", "delete": "31"}
_FUTURE = {"create": "to create", "update": "to update", "replace": "to replace", "delete": "to delete"}
_PAST = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
_SHOWN_PATHS = 4


_KINDS = {"add": ("+", "32"), "delete": ("-", "31"), "update": ("~", "33")}


class Display:
    """Prints the events of one operation; with `diff`, the properties of each change with their values."""

    def __init__(
        self, operation: str, stream: TextIO | None = None, *, colour: bool | None = None, diff: bool = False
    ) -> None:
        self._stream = stream or sys.stdout
        self._preview = operation == "preview"
        self._diff = diff
        plain = not self._stream.isatty() or "NO_COLOR" in os.environ
        self._colour = not plain if colour is None else colour

    def __call__(self, event: dict[str, Any]) -> None:
        kind = event["kind"]
        if kind == "resource":
            self._resource(event)
        elif kind == "drift":
            self._drift(event)
        elif kind == "diagnostic" and event["severity"] != "debug":
            colour = {"error": "31", "warning": "33"}.get(event["severity"], "")
            prefix = "" if event["severity"] == "info" else f"{event['severity']}: "
            self._print(self._paint(prefix, colour) + event["message"])
        elif kind == "output":
            self._print(event["line"])
        elif kind == "summary":
            self._summary(event)

    def _resource(self, event: dict[str, Any]) -> None:
        if event["op"] in ("same", "read") or event["status"] == "started":
            return
        words = _FUTURE if self._preview else _PAST
        told = words[event["op"]] if event["status"] == "done" else "failed"
        sign = self._paint(f"{_SIGNS[event['op']]:>2}", _COLOURS.get(event["op"], ""))
        line = f"{sign} {event['type']} {event['name']} {told}"
        if event["diff"] and not self._diff:
            shown = ", ".join(event["diff"][:_SHOWN_PATHS])
            line += f" [{shown}{', ...' if len(event['diff']) > _SHOWN_PATHS else ''}]"
        if not self._preview:
            line += f" ({event['seconds']:.1f}s)"
        self._print(line)
        self._details(event)

    def _drift(self, event: dict[str, Any]) -> None:
        """What a refresh ahead of the operation has found."""
        if event["op"] in ("same", "read") or event["status"] != "done":
            return
        told = "is gone" if event["op"] == "delete" else f"has drifted [{', '.join(event['diff'][:_SHOWN_PATHS])}]"
        self._print(f"{self._paint(' <', '36')} {event['type']} {event['name']} {told}")
        self._details(event)

    def _details(self, event: dict[str, Any]) -> None:
        if not self._diff or event["status"] == "failed":
            return
        for path, change in event.get("detailed_diff", {}).items():
            sign, colour = _KINDS[change["kind"]]
            values = [json.dumps(change[side], ensure_ascii=False) for side in ("old", "new") if side in change]
            self._print(self._paint(f"     {sign} {path}: {' => '.join(values)}", colour))

    def _summary(self, event: dict[str, Any]) -> None:
        if event["outputs"] and event["operation"] in ("up", "preview"):
            self._print("Outputs:")
            for name, value in sorted(event["outputs"].items()):
                self._print(f"    {name}: {value}")
        words = _FUTURE if self._preview else _PAST
        parts = [f"{count} {words[op]}" for op, count in event["counts"].items() if op in words and count]
        parts.append(f"{event['counts'].get('same', 0)} unchanged")
        state = self._paint("done", "32") if event["ok"] else self._paint("failed", "31")
        self._print(f"{event['operation']} {state} in {event['duration_seconds']:.1f}s: {', '.join(parts)}")

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour and text else text

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
