"""Puts the parts together: loads the state at the start, and keeps it from then on.

What belongs to a service is imported when the service is used: imports are most of what a start takes.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock_gateway.objects import deferring
from penstock_gateway.state import operations
from penstock_gateway.state.commit import Committer
from penstock_gateway.state.database import Database

if TYPE_CHECKING:
    from penstock_gateway.state.log_events import LogEvents
    from penstock_gateway.state.messages import Messages
    from penstock_gateway.state.s3_journal import S3Journal

LOG = logging.getLogger(__name__)
HEALTH = "/_localstack/health"
LONGEST_WAKING_SECONDS = 60.0


class Keeper:
    """Keeps everything below one folder. `begin` and `end` stand at both ends of LocalStack's chain of requests."""

    def __init__(self, folder: Path, bodies: Path) -> None:
        self._folder = folder
        self._bodies = bodies
        self._database = Database(folder / "services.sqlite")
        self._committer = Committer(self._database, self._prepare)
        self._lock = threading.Lock()
        self._s3: S3Journal | None = None
        self._messages: Messages | None = None
        self._log_events: LogEvents | None = None
        self._loaded: list[str] = []
        self._ready = threading.Event()

    # Start and stop

    def load(self) -> None:
        """Fill the stores of everything that was used. Raises SystemExit for what cannot be read."""
        began = time.monotonic()
        if self._s3_file.exists():
            self._journal().load()
            self._journal().sweep_later()
        for name, data in self._committer.saved():
            kept = self._committer.service(name)
            if kept is None:
                continue
            try:
                kept.state.loads(data)
            except Exception as error:
                LOG.exception("the state of %s", name)
                raise SystemExit(
                    f"the state of {name} cannot be read ({type(error).__name__}: {error}). It is from another version of"
                    " Penstock: use that one, or start afresh: penstock cloud reset --yes"
                ) from error
            self._loaded.append(name)
        if self._messages:
            self._messages.fill()
        if self._log_events:
            self._log_events.fill()
        if self._loaded:
            LOG.info("state of %s loaded in %.2f s", ", ".join(self._loaded), time.monotonic() - began)

    def wake(self) -> None:
        """Start what acts by itself among what was loaded; called when the gateway answers. It is ready afterwards."""
        if self._loaded:
            from penstock_gateway.state import waking

            waking.wake(self._loaded)
        self._committer.start()
        self._ready.set()

    def stop(self) -> None:
        """Write everything once more, at an orderly stop."""
        self._committer.stop()

    @property
    def _s3_file(self) -> Path:
        return self._folder / "s3.sqlite"

    def _journal(self) -> S3Journal:
        with self._lock:
            if self._s3 is None:
                from penstock_gateway.state.s3_journal import S3Journal

                self._s3 = S3Journal(self._s3_file, self._bodies)
            return self._s3

    def _prepare(self, service: str) -> None:
        """The service is used for the first time."""
        from penstock_gateway.state import reducers

        reducers.install(service)
        if service in ("sqs", "lambda") and self._messages is None:  # Lambda has queues of its own
            from penstock_gateway.state import messages

            self._messages = messages.Messages(self._database)
            messages.install(self._messages)
        elif service == "logs":
            from penstock_gateway.state import log_events

            self._log_events = log_events.LogEvents(self._database)
            log_events.install(self._log_events)

    # Requests

    def begin(self, chain: Any, context: Any, response: Any) -> None:
        """A request begins; clients' requests wait until what acts by itself acts again."""
        if not self._ready.is_set():
            if context.request.path == HEALTH:
                response.status_code = 503
                response.data = b"{}"
                chain.terminate()
                return
            if "Authorization" in context.request.headers and not context.is_internal_call:
                self._ready.wait(LONGEST_WAKING_SECONDS)
        deferring.begin()

    def end(self, chain: Any, context: Any, response: Any) -> None:  # noqa: ARG002 - LocalStack's interface
        """A request was served: what it changed is written before the answer goes out."""
        if context.service is None or context.operation is None:
            return
        service, operation = context.service.service_name, context.operation.name
        try:
            self._keep(service, operation, context.service_request or {})
        except Exception as error:
            LOG.exception("%s of %s was served, but not kept", operation, service)
            response.status_code = 500
            response.data = f"Penstock's local cloud cannot write its state: {type(error).__name__}: {error}".encode()

    def _keep(self, service: str, operation: str, request: Any) -> None:
        if service == "s3":
            self._journal().after(operation, request)
            return
        if service == "sqs" and self._messages:
            self._messages.settle()
            if operation == "DeleteQueue":
                self._messages.forget_gone()
        if operations.changes(service, operation):
            self._committer.commit(service)
            if service in operations.REACHES_OTHERS:
                self._committer.commit_all()
