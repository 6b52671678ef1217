"""The file behind the feature store: the online records and the journal of what the offline store has yet to write.

Both are in one SQLite file so that a record enters both, or neither, in one transaction.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from penstock_services.featurestore.group import Feature, FeatureGroup
from penstock_services.store import Scope

_SCHEMA = """
CREATE TABLE IF NOT EXISTS groups (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created REAL NOT NULL,
    definition TEXT NOT NULL,     -- JSON: what the offline store needs to write the group's records
    UNIQUE (account, region, name, created)
);
CREATE TABLE IF NOT EXISTS online (
    group_id INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    event_time INTEGER NOT NULL,  -- nanoseconds since the epoch
    expires INTEGER,              -- nanoseconds since the epoch
    deleted INTEGER NOT NULL,     -- 1: the marker that a soft delete leaves
    record TEXT NOT NULL,         -- JSON list of FeatureValue, as GetRecord answers it
    PRIMARY KEY (group_id, identifier)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS online_expires ON online (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id INTEGER NOT NULL,
    key TEXT NOT NULL,            -- in the bucket of the group's offline store
    written INTEGER NOT NULL      -- write_time, microseconds since the epoch
);
CREATE TABLE IF NOT EXISTS journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,        -- hours since the epoch, of the event time
    event_time INTEGER NOT NULL,
    invoked INTEGER NOT NULL,     -- api_invocation_time, microseconds since the epoch
    deleted INTEGER NOT NULL,
    record TEXT NOT NULL,         -- JSON object: name to value
    file INTEGER                  -- the file that will hold it, once that is decided
);
CREATE INDEX IF NOT EXISTS journal_place ON journal (file, group_id, hour);
"""


class Database:
    """One writer at a time, any number of readers (write-ahead log). What a transaction has committed survives a
    ``kill -9`` of this process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._writer = self._open()
        self._writer.execute("PRAGMA journal_mode=WAL")
        self._writer.executescript(_SCHEMA)
        self._groups: dict[tuple[str, str, str, float], tuple[int, dict[str, Feature] | None]] = {}

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=30)
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The writer's connection in a transaction: committed at the end, undone by an exception."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    @property
    def reading(self) -> sqlite3.Connection:
        """This thread's connection for reading."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
            self._local.connection = connection
            with self._lock:
                self._readers.append(connection)
        return connection

    def group_id(self, group: FeatureGroup) -> int:
        """The number of a group in this file. A new group of an old name starts with an empty online store."""
        key = (group.scope.account, group.scope.region, group.name, group.created)
        number, features = self._groups.get(key, (0, None))
        if features == group.features:
            return number
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO groups (account, region, name, created, definition) VALUES (?,?,?,?,?)"
                " ON CONFLICT DO UPDATE SET definition=excluded.definition",
                (*key, compact(group.description())),
            )
            (number,) = connection.execute(
                "SELECT id FROM groups WHERE account=? AND region=? AND name=? AND created=?", key
            ).fetchone()
            connection.execute(
                "DELETE FROM online WHERE group_id IN"
                " (SELECT id FROM groups WHERE account=? AND region=? AND name=? AND created<>?)",
                key,
            )
        self._groups[key] = (int(number), group.features)
        return int(number)

    def group(self, number: int) -> FeatureGroup:
        """The group of a number that ``group_id`` has given, as last seen."""
        account, region, definition = self.reading.execute(
            "SELECT account, region, definition FROM groups WHERE id=?", (number,)
        ).fetchone()
        return FeatureGroup.from_description(Scope(account, region), json.loads(definition))

    def close(self) -> None:
        """Close every connection; the database cannot be used afterwards."""
        with self._lock:
            for connection in [*self._readers, self._writer]:
                connection.close()


def compact(value: object) -> str:
    """JSON without blanks."""
    return json.dumps(value, separators=(",", ":"))
