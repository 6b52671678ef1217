"""Output of jobs and endpoints: a file each, and a CloudWatch Logs stream, sent in batches.

The file is the buffer: what was not sent yet is read from it again, so that a slow or restarting gateway costs neither
lines nor memory, and never holds up what writes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context, ContextFactory, on_stop

_LOG = logging.getLogger(__name__)
_INTERVAL = 0.5
# Limits of PutLogEvents: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_BATCH = 5000
_BATCH_BYTES = 900_000
_ENOUGH = _BATCH_BYTES // 2
_EVENT_BYTES = 26
_LINE = 200_000
_PIECE = 65_536
_KEPT = 50
_LONGEST_PAUSE = 5.0
_PERSISTENCE = 600.0
_STOP_SECONDS = 5.0
# Answers after which sending the same lines again is of no use.
_HOPELESS = ("InvalidParameterException", "InvalidSequenceTokenException", "AccessDeniedException")


class LogStream:
    """One stream. ``write`` never waits for the gateway.

    Lines are sent in the background; after ``close`` too, for as long as ten minutes.
    """

    def __init__(self, context: Context, group: str, stream: str, path: Path) -> None:
        self.group = group
        self.stream = stream
        self._context = context
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab", buffering=0)
        self._written = self._sent = self._file.tell()
        # When lines were written: (milliseconds, where they end in the file).
        self._marks: deque[tuple[int, int]] = deque()
        self._last: deque[str] = deque(maxlen=_KEPT)
        self._wake = threading.Condition()
        self._closed = 0.0
        self._made = False
        self._thread = threading.Thread(target=self._ship, name="logs", daemon=True)
        self._thread.start()
        _OPEN.add(self)

    def write(self, line: str) -> None:
        """Add one line."""
        raw = line.encode(errors="replace") + b"\n"
        stamp = int(time.time() * 1000)
        with self._wake:
            if self._closed:
                return
            self._file.write(raw)
            begin, self._written = self._written, self._written + len(raw)
            previous = self._marks[-2][1] if len(self._marks) > 1 else self._sent
            if self._marks and self._marks[-1][0] == stamp and begin - previous < _PIECE:
                self._marks.pop()
            self._marks.append((stamp, self._written))
            if line.strip():
                self._last.append(line)

    def last_lines(self, count: int) -> list[str]:
        """The last lines that are not empty."""
        with self._wake:
            return list(self._last)[-count:]

    def flush(self, patience: float = 5.0) -> None:
        """Have everything sent that was written so far, for at most ``patience`` seconds."""
        with self._wake:
            wanted = self._written
            self._wake.notify_all()
            self._wake.wait_for(lambda: self._sent >= wanted, patience)

    def close(self, patience: float = 0.0) -> None:
        """No more lines. Waits at most ``patience`` seconds for the rest to be sent; it goes on by itself."""
        with self._wake:
            if not self._closed:
                self._closed = time.monotonic()
                self._file.close()
            self._wake.notify_all()
        if patience:
            self._thread.join(patience)

    def give_up(self) -> None:
        """Send nothing any more (the process ends)."""
        with self._wake:
            self._closed = self._closed or time.monotonic()
            self._closed -= _PERSISTENCE
            self._wake.notify_all()

    def _ship(self) -> None:
        try:
            while True:
                with self._wake:
                    if not self._closed and self._written - self._sent < _ENOUGH:
                        self._wake.wait(_INTERVAL)
                    done = self._closed and self._sent >= self._written
                    marks, end = self._next_marks()
                if done:
                    return
                if marks and not self._deliver(self._events(marks), end):
                    return
        except Exception:  # noqa: BLE001 (a thread has nobody to tell)
            _LOG.exception("log stream %s", self.stream)
        finally:
            _OPEN.discard(self)

    def _next_marks(self) -> tuple[list[tuple[int, int]], int]:
        chosen: list[tuple[int, int]] = []
        end = self._sent
        while self._marks and (not chosen or self._marks[0][1] - self._sent < _BATCH_BYTES // 2):
            chosen.append(self._marks.popleft())
            end = chosen[-1][1]
        return chosen, end

    def _events(self, marks: list[tuple[int, int]]) -> list[dict[str, Any]]:
        events = []
        with self._path.open("rb") as file:
            begin = file.seek(self._sent)
            for stamp, end in marks:
                for raw in file.read(end - begin).splitlines():
                    if raw.strip():
                        events.append({"timestamp": stamp, "message": raw.decode(errors="replace")[:_LINE]})
                begin = end
        return events

    def _deliver(self, events: list[dict[str, Any]], end: int) -> bool:
        """Send the lines up to ``end`` in the file; False when that is given up."""
        batch: list[dict[str, Any]] = []
        size = 0
        for event in events:
            length = len(event["message"].encode()) + _EVENT_BYTES
            if batch and (len(batch) == _BATCH or size + length > _BATCH_BYTES):
                if not self._send(batch):
                    return False
                batch, size = [], 0
            batch.append(event)
            size += length
        if batch and not self._send(batch):
            return False
        with self._wake:
            self._sent = end
            self._wake.notify_all()
        return True

    def _send(self, batch: list[dict[str, Any]]) -> bool:
        client = self._context.client("logs")
        pause = 0.2
        while True:
            try:
                if not self._made:
                    self._make(client)
                client.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=batch)
            except (BotoCoreError, ClientError) as error:
                code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
                hopeless = code in _HOPELESS
                self._made = self._made and code != "ResourceNotFoundException"
                late = self._closed and time.monotonic() - self._closed > _PERSISTENCE
                if hopeless or late:
                    what = "%d lines of %s %s were not sent to CloudWatch Logs: %s"
                    _LOG.warning(what, len(batch), self.group, self.stream, error)
                    return not late
                with self._wake:
                    self._wake.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                return True

    def _make(self, client: Any) -> None:
        names = {"logGroupName": self.group}
        for create, where in (
            (client.create_log_group, names),
            (client.create_log_stream, {**names, "logStreamName": self.stream}),
        ):
            try:
                create(**where)
            except client.exceptions.ResourceAlreadyExistsException:
                continue
        self._made = True


_OPEN: set[LogStream] = set()


@on_stop
def _drain(_factory: ContextFactory) -> None:
    """Give lines that wait a moment to leave."""
    deadline = time.monotonic() + _STOP_SECONDS
    for stream in list(_OPEN):
        stream.close(max(0.1, deadline - time.monotonic()))
        stream.give_up()
