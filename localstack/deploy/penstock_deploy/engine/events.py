"""What happens in a deployment, told while it happens and counted for the result."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from penstock_deploy import urns
from penstock_deploy.engine.details import Details
from penstock_deploy.engine.planner import Op
from penstock_deploy.state.resource import ResourceState
from penstock_deploy.values import Secret

Listener = Callable[[dict[str, Any]], None]
_COUNTED = (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE, Op.SAME)


_SHORTEST_CONCEALED = 3
_HIDDEN = "[secret]"


def _texts(value: Any, *, within: bool = False) -> list[str]:
    """The texts inside the secrets of a value."""
    if isinstance(value, Secret):
        return _texts(value.value, within=True)
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item, within=within)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item, within=within)]
    return [value] if within and isinstance(value, str) else []


class Events:
    """Hands events to a listener, one at a time, and keeps counts, changes, drift and diagnostics.

    What it was told to conceal is not shown in any message or line of output.
    """

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        self._lock = threading.RLock()
        self.counts: dict[str, int] = {op.value: 0 for op in _COUNTED}
        self.changes: list[dict[str, Any]] = []
        self.drift: list[dict[str, Any]] = []
        self.refreshing = False
        self._secrets: set[str] = set()
        self._concealing: re.Pattern[str] | None = None
        self.diagnostics: list[str] = []
        self.errors: list[str] = []

    @property
    def has_changes(self) -> bool:
        """Whether any step so far was more than `same`."""
        return any(count for op, count in self.counts.items() if op != Op.SAME)

    def conceal(self, value: Any, *, shortest: int = _SHORTEST_CONCEALED) -> None:
        """Never show the secret texts in this property value; shorter ones than `shortest` would hide common words."""
        found = {text for text in _texts(value) if len(text.strip()) >= shortest}
        with self._lock:
            if not found <= self._secrets:
                self._secrets |= found
                self._concealing = None

    def concealed(self, message: str) -> str:
        """The message without secrets."""
        with self._lock:
            if not self._secrets:
                return message
            if self._concealing is None:
                longest_first = sorted(self._secrets, key=len, reverse=True)
                self._concealing = re.compile("|".join(re.escape(text) for text in longest_first))
            return self._concealing.sub(_HIDDEN, message)

    def emit(self, kind: str, **fields: Any) -> None:
        """Hand one event to the listener."""
        if self._listener is None:
            return
        with self._lock:
            self._listener({"kind": kind, **fields})

    def diagnostic(self, severity: str, message: str, urn: str = "") -> None:
        """A message for the user; severity is debug, info, warning or error."""
        message = self.concealed(message)
        with self._lock:
            if severity == "error":
                if message in self.errors:
                    return
                self.errors.append(message)
            if severity != "debug":
                self.diagnostics.append(message if severity == "info" else f"{severity}: {message}")
            self.emit("diagnostic", severity=severity, message=message, urn=urn)

    def output(self, line: str) -> None:
        """A line that the program printed."""
        self.emit("output", line=self.concealed(line))

    def step(self, op: Op, state: ResourceState, diff: list[str] | None = None, details: Details | None = None) -> Step:
        """Tell that a step begins; the step tells its end. `diff` are the paths that differ, `details` their values."""
        step = Step(self, op, state, diff or [], details or {})
        if op not in (Op.SAME, Op.READ):
            step.tell("started")
        return step

    def count(self, op: Op, state: ResourceState, diff: list[str], details: Details) -> None:
        """Count a step that was done."""
        if op in (Op.SAME, Op.READ):
            if op in _COUNTED and not self.refreshing:
                with self._lock:
                    self.counts[op.value] += 1
            return
        change: dict[str, Any] = {
            "op": op.value,
            "urn": state.urn,
            "type": state.type,
            "name": urns.name(state.urn),
            "diff": diff,
        }
        if op is not Op.DELETE:
            change["detailed_diff"] = {path: details[path] for path in diff if path in details}
        with self._lock:
            if self.refreshing:
                self.drift.append(change)
                return
            self.counts[op.value] += 1
            self.changes.append(change)


class Step:
    """One step as it is told: started, then done or failed. A step of a refresh ahead of an update has the kind `drift`."""

    def __init__(self, events: Events, op: Op, state: ResourceState, diff: list[str], details: Details) -> None:
        self._events = events
        self._op = op
        self._state = state
        self._diff = diff
        self._details = details
        self._kind = "drift" if events.refreshing else "resource"
        self._began = time.monotonic()

    def tell(self, status: str, error: str = "") -> None:
        """Hand the step's status to the listener."""
        event: dict[str, Any] = {
            "op": self._op.value,
            "urn": self._state.urn,
            "type": self._state.type,
            "name": urns.name(self._state.urn),
            "status": status,
            "diff": self._diff,
            "detailed_diff": self._details,
            "seconds": round(time.monotonic() - self._began, 3),
        }
        if error:
            event["error"] = self._events.concealed(error)
        self._events.emit(self._kind, **event)

    def done(self, *, counted: bool = True) -> None:
        if counted:
            self._events.count(self._op, self._state, self._diff, self._details)
        self.tell("done")

    def failed(self, error: str) -> None:
        self.tell("failed", error)
