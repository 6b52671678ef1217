"""What happens in a deployment, told while it happens and counted for the result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from penstock_deploy import urns
from penstock_deploy.engine.planner import Op
from penstock_deploy.state.resource import ResourceState

Listener = Callable[[dict[str, Any]], None]
_COUNTED = (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE, Op.SAME)


class Events:
    """Hands events to a listener, one at a time, and keeps counts, changes and diagnostics."""

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        self._lock = threading.RLock()
        self.counts: dict[str, int] = {op.value: 0 for op in _COUNTED}
        self.changes: list[dict[str, Any]] = []
        self.diagnostics: list[str] = []
        self.errors: list[str] = []

    def emit(self, kind: str, **fields: Any) -> None:
        """Hand one event to the listener."""
        if self._listener is None:
            return
        with self._lock:
            self._listener({"kind": kind, **fields})

    def diagnostic(self, severity: str, message: str, urn: str = "") -> None:
        """A message for the user; severity is debug, info, warning or error."""
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
        self.emit("output", line=line)

    def step(self, op: Op, state: ResourceState, diff: list[str] | None = None) -> Step:
        """Tell that a step begins; the step tells its end."""
        step = Step(self, op, state, diff or [])
        if op not in (Op.SAME, Op.READ):
            step.tell("started")
        return step

    def count(self, op: Op, state: ResourceState, diff: list[str]) -> None:
        """Count a step that was done."""
        with self._lock:
            if op in _COUNTED:
                self.counts[op.value] += 1
            if op not in (Op.SAME, Op.READ):
                change = {"op": op.value, "urn": state.urn, "type": state.type, "name": urns.name(state.urn)}
                self.changes.append({**change, "diff": diff})


class Step:
    """One step as it is told: started, then done or failed."""

    def __init__(self, events: Events, op: Op, state: ResourceState, diff: list[str]) -> None:
        self._events = events
        self._op = op
        self._state = state
        self._diff = diff
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
            "seconds": round(time.monotonic() - self._began, 3),
        }
        if error:
            event["error"] = error
        self._events.emit("resource", **event)

    def done(self, *, counted: bool = True) -> None:
        if counted:
            self._events.count(self._op, self._state, self._diff)
        self.tell("done")

    def failed(self, error: str) -> None:
        self.tell("failed", error)
