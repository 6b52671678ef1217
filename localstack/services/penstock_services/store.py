"""Records of the services, kept in one SQLite file.

A record is a JSON object; timestamps in it are seconds since the epoch (floats). Records are kept apart by account
and region, then by kind ("TrainingJob", "Pipeline"...) and key (the resource's name, or its ARN where it has no name).
What ``put`` has returned from survives a ``kill -9`` of this process (write-ahead log).

What lists are filtered and sorted by stands in indexed columns beside the record, so that a page of a list costs the
same however many records there are.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

Record = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    created REAL NOT NULL,
    modified REAL NOT NULL,
    parent TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (account, region, kind, key)
);
CREATE INDEX IF NOT EXISTS by_name ON resources (account, region, kind, name, id);
CREATE INDEX IF NOT EXISTS by_status ON resources (account, region, kind, status, created, id);
CREATE INDEX IF NOT EXISTS by_created ON resources (account, region, kind, created, id, name);
CREATE INDEX IF NOT EXISTS by_modified ON resources (account, region, kind, modified, id);
CREATE INDEX IF NOT EXISTS by_parent ON resources (account, region, kind, parent, created, id);
"""
_COLUMNS = ("id", "key", "name", "status", "created", "modified", "parent")
_OPERATORS = {
    "=": "{} = ?",
    ">=": "{} >= ?",
    "<=": "{} <= ?",
    "contains": "instr({}, ?) > 0",
    "prefix": "substr({0}, 1, length(?)) = ?",
    "same": "{} = ? COLLATE NOCASE",
}


@dataclass(frozen=True)
class Scope:
    """Whose records: an account id of 12 digits and a region."""

    account: str
    region: str


class Columns(NamedTuple):
    """What a record is found and sorted by, beside its key; times are seconds since the epoch."""

    name: str = ""
    status: str = ""
    created: float = 0.0
    modified: float = 0.0
    parent: str = ""


@dataclass(frozen=True)
class Where:
    """A condition on a column ("name", "status", "created", "modified", "parent", "key") or on a member of the record
    by its path ("Source.SourceUri")."""

    field: str
    operator: Literal["=", ">=", "<=", "contains", "prefix", "same"]
    value: Any


class Row(NamedTuple):
    """One found record. ``id`` grows with every new record; ``value`` is what the rows are sorted by."""

    id: int
    key: str
    record: Record
    value: Any


def plain_columns(kind: str, record: Record) -> Columns:
    """The columns of a record whose members have the usual names."""
    created = record.get("CreationTime") or 0.0
    modified = record.get("LastModifiedTime") or created
    return Columns(str(record.get(f"{kind}Name", "")), str(record.get(f"{kind}Status", "")), created, modified)


class Store:
    """Thread-safe record store; every method is one transaction."""

    def __init__(self, path: Path, columns: Callable[[str, Record], Columns] = plain_columns) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._columns = columns
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_SCHEMA)
        self._adopt()

    def _adopt(self) -> None:
        """Take over the table of versions that kept no columns."""
        there = "SELECT 1 FROM sqlite_master WHERE type='table' AND name='records'"
        if self._connection.execute(there).fetchone() is None:
            return
        rows = self._connection.execute("SELECT account, region, kind, key, record FROM records").fetchall()
        with self.together():
            for account, region, kind, key, text in sorted(rows, key=lambda row: json.loads(row[4]).get("_order", 0)):
                self.put(Scope(account, region), kind, key, json.loads(text))
            self._connection.execute("DROP TABLE records")

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside is kept as a whole or, after an exception or a kill, not at all."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def put(self, scope: Scope, kind: str, key: str, record: Record) -> None:
        """Write ``record``, replacing what was under the key."""
        self._write(
            "DO UPDATE SET name=excluded.name, status=excluded.status, created=excluded.created, "
            "modified=excluded.modified, parent=excluded.parent, record=excluded.record",
            scope,
            kind,
            key,
            record,
        )

    def insert(self, scope: Scope, kind: str, key: str, record: Record) -> bool:
        """Write ``record`` only if the key is free; say whether it was."""
        return self._write("DO NOTHING", scope, kind, key, record) == 1

    def get(self, scope: Scope, kind: str, key: str) -> Record | None:
        """The record under the key (a copy of one's own), or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT record FROM resources WHERE account=? AND region=? AND kind=? AND key=?",
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
                "DELETE FROM resources WHERE account=? AND region=? AND kind=? AND key=?",
                (scope.account, scope.region, kind, key),
            )
            return cursor.rowcount == 1

    def scan(self, scope: Scope, kind: str, prefix: str = "") -> list[tuple[str, Record]]:
        """All (key, record) of a kind whose key starts with ``prefix``, ordered by key."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT key, record FROM resources WHERE account=? AND region=? AND kind=? AND key>=? ORDER BY key",
                (scope.account, scope.region, kind, prefix),
            )
            found = []
            for key, text in rows:
                if not key.startswith(prefix):
                    break
                found.append((key, text))
        return [(key, _load(text)) for key, text in found]

    def select(
        self,
        scope: Scope,
        kind: str,
        where: Sequence[Where] = (),
        *,
        order: str = "created",
        descending: bool = True,
        after: tuple[Any, int] | None = None,
        limit: int = -1,
    ) -> list[Row]:
        """The records of a kind that meet all conditions, sorted by a column or a member and then by age.

        ``after`` is the ``(value, id)`` of the last row of the page before; ``limit`` -1 means all.
        """
        sorted_by, path = _expression(order)
        conditions, values = _conditions(scope, kind, where)
        if after is not None:
            conditions.append(f"({sorted_by}, id) {'<' if descending else '>'} (?, ?)")
            values += [*path, *after]
        direction = "DESC" if descending else "ASC"
        # The fields are this module's columns or parameters, never a caller's text.
        statement = (
            f"SELECT id, key, record, {sorted_by} FROM resources WHERE {' AND '.join(conditions)} "  # noqa: S608
            f"ORDER BY {sorted_by} {direction}, id {direction} LIMIT ?"
        )
        with self._lock:
            rows = self._connection.execute(statement, [*path, *values, *path, limit]).fetchall()
        return [Row(number, key, _load(text), value) for number, key, text, value in rows]

    def count(self, scope: Scope, kind: str, where: Sequence[Where] = (), most: int = -1) -> int:
        """How many records of a kind meet all conditions; counts up to ``most``."""
        conditions, values = _conditions(scope, kind, where)
        statement = f"SELECT count(*) FROM (SELECT 1 FROM resources WHERE {' AND '.join(conditions)} LIMIT ?)"  # noqa: S608
        with self._lock:
            number: int = self._connection.execute(statement, [*values, most]).fetchone()[0]
        return number

    def scopes(self, kind: str) -> list[Scope]:
        """The accounts and regions that hold records of a kind."""
        with self._lock:
            rows = self._connection.execute("SELECT DISTINCT account, region FROM resources WHERE kind=?", (kind,))
            return [Scope(account, region) for account, region in rows]

    def _write(self, conflict: str, scope: Scope, kind: str, key: str, record: Record) -> int:
        text = json.dumps(record, separators=(",", ":"))
        columns = self._columns(kind, record)
        with self._lock:
            cursor = self._connection.execute(
                "INSERT INTO resources "  # noqa: S608
                "(account, region, kind, key, record, name, status, created, modified, parent) "
                f"VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (account, region, kind, key) {conflict}",
                (scope.account, scope.region, kind, key, text, *columns),
            )
            return cursor.rowcount


def _expression(field: str) -> tuple[str, list[str]]:
    """SQL of a column or of a member by its path, and its parameters."""
    if field in _COLUMNS:
        return field, []
    return "ifnull(json_extract(record, ?), '')", ["$" + "".join(f'."{part}"' for part in field.split("."))]


def _conditions(scope: Scope, kind: str, where: Sequence[Where]) -> tuple[list[str], list[Any]]:
    conditions, values = ["account=?", "region=?", "kind=?"], [scope.account, scope.region, kind]
    for condition in where:
        field, path = _expression(condition.field)
        conditions.append(_OPERATORS[condition.operator].format(field))
        values += [*path, condition.value, *([condition.value] if condition.operator == "prefix" else [])]
    return conditions, values


def _load(text: str) -> Record:
    record: Record = json.loads(text)
    return record
