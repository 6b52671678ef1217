"""Timed steps of life cycles: states such as Creating in which nothing of ours runs, and which pass after a moment.

The next step is kept in the record (``_next``), so that it happens after a restart too.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from penstock_services.operations import Context, ContextFactory, contexts_with, on_start
from penstock_services.sagemaker import hooks
from penstock_services.sagemaker.kinds import Kind, kinds
from penstock_services.store import Where

_LOG = logging.getLogger(__name__)
_EVER = 1e12


class Clock:
    """Runs functions at a time, in one thread of its own."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def at(self, when: float, function: Callable[[], None]) -> None:
        """Run ``function`` at ``when`` (epoch seconds), or at once if that is past."""
        with self._changed:
            heapq.heappush(self._due, (when, next(self._order), function))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.time():
                    self._changed.wait(self._due[0][0] - time.time() if self._due else None)
                _, _, function = heapq.heappop(self._due)
            try:
                function()
            except Exception:  # noqa: BLE001 (the clock goes on)
                _LOG.exception("a timed step failed")


CLOCK = Clock()


def plan(context: Context, kind: Kind, key: str, record: dict[str, Any]) -> None:
    """Take the step that ``record["_next"]`` names at its time; call after the record is stored."""
    step = record.get("_next")
    if step:
        CLOCK.at(step["At"], lambda: _take(context, kind, key, step))


def step(context: Context, **change: Any) -> dict[str, Any]:
    """The value of ``_next``: ``Set`` members after a step, or ``Delete`` the record."""
    return {"At": time.time() + context.settings.step_seconds, **change}


def _take(context: Context, kind: Kind, key: str, planned: dict[str, Any]) -> None:
    if planned.get("Delete"):
        record = context.store.get(context.scope, kind.name, key)
        if record is not None and record.get("_next") == planned:
            context.store.delete(context.scope, kind.name, key)
            hooks.run(kind.name, "deleted", context, record)
        return
    taken = False

    def change(record: dict[str, Any]) -> None:
        nonlocal taken
        if record.get("_next") == planned:
            taken = True
            del record["_next"]
            record.update(planned["Set"])

    record = context.store.update(context.scope, kind.name, key, change)
    if taken and record is not None:
        hooks.run(kind.name, "settled", context, record)


@on_start
def _resume(factory: ContextFactory) -> None:
    """Plan the steps that the last process left undone."""
    for kind in kinds().by_name.values():
        steps = (kind.overlay.settled, kind.overlay.updating, kind.overlay.deleting)
        if not any(steps):
            continue
        for context in contexts_with(factory, kind.name):
            for row in context.store.select(context.scope, kind.name, [Where("_next.At", "<=", _EVER)]):
                plan(context, kind, row.key, row.record)
