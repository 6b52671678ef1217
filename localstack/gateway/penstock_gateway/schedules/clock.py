"""The clock of EventBridge Scheduler: which schedules are due, each of them once. Nothing here knows LocalStack.

The records are read anew at every turn, so that created, changed, deleted and reloaded schedules count at once. What
has fired is written to a journal before its target is invoked: a schedule fires at most once for each of its times,
also when the process is killed. Recurring times that passed while nothing ran are left out, as nobody could have acted
on them; a one-time schedule is made up for while its MaximumEventAgeInSeconds lasts.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from penstock_gateway.schedules.expressions import At, Expression, ExpressionError, parse

LOG = logging.getLogger(__name__)

PRECISION_SECONDS = 60.0
"""AWS invokes a target within this time ("Schedule types": 60 second precision)."""

MAXIMUM_AGE_SECONDS = 86400.0
"""The longest, and the default, MaximumEventAgeInSeconds of a target's retry policy."""

POLL_SECONDS = 0.5
"""How soon a change of the records is noticed."""


@dataclass(frozen=True)
class Planned:
    """What the clock must know of a schedule; times are seconds since the epoch."""

    arn: str
    expression: str
    zone: str | None
    enabled: bool
    created: float
    modified: float
    start: float | None
    end: float | None
    maximum_age: float
    delete_when_done: bool
    target: dict[str, Any]
    """The Target of the schedule, as its API returns it."""


class Memory(Protocol):
    """When each schedule fired last."""

    def last(self, schedule: Planned) -> float | None:
        """The time for which this schedule (and not an earlier one of its name) fired last."""

    def write(self, schedule: Planned, due: float) -> None:
        """The schedule fires for `due`."""


class Journal:
    """When each schedule fired last, in a file of one JSON object, written at once as a whole.

    An entry counts for the schedule that was created when it says, not for a later one of that name; it is dropped when
    nothing is made up for any more after so long.
    """

    def __init__(self, file: Path, now: float | None = None) -> None:
        self._file = file
        self._fired: dict[str, list[float]] = {}
        oldest = (time.time() if now is None else now) - 2 * MAXIMUM_AGE_SECONDS
        try:
            entries: dict[str, list[float]] = json.loads(file.read_text())
            self._fired = {arn: entry for arn, entry in entries.items() if entry[1] > oldest}
        except FileNotFoundError:
            pass
        except ValueError:
            LOG.warning("%s is not readable: one-time schedules may fire again", file)

    def last(self, schedule: Planned) -> float | None:
        """The time for which this schedule (and not an earlier one of its name) fired last."""
        created, last = self._fired.get(schedule.arn, (None, None))
        return last if created == schedule.created else None

    def write(self, schedule: Planned, due: float) -> None:
        """The schedule fires for `due`."""
        self._fired[schedule.arn] = [schedule.created, due]
        self._save()

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        temporary.write_text(json.dumps(self._fired))
        temporary.replace(self._file)


class Clock:
    """Fires schedules: `fire(schedule, due, done)` invokes the target; `remove(schedule)` deletes a completed one."""

    def __init__(
        self,
        records: Callable[[], Iterable[Planned]],
        fire: Callable[[Planned, float], None],
        remove: Callable[[Planned], None],
        journal: Memory,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._fire = fire
        self._remove = remove
        self._journal = journal
        self._now = now
        self._due: dict[str, tuple[Planned, float | None]] = {}
        self._changed = threading.Event()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Run in a thread of its own."""
        threading.Thread(target=self._run, name="schedules", daemon=True).start()

    def stop(self) -> None:
        """Fire nothing from now on."""
        self._stopped.set()
        self._changed.set()

    def changed(self) -> None:
        """Look at the records now."""
        self._changed.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                upcoming = self.turn()
            except Exception:
                LOG.exception("the clock of EventBridge Scheduler stumbled")
                upcoming = None
            wait = POLL_SECONDS if upcoming is None else min(POLL_SECONDS, max(0.0, upcoming - self._now()))
            self._changed.wait(wait)
            self._changed.clear()

    def turn(self) -> float | None:
        """Fire what is due; the next time at which something is, or None."""
        known, self._due = self._due, {}
        for schedule in self._records():
            if not schedule.enabled:
                continue
            before = known.get(schedule.arn)
            is_known = before is not None and before[0] == schedule
            if before and not is_known:
                self._fire_overdue(*before, changed=schedule)
            due = before[1] if before and is_known else self._first(schedule)
            completes = not is_known
            if due is not None and due <= self._now():
                self._fire_once(schedule, due)
                due = self._next(schedule, max(due, self._now() - PRECISION_SECONDS))
                completes = True
            self._due[schedule.arn] = (schedule, due)
            if due is None and completes and schedule.delete_when_done and self._is_done(schedule):
                self._remove(schedule)
        times = [due for _, due in self._due.values() if due is not None]
        return min(times, default=None)

    def _fire_once(self, schedule: Planned, due: float) -> None:
        self._journal.write(schedule, due)
        if not self._stopped.is_set():
            self._fire(schedule, due)

    def _fire_overdue(self, schedule: Planned, due: float | None, changed: Planned) -> None:
        """Fire what was due before the schedule was changed, and was not noticed in time, as it was then."""
        if due is not None and due <= changed.modified and schedule.created == changed.created:
            self._fire_once(schedule, due)

    def _first(self, schedule: Planned) -> float | None:
        """The first time after what the journal knows, as far back as it is made up for."""
        expression = self._parse(schedule)
        if expression is None:
            return None
        reach = schedule.maximum_age if isinstance(expression, At) else PRECISION_SECONDS
        last = self._journal.last(schedule)
        # A new schedule, and one that was changed, is served from then on; the clock of its creation has fractions.
        since = schedule.modified - (PRECISION_SECONDS if isinstance(expression, At) else 0.001)
        after = max(since, self._now() - reach, -1.0 if last is None else last)
        return self._next(schedule, after)

    def _next(self, schedule: Planned, after: float) -> float | None:
        expression = self._parse(schedule)
        if expression is None:
            return None
        if isinstance(expression, At):
            return expression.next(after)
        if schedule.start is not None:
            after = max(after, schedule.start - 0.001)
        due = expression.next(after)
        return None if due is None or (schedule.end is not None and due > schedule.end) else due

    def _is_done(self, schedule: Planned) -> bool:
        """Whether a schedule without a next time has run to its end."""
        if isinstance(self._parse(schedule), At):
            return True
        return self._journal.last(schedule) is not None or (schedule.end is not None and schedule.end < self._now())

    @staticmethod
    def _parse(schedule: Planned) -> Expression | None:
        start = schedule.created if schedule.start is None else schedule.start
        try:
            return parse(schedule.expression, schedule.zone, start)
        except ExpressionError:
            return None
