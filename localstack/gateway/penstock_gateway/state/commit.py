"""Group commit of services' states: a request that changed something waits until a state taken after it is on disk.

Requests that come while a state is being written share the next one. What changes without a request (an alarm, an
execution of a state machine, a stack that is being made) is found by a look every `SWEEP_SECONDS`.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock_gateway.state.database import Database

if TYPE_CHECKING:
    from penstock_gateway.state.stores import ServiceState

LOG = logging.getLogger(__name__)

SWEEP_SECONDS = 2.0
ATTEMPTS = 20
MOVING = frozenset({"cloudformation", "cloudwatch", "events", "lambda", "scheduler", "stepfunctions"})
"""Services that go on by themselves after an answer."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS services (name TEXT PRIMARY KEY, state BLOB NOT NULL);
"""


class KeptService:
    """One service's state, and how far it is written."""

    def __init__(self, state: ServiceState, database: Database) -> None:
        self.state = state
        self._database = database
        self._writing = threading.Lock()
        self._counting = threading.Lock()
        self._asked = 0
        self._written = 0
        self._digest = b""
        self._failed = ""

    def commit(self) -> None:
        """Return when everything that was changed before this call is on disk."""
        with self._counting:
            self._asked += 1
            ticket = self._asked
        with self._writing:
            if self._written >= ticket:
                return  # the state that was taken while we waited has our change
            with self._counting:
                covers = self._asked
            self._write()
            self._written = covers

    def _write(self) -> None:
        try:
            data = self._dumps()
        except Exception as error:  # noqa: BLE001 - anything may be in a store
            if str(error) != self._failed:
                self._failed = str(error)
                LOG.warning("the state of %s cannot be kept: %s: %s", self.state.service, type(error).__name__, error)
            return
        self._failed = ""
        digest = hashlib.blake2b(data).digest()
        if digest == self._digest:
            return
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO services VALUES (?, ?)", (self.state.service, data))
        self._digest = digest

    def _dumps(self) -> bytes:
        for attempt in range(ATTEMPTS):
            try:
                return self.state.dumps()
            except RuntimeError:  # something changed under way
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(0.001 * attempt)
        raise AssertionError


class Committer:
    """The states of all services that were used."""

    def __init__(self, database: Database, prepare: Callable[[str], None]) -> None:
        """`prepare` is called once for each service that is kept, before its state is touched."""
        self._database = database
        self._prepare = prepare
        with database.transaction() as connection:
            connection.execute(_SCHEMA)
        self._lock = threading.Lock()
        self._services: dict[str, KeptService | None] = {}
        self._touched: set[str] = set()
        self._stopping = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep, name="state-sweeper", daemon=True)

    def start(self) -> None:
        """Begin to look for what changes by itself."""
        self._sweeper.start()

    def saved(self) -> list[tuple[str, bytes]]:
        """Every service's state as it is on disk."""
        with self._database.transaction() as connection:
            rows: list[tuple[str, bytes]] = connection.execute(
                "SELECT name, state FROM services ORDER BY name"
            ).fetchall()
        return rows

    def service(self, name: str) -> KeptService | None:
        """The service's state; None where it holds none that can be kept."""
        with self._lock:
            if name not in self._services:
                from penstock_gateway.state import stores

                state = stores.ServiceState(name)
                if state.is_kept:
                    self._prepare(name)
                    self._services[name] = KeptService(state, self._database)
                else:
                    self._services[name] = None
                    if name not in stores.ELSEWHERE:
                        LOG.warning("what %s holds ends with the gateway: %s", name, stores.why_not(name))
            return self._services[name]

    def commit(self, name: str) -> None:
        """See `KeptService.commit`."""
        if kept := self.service(name):
            kept.commit()
            self._touched.add(name)

    def commit_all(self) -> None:
        """Everything that was used, as at a stop."""
        for name in list(self._services):
            self.commit(name)

    def _sweep(self) -> None:
        while not self._stopping.wait(SWEEP_SECONDS):
            names = self._touched | (MOVING & self._services.keys())
            self._touched = set()
            for name in names:
                kept = self._services.get(name)
                if kept is None:
                    continue
                try:
                    kept.commit()
                except Exception:
                    LOG.exception("the state of %s was not written", name)

    def stop(self) -> None:
        """Write everything once more."""
        self._stopping.set()
        self.commit_all()
