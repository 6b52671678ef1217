"""Whether a deployment is to stop, and the places among the steps that run at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from penstock_deploy.errors import CancelledError

POLL_SECONDS = 0.2
"""How soon a wait notices that it has been given up."""


class Stopping:
    """After a failure or a cancellation no further step begins; after `abandon`, nobody waits for those under way."""

    def __init__(self, parallel: int) -> None:
        self._slots = threading.Semaphore(parallel)
        self._under_way = 0
        self._idle = threading.Condition()
        self.cancelled = threading.Event()
        self.failed = threading.Event()
        self.abandoned = threading.Event()

    @property
    def stopped(self) -> bool:
        return self.cancelled.is_set() or self.failed.is_set()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """A place among the steps that run at once; refused when the deployment is to stop."""
        with self._idle:
            self._under_way += 1
        try:
            with self._slots:
                if self.stopped:
                    raise CancelledError
                yield
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Wait until no step is under way, or the deployment is abandoned; whether none is."""
        limit = None if timeout is None else time.monotonic() + timeout
        with self._idle:
            while self._under_way and not self.abandoned.is_set():
                if limit is not None and time.monotonic() >= limit:
                    break
                self._idle.wait(POLL_SECONDS)
            return self._under_way == 0
