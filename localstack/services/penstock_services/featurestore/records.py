"""The feature store's operations on records, over the online store and the journal of the offline one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock_services.clients import Clients
from penstock_services.errors import ServiceError
from penstock_services.featurestore import offline, online
from penstock_services.featurestore.database import Database, compact
from penstock_services.featurestore.event_time import NANOSECONDS, iso
from penstock_services.featurestore.group import (
    FeatureGroup,
    Record,
    Value,
    check_identifier,
    ttl_seconds,
    validation_error,
)
from penstock_services.featurestore.online import Stored
from penstock_services.store import Store

_UPDATABLE = {"Standard_V2", "InMemory"}
_UPDATE_FEATURES = 100


@dataclass(frozen=True)
class Put:
    """One record to write: its group, and which stores it goes to."""

    group: FeatureGroup
    record: Record
    online: bool
    offline: bool
    expires: int | None


class Records:
    """Reads and writes records; thread-safe. Start it before use and stop it at the end."""

    def __init__(self, path: Path, store: Store, clients: Clients) -> None:
        self._database = Database(path)
        self._offline = offline.OfflineWriter(self._database, clients, lambda group: _exists(store, group))
        self._invoked = 0

    def start(self) -> None:
        """Begin to write the offline store, first what an earlier process has left."""
        with self._database.writing() as connection:
            online.remove_expired(connection, time.time_ns())
        self._offline.start()

    def stop(self) -> None:
        """Write what waits for the offline store and close the files."""
        self._offline.stop()
        self._database.close()

    def flush(self) -> bool:
        """Write what waits for the offline store now; say whether all of it was written."""
        return self._offline.flush()

    def prepared(
        self,
        group: FeatureGroup,
        feature_values: list[dict[str, Any]],
        targets: list[str] | None,
        ttl: dict[str, Any] | None,
    ) -> Put:
        """A request's record, checked against its group; ValidationError if it may not enter."""
        to_online, to_offline = group.stores(targets)
        record = group.record(feature_values)
        return Put(group, record, to_online, to_offline, _expires(record.event_time, ttl, group))

    def put(self, puts: list[Put]) -> None:
        """Write records: online where the event time is greater than what is there, offline always."""
        numbers = [self._database.group_id(each.group) for each in puts]
        now = time.time_ns()
        journalled: dict[int, int] = {}
        with self._database.writing() as connection:
            invoked = self._invocation_time()
            for number, each in zip(numbers, puts, strict=True):
                record = each.record
                if each.online:
                    stored = Stored(
                        record.event_time, each.expires, deleted=False, record=online.feature_values(record.values)
                    )
                    online.put(connection, number, record.identifier, stored, now)
                if each.offline:
                    text = compact(record.values)
                    offline.append(connection, number, record.event_time, invoked, text, deleted=False)
                    journalled[number] = journalled.get(number, 0) + 1
        self._tell(journalled)

    def get(self, group: FeatureGroup, identifier: str) -> Stored | None:
        """The latest record, or None where there is none, or it is deleted or expired."""
        stored = online.get(self._database.reading, self._database.group_id(group), identifier, time.time_ns())
        return None if stored is None or stored.deleted else stored

    def get_many(self, group: FeatureGroup, identifiers: list[str]) -> dict[str, Stored]:
        """The latest records of many identifiers; absent ones are left out."""
        return online.get_many(self._database.reading, self._database.group_id(group), identifiers, time.time_ns())

    def identifiers(self, group: FeatureGroup, after: str, count: int, *, with_deleted: bool) -> list[str]:
        """Up to ``count`` identifiers of the online store behind ``after``, in order."""
        number = self._database.group_id(group)
        return online.identifiers(
            self._database.reading, number, after, count, time.time_ns(), with_deleted=with_deleted
        )

    def delete(
        self, group: FeatureGroup, identifier: str, event_time_text: str, targets: list[str] | None, *, hard: bool
    ) -> None:
        """Delete softly (a marker keeps the event time's order) or hard (nothing is kept online).

        Without a greater event time a soft delete leaves the online record and a hard one is refused.
        """
        check_identifier(identifier)
        to_online, to_offline = group.stores(targets)
        event_time = group.event_nanoseconds(event_time_text)
        marker: dict[str, Value] = {group.record_identifier: identifier, group.event_time: event_time_text}
        number = self._database.group_id(group)
        now = time.time_ns()
        with self._database.writing() as connection:
            invoked = self._invocation_time()
            if to_online and hard:
                stored = online.get(connection, number, identifier, now)
                if stored is not None and event_time <= stored.event_time:
                    raise validation_error(
                        f"EventTime [{event_time_text}] of a HardDelete must be later than the EventTime "
                        f"of the existing record [{iso(stored.event_time)}]"
                    )
                online.remove(connection, number, identifier)
            elif to_online:
                tombstone = Stored(event_time, None, deleted=True, record=online.feature_values(marker))
                online.put(connection, number, identifier, tombstone, now)
            if to_offline:
                offline.append(connection, number, event_time, invoked, compact(marker), deleted=True)
        self._tell({number: 1} if to_offline else {})

    def update(
        self,
        group: FeatureGroup,
        identifier: str,
        feature_values: list[dict[str, Any]],
        targets: list[str] | None,
        ttl: dict[str, Any] | None,
    ) -> None:
        """Change some features of an existing record; the others stay."""
        if group.storage not in _UPDATABLE:
            raise validation_error(
                f"UpdateRecord needs a FeatureGroup of storage type Standard_V2 or InMemory; "
                f"FeatureGroup [{group.name}] is {group.storage}"
            )
        if len(feature_values) > _UPDATE_FEATURES:
            raise validation_error(f"UpdateRecord takes up to {_UPDATE_FEATURES} features, not {len(feature_values)}")
        to_online, to_offline = group.stores(targets)
        group.require_online()
        changes = group.values(feature_values)
        if changes.get(group.record_identifier, identifier) != identifier:
            raise validation_error(f"Feature [{group.record_identifier}] differs from RecordIdentifierValueAsString")
        if ttl is not None and group.event_time not in changes:
            raise validation_error("TtlDuration requires an EventTime in the request")
        number = self._database.group_id(group)
        now = time.time_ns()
        with self._database.writing() as connection:
            invoked = self._invocation_time()
            stored = online.get(connection, number, identifier, now)
            if stored is None or stored.deleted:
                raise ServiceError(
                    "ResourceNotFound", f"No record with identifier [{identifier}] in FeatureGroup [{group.name}]", 404
                )
            required = {group.record_identifier, group.event_time}
            values = stored.values()
            values.update(changes)
            for each in feature_values:
                if each["FeatureName"] not in changes and each["FeatureName"] not in required:
                    values.pop(each["FeatureName"], None)
            time_text = changes.get(group.event_time)
            event_time = stored.event_time if not isinstance(time_text, str) else group.event_nanoseconds(time_text)
            if event_time < stored.event_time:
                raise ServiceError(
                    "ConflictException",
                    f"EventTime [{time_text}] is older than the record's current EventTime [{iso(stored.event_time)}]",
                    409,
                )
            if ttl is not None:
                expires: int | None = event_time + ttl_seconds(ttl) * NANOSECONDS
            else:
                expires = None if stored.expires is None else stored.expires - stored.event_time + event_time
            if to_online:
                kept = Stored(event_time, expires, deleted=False, record=online.feature_values(values))
                online.replace(connection, number, identifier, kept)
            if to_offline:
                offline.append(connection, number, event_time, invoked, compact(values), deleted=False)
        self._tell({number: 1} if to_offline else {})

    def _tell(self, journalled: dict[int, int]) -> None:
        for number, count in journalled.items():
            self._offline.touched(number, count)

    def _invocation_time(self) -> int:
        """Now in microseconds since the epoch, never the same twice, so that the order of calls is kept; taken within
        a transaction, where nobody else is."""
        self._invoked = max(self._invoked + 1, time.time_ns() // 1000)
        return self._invoked


def _expires(event_time: int, ttl: dict[str, Any] | None, group: FeatureGroup) -> int | None:
    seconds = ttl_seconds(ttl) if ttl is not None else group.ttl_seconds
    return None if seconds is None else event_time + seconds * NANOSECONDS


def _exists(store: Store, group: FeatureGroup) -> bool:
    record = store.get(group.scope, "FeatureGroup", group.name)
    return record is not None and float(record.get("CreationTime", 0)) == group.created
