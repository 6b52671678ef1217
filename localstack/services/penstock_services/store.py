"""Records of the services, kept in one SQLite file.

A record is a JSON object; timestamps in it are seconds since the epoch (floats). Records are kept apart by account
and region, then by kind ("TrainingJob", "Pipeline"...) and key (the resource's name, or its ARN where it has no name).
What ``put`` has returned from survives a ``kill -9`` of this process (write-ahead log).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (account, region, kind, key)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Scope:
    """Whose records: an account id of 12 digits and a region."""

    account: str
    region: str


class Store:
    """Thread-safe record store; every method is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    def put(self, scope: Scope, kind: str, key: str, record: Record) -> None:
        """Write ``record``, replacing what was under the key."""
        self._write("INSERT OR REPLACE", scope, kind, key, record)

    def insert(self, scope: Scope, kind: str, key: str, record: Record) -> bool:
        """Write ``record`` only if the key is free; say whether it was."""
        return self._write("INSERT OR IGNORE", scope, kind, key, record) == 1

    def get(self, scope: Scope, kind: str, key: str) -> Record | None:
        """The record under the key (a copy of one's own), or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT record FROM records WHERE account=? AND region=? AND kind=? AND key=?",
                (scope.account, scope.region, kind, key),
            ).fetchone()
        return None if row is None else _load(row[0])

    def update(self, scope: Scope, kind: str, key: str, change: Callable[[Record], None]) -> Record | None:
        """Read, ``change`` in place and write in one step; the new record, or None where there is none.

        An exception of ``change`` leaves the record as it was.
        """
        with self._lock:
            record = self.get(scope, kind, key)
            if record is None:
                return None
            change(record)
            self.put(scope, kind, key, record)
            return record

    def delete(self, scope: Scope, kind: str, key: str) -> bool:
        """Remove the record; say whether there was one."""
        with self._lock:
            cursor = self._connection.execute(
                "DELETE FROM records WHERE account=? AND region=? AND kind=? AND key=?",
                (scope.account, scope.region, kind, key),
            )
            return cursor.rowcount == 1

    def scan(self, scope: Scope, kind: str, prefix: str = "") -> list[tuple[str, Record]]:
        """All (key, record) of a kind whose key starts with ``prefix``, ordered by key."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT key, record FROM records WHERE account=? AND region=? AND kind=? AND key>=? ORDER BY key",
                (scope.account, scope.region, kind, prefix),
            )
            found = []
            for key, text in rows:
                if not key.startswith(prefix):
                    break
                found.append((key, text))
        return [(key, _load(text)) for key, text in found]

    def scopes(self, kind: str) -> list[Scope]:
        """The accounts and regions that hold records of a kind."""
        with self._lock:
            rows = self._connection.execute("SELECT DISTINCT account, region FROM records WHERE kind=?", (kind,))
            return [Scope(account, region) for account, region in rows]

    def _write(self, verb: str, scope: Scope, kind: str, key: str, record: Record) -> int:
        text = json.dumps(record, separators=(",", ":"))
        with self._lock:
            cursor = self._connection.execute(
                f"{verb} INTO records VALUES (?,?,?,?,?)",
                (scope.account, scope.region, kind, key, text),
            )
            return cursor.rowcount


def _load(text: str) -> Record:
    record: Record = json.loads(text)
    return record
