"""The online store: per group and identifier the record of the latest event time."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from penstock_services.featurestore.database import compact
from penstock_services.featurestore.group import Value

_PUT = """
INSERT INTO online (group_id, identifier, event_time, expires, deleted, record) VALUES (?1,?2,?3,?4,?5,?6)
ON CONFLICT (group_id, identifier) DO UPDATE
SET event_time=excluded.event_time, expires=excluded.expires, deleted=excluded.deleted, record=excluded.record
WHERE excluded.event_time > online.event_time OR online.expires <= ?7
"""


@dataclass(frozen=True)
class Stored:
    """A record as it is kept: times in nanoseconds since the epoch; ``record`` is a JSON list of FeatureValue."""

    event_time: int
    expires: int | None
    deleted: bool
    record: str

    def values(self) -> dict[str, Value]:
        """Name to value."""
        return {each["FeatureName"]: _value(each) for each in json.loads(self.record)}


def feature_values(values: dict[str, Value]) -> str:
    """Names and values as the JSON list of FeatureValue that GetRecord answers."""
    return compact(
        [
            {"FeatureName": name, "ValueAsString" if isinstance(value, str) else "ValueAsStringList": value}
            for name, value in values.items()
        ]
    )


def put(
    connection: sqlite3.Connection,
    group: int,
    identifier: str,
    stored: Stored,
    now: int,
) -> bool:
    """Keep ``stored`` if its event time is strictly greater than what is kept, or that has expired by ``now``
    (nanoseconds since the epoch). Say whether it was kept."""
    cursor = connection.execute(
        _PUT, (group, identifier, stored.event_time, stored.expires, int(stored.deleted), stored.record, now)
    )
    return cursor.rowcount == 1


def replace(connection: sqlite3.Connection, group: int, identifier: str, stored: Stored) -> None:
    """Keep ``stored`` whatever is kept."""
    connection.execute(
        "INSERT OR REPLACE INTO online (group_id, identifier, event_time, expires, deleted, record)"
        " VALUES (?,?,?,?,?,?)",
        (group, identifier, stored.event_time, stored.expires, int(stored.deleted), stored.record),
    )


def get(connection: sqlite3.Connection, group: int, identifier: str, now: int) -> Stored | None:
    """What is kept under the identifier, a soft delete's marker included, what has expired excluded."""
    row = connection.execute(
        "SELECT event_time, expires, deleted, record FROM online"
        " WHERE group_id=? AND identifier=? AND (expires IS NULL OR expires>?)",
        (group, identifier, now),
    ).fetchone()
    return None if row is None else Stored(row[0], row[1], bool(row[2]), row[3])


def get_many(connection: sqlite3.Connection, group: int, identifiers: list[str], now: int) -> dict[str, Stored]:
    """The records of many identifiers, without those that are deleted or expired."""
    rows = connection.execute(
        "SELECT identifier, event_time, expires, record FROM online"
        " WHERE group_id=? AND identifier IN (SELECT value FROM json_each(?)) AND deleted=0"
        " AND (expires IS NULL OR expires>?)",
        (group, compact(identifiers), now),
    )
    return {
        identifier: Stored(time, expires, deleted=False, record=record) for identifier, time, expires, record in rows
    }


def remove(connection: sqlite3.Connection, group: int, identifier: str) -> None:
    """Forget the identifier."""
    connection.execute("DELETE FROM online WHERE group_id=? AND identifier=?", (group, identifier))


def remove_expired(connection: sqlite3.Connection, now: int) -> int:
    """Forget all that has expired; how many that were."""
    return connection.execute("DELETE FROM online WHERE expires<=?", (now,)).rowcount


def identifiers(
    connection: sqlite3.Connection, group: int, after: str, count: int, now: int, *, with_deleted: bool
) -> list[str]:
    """Up to ``count`` identifiers behind ``after``, in order."""
    rows = connection.execute(
        "SELECT identifier FROM online WHERE group_id=? AND identifier>? AND deleted<=?"
        " AND (expires IS NULL OR expires>?) ORDER BY identifier LIMIT ?",
        (group, after, int(with_deleted), now, count),
    )
    return [identifier for (identifier,) in rows]


def _value(given: dict[str, Any]) -> Value:
    value: Value = given["ValueAsString"] if "ValueAsString" in given else given["ValueAsStringList"]
    return value
