"""The offline store: records as Parquet in the group's bucket, in AWS's layout.

Files lie under ``ResolvedOutputS3Uri`` in ``year=/month=/day=/hour=`` of the event time and are named by the latest
event time within. A record is acknowledged once it is in the journal; what the journal holds is written when its group
has been quiet for a moment, at the latest after ``longest`` seconds. Each record goes into exactly one file: the file's
key is decided in the journal before the upload, so that an upload repeated after a crash replaces itself.
"""

from __future__ import annotations

import io
import json
import logging
import secrets
import sqlite3
import string
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from penstock_services.clients import Clients
from penstock_services.featurestore.database import Database
from penstock_services.featurestore.event_time import HOUR, NANOSECONDS
from penstock_services.featurestore.group import Feature, FeatureGroup, OfflineLocation

_LOG = logging.getLogger(__name__)
_ALPHANUMERIC = string.ascii_letters + string.digits
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {"Integral": pa.int64(), "Fractional": pa.float64(), "String": pa.string()}
_PARSE: dict[str, Callable[[str], Any]] = {"Integral": int, "Fractional": float, "String": str}
_UPLOADS = 8
_RETRY_SECONDS = 5.0


@dataclass
class _Pending:
    """Of one group, by the monotonic clock: how many records wait, since when, and when the last one came."""

    count: int
    first: float
    last: float


def append(
    connection: sqlite3.Connection, group: int, event_time: int, invoked: int, record: str, *, deleted: bool
) -> None:
    """Put a record into the journal, in the transaction of ``connection``.

    ``event_time`` is in nanoseconds, ``invoked`` (the API call) in microseconds since the epoch; ``record`` is a JSON
    object of names and values.
    """
    connection.execute(
        "INSERT INTO journal (group_id, hour, event_time, invoked, deleted, record) VALUES (?,?,?,?,?,?)",
        (group, event_time // HOUR, event_time, invoked, int(deleted), record),
    )


class OfflineWriter:
    """Writes the journal to S3 in a thread of its own, between ``start`` and ``stop``.

    ``exists`` says whether a feature group is still there: what waits for a group that was deleted together with its
    bucket is dropped. ``quiet`` and ``longest`` are seconds, ``most`` is a number of records.
    """

    def __init__(
        self,
        database: Database,
        clients: Clients,
        exists: Callable[[FeatureGroup], bool],
        *,
        quiet: float = 1.0,
        longest: float = 10.0,
        most: int = 50_000,
    ) -> None:
        self._database = database
        self._clients = clients
        self._exists = exists
        self._quiet = quiet
        self._longest = longest
        self._most = most
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._pending: dict[int, _Pending] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._retry_at = 0.0

    def start(self) -> None:
        """Start writing, first what an earlier process has left."""
        for (group,) in self._database.reading.execute("SELECT DISTINCT group_id FROM journal"):
            self._pending[group] = _Pending(count=1, first=0.0, last=0.0)
        self._thread = threading.Thread(target=self._run, name="offline-store", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end the thread. What cannot be written now stays in the journal."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def touched(self, group: int, count: int) -> None:
        """Say that ``count`` records have been committed to the journal."""
        now = time.monotonic()
        with self._lock:
            pending = self._pending.setdefault(group, _Pending(0, now, now))
            pending.count += count
            pending.last = now

    def flush(self) -> bool:
        """Write everything that waits now; say whether all of it was written."""
        with self._flushing:
            return self._flush(self._take(ready_only=False))

    def _run(self) -> None:
        while not self._stopped.wait(0.2):
            if time.monotonic() < self._retry_at:
                continue
            try:
                with self._flushing:
                    self._flush(self._take(ready_only=True))
            except Exception:  # noqa: BLE001 (the thread lives on, the error is told)
                _LOG.exception("the offline store could not be written; it is tried again")
                self._retry_at = time.monotonic() + _RETRY_SECONDS

    def _take(self, *, ready_only: bool) -> list[int]:
        now = time.monotonic()
        with self._lock:
            ready = [
                group
                for group, pending in self._pending.items()
                if not ready_only
                or now - pending.last >= self._quiet
                or now - pending.first >= self._longest
                or pending.count >= self._most
            ]
            for group in ready:
                del self._pending[group]
        return ready

    def _flush(self, groups: list[int]) -> bool:
        written = True
        for group in groups:
            try:
                failure = self._flush_group(group)
            except BaseException:
                self.touched(group, 1)
                raise
            if failure is not None:
                written = False
                self._retry_at = time.monotonic() + _RETRY_SECONDS
                self.touched(group, 1)
                _LOG.warning("offline store of feature group %s: %s", self._database.group(group).name, failure)
        return written

    def _flush_group(self, number: int) -> str | None:
        group = self._database.group(number)
        self._assign_files(number)
        files = self._database.reading.execute(
            "SELECT id, key, written FROM files WHERE group_id=? ORDER BY id", (number,)
        ).fetchall()
        if not files or group.offline is None:
            return None
        location = group.offline
        failure: str | None = None
        with ThreadPoolExecutor(_UPLOADS, thread_name_prefix="offline-upload") as uploads:
            tasks = [(file, uploads.submit(self._upload, group, location, *file)) for file in files]
            done = []
            for (file, _, _), task in tasks:
                try:
                    task.result()
                except ClientError as error:
                    gone = error.response["Error"]["Code"] in {"NoSuchBucket", "NotFound"} and not self._exists(group)
                    if not gone:
                        failure = str(error)
                        continue
                except CancelledError:
                    continue
                except Exception as error:  # noqa: BLE001 (an unreachable gateway, a broken connection: tried again)
                    failure = str(error)
                    uploads.shutdown(wait=False, cancel_futures=True)
                    continue
                done.append((file,))
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM journal WHERE file=?", done)
            connection.executemany("DELETE FROM files WHERE id=?", done)
        return failure

    def _assign_files(self, number: int) -> None:
        """Decide the file of every record that has none: one per hour of event time."""
        with self._database.writing() as connection:
            hours = connection.execute(
                "SELECT hour, max(event_time) FROM journal WHERE file IS NULL AND group_id=? GROUP BY hour", (number,)
            ).fetchall()
            for hour, latest in hours:
                cursor = connection.execute(
                    "INSERT INTO files (group_id, key, written) VALUES (?,?,?)",
                    (number, file_key(hour, latest), time.time_ns() // 1000),
                )
                connection.execute(
                    "UPDATE journal SET file=? WHERE file IS NULL AND group_id=? AND hour=?",
                    (cursor.lastrowid, number, hour),
                )

    def _upload(self, group: FeatureGroup, location: OfflineLocation, file: int, key: str, written: int) -> None:
        rows = self._database.reading.execute(
            "SELECT invoked, deleted, record FROM journal WHERE file=? ORDER BY sequence", (file,)
        ).fetchall()
        body = parquet(group, rows, written)
        encryption = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": location.kms_key} if location.kms_key is not None else {}
        )
        client = self._clients.client("s3", group.scope)
        client.put_object(Bucket=location.bucket, Key=f"{location.prefix}/{key}".lstrip("/"), Body=body, **encryption)


def file_key(hour: int, latest: int) -> str:
    """The key, below the offline store's prefix, of a new file of ``hour`` (hours since the epoch) whose latest event
    time is ``latest`` (nanoseconds since the epoch)."""
    partition = _EPOCH + timedelta(hours=hour)
    moment = _EPOCH + timedelta(seconds=latest // NANOSECONDS)
    unique = "".join(secrets.choice(_ALPHANUMERIC) for _ in range(16))
    return f"{partition:year=%Y/month=%m/day=%d/hour=%H}/{moment:%Y%m%dT%H%M%SZ}_{unique}.parquet"


def parquet(group: FeatureGroup, rows: list[tuple[int, int, str]], written: int) -> bytes:
    """A Parquet file of rows (api_invocation_time, is_deleted, JSON of names and values); times in microseconds."""
    values = [json.loads(record) for _, _, record in rows]
    moment = pa.timestamp("us")
    columns: dict[str, pa.Array] = {
        feature.name: pa.array([_column_value(feature, each) for each in values], _column_type(feature))
        for feature in group.features.values()
    }
    columns["write_time"] = pa.array([written] * len(rows), moment)
    columns["api_invocation_time"] = pa.array([invoked for invoked, _, _ in rows], moment)
    columns["is_deleted"] = pa.array([bool(deleted) for _, deleted, _ in rows], pa.bool_())
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="snappy")
    return buffer.getvalue()


def _column_type(feature: Feature) -> Any:
    element = _TYPES[feature.type]
    return element if feature.collection is None else pa.list_(element)


def _column_value(feature: Feature, values: dict[str, Any]) -> Any:
    value = values.get(feature.name)
    if value is None:
        return None
    parse = _PARSE[feature.type]
    return parse(value) if isinstance(value, str) else [parse(each) for each in value]
