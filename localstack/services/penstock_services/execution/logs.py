"""Output of jobs and endpoints: a file each, and a CloudWatch Logs stream, sent in batches."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context

_LOG = logging.getLogger(__name__)
_INTERVAL = 0.5
_BATCH = 1000
_BATCH_BYTES = 900_000
_LINE = 200_000
_KEPT = 50


class LogStream:
    """One stream. ``write`` never waits for the gateway; ``close`` sends the rest, for at most ``patience`` seconds."""

    def __init__(self, context: Context, group: str, stream: str, path: Path) -> None:
        self.group = group
        self.stream = stream
        self._context = context
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._waiting: deque[tuple[int, str]] = deque()
        self._last: deque[str] = deque(maxlen=_KEPT)
        self._wake = threading.Condition()
        self._closed = False
        self._made = False
        self._sending = False
        self._thread = threading.Thread(target=self._ship, name="logs", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Add one line."""
        with self._wake:
            if self._closed:
                return
            self._file.write(line + "\n")
            if line.strip():
                self._last.append(line)
                self._waiting.append((int(time.time() * 1000), line[:_LINE]))

    def last_lines(self, count: int) -> list[str]:
        """The last lines that are not empty."""
        with self._wake:
            return list(self._last)[-count:]

    def flush(self, patience: float = 5.0) -> None:
        """Have everything sent that was written so far, for at most ``patience`` seconds."""
        with self._wake:
            self._wake.notify_all()
            self._wake.wait_for(lambda: not self._waiting and not self._sending, patience)

    def close(self, patience: float = 10.0) -> None:
        """No more lines."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        self._thread.join(patience)
        self._file.close()

    def _ship(self) -> None:
        while True:
            with self._wake:
                if not self._closed:
                    self._wake.wait(_INTERVAL)
                closed = self._closed
                batch: list[dict[str, Any]] = []
                size = 0
                while self._waiting and len(batch) < _BATCH and size < _BATCH_BYTES:
                    stamp, line = self._waiting.popleft()
                    batch.append({"timestamp": stamp, "message": line})
                    size += len(line.encode()) + 26
                more = bool(self._waiting)
                self._sending = bool(batch)
            if batch:
                self._send(batch)
                with self._wake:
                    self._sending = False
                    self._wake.notify_all()
            if closed and not more:
                return

    def _send(self, batch: list[dict[str, Any]]) -> None:
        client = self._context.client("logs")
        for attempt in range(3):
            try:
                if not self._made:
                    self._make(client)
                client.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=batch)
            except (BotoCoreError, ClientError) as error:
                self._made = False
                if attempt == 2:
                    _LOG.warning(
                        "%d lines of %s %s were not sent to CloudWatch Logs: %s",
                        len(batch),
                        self.group,
                        self.stream,
                        error,
                    )
                else:
                    time.sleep(0.2)
            else:
                return

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
