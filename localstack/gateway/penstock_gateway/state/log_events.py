"""Events of CloudWatch Logs, a row for each PutLogEvents: on disk before the answer, whatever the group holds already."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from moto.logs.models import LogEvent, LogGroup, LogsBackend, LogStream, logs_backends

from penstock_gateway.state import pickling
from penstock_gateway.state.database import Database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log_events (
    n INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, log_group TEXT NOT NULL,
    stream TEXT NOT NULL, events BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS log_events_of ON log_events (account, region, log_group, stream);
"""
Method = Callable[..., Any]


class LogEvents:
    """The table of log events, fed by moto's streams once it is installed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.transaction() as connection:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)

    def write(self, stream: LogStream, events: list[LogEvent]) -> None:
        """Append events to a stream."""
        if events:
            told = [(event.event_id, event.ingestion_time, event.timestamp, event.message) for event in events]
            row = (stream.account_id, stream.region, stream.log_group.name, stream.log_stream_name)
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT INTO log_events (account, region, log_group, stream, events) VALUES (?, ?, ?, ?, ?)",
                    (*row, pickling.plain_dumps(told)),
                )

    def remove(self, account: str, region: str, group: str, stream: str | None = None) -> None:
        """Forget the events of a stream, or of all streams of a group."""
        of_group = "DELETE FROM log_events WHERE account=? AND region=? AND log_group=?"
        with self._database.transaction() as connection:
            if stream is None:
                connection.execute(of_group, (account, region, group))
            else:
                connection.execute(of_group + " AND stream=?", (account, region, group, stream))

    def fill(self) -> None:
        """Put all events back into their streams."""
        with self._database.transaction() as connection:
            rows = connection.execute("SELECT account, region, log_group, stream, events FROM log_events ORDER BY n")
            kept = rows.fetchall()
        last = -1
        for account, region, group_name, stream_name, data in kept:
            group = logs_backends[account][region].groups.get(group_name)
            stream = group.streams.get(stream_name) if group else None
            if stream is None:
                continue
            for identifier, ingestion, timestamp, message in pickling.loads(data):
                event = LogEvent(ingestion, {"timestamp": timestamp, "message": message})
                event.event_id = identifier
                last = max(last, identifier)
                stream.events.append(event)
                stream.stored_bytes += len(message)
                stream.last_ingestion_time = ingestion
            stream.upload_sequence_token += 1
        LogEvent._event_id = max(LogEvent._event_id, last + 1)


def _reduce_stream(stream: LogStream) -> tuple[Any, ...]:
    state = {name: value for name, value in stream.__dict__.items() if name != "log_group"}
    state |= {"events": [], "stored_bytes": 0, "upload_sequence_token": 0}
    return LogStream.__new__, (LogStream,), {**state, "log_group": stream.log_group}


def install(log_events: LogEvents) -> None:
    """Have every event written. LocalStack's own changes to moto come first: some of them replace what we wrap."""
    importlib.import_module("localstack.services.logs.provider")
    pickling.reduce_with(LogStream, _reduce_stream)
    LogStream.put_log_events = _putting(LogStream.put_log_events, log_events)
    LogGroup.delete_log_stream = _deleting_stream(LogGroup.delete_log_stream, log_events)
    LogsBackend.delete_log_group = _deleting_group(LogsBackend.delete_log_group, log_events)


def _putting(original: Method, log_events: LogEvents) -> Method:
    @functools.wraps(original)
    def put_log_events(self: LogStream, given: list[dict[str, Any]]) -> Any:
        before = len(self.events)
        answer = original(self, given)
        log_events.write(self, self.events[before:][: len(given)])
        return answer

    return put_log_events


def _deleting_stream(original: Method, log_events: LogEvents) -> Method:
    @functools.wraps(original)
    def delete_log_stream(self: LogGroup, log_stream_name: str) -> None:
        original(self, log_stream_name)
        log_events.remove(self.account_id, self.region, self.name, log_stream_name)

    return delete_log_stream


def _deleting_group(original: Method, log_events: LogEvents) -> Method:
    @functools.wraps(original)
    def delete_log_group(self: LogsBackend, log_group_name: str) -> None:
        original(self, log_group_name)
        log_events.remove(self.account_id, self.region_name, log_group_name)

    return delete_log_group
