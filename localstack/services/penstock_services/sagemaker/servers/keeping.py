"""Keeps servers up: one thread for each, which prepares it, starts its process and starts it again when it ends."""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from penstock_services.operations import ContextFactory, on_stop
from penstock_services.ports import free_port, is_free

_LOG = logging.getLogger(__name__)
START_SECONDS = 240.0
"""How long the first start may take: MLflow takes 5 to 15 s to import, and as long to make its tables."""

STOP_SECONDS = 5.0
_POLL_SECONDS = 0.2
_PAUSES = (0.5, 2.0, 10.0, 30.0)
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StartFailedError(Exception):
    """A server cannot be started here; the text says why."""


class Process(Protocol):
    """A running process of a server."""

    def running(self) -> bool:
        """Whether it still runs."""

    def wait(self) -> str:
        """Wait for its end; how it ended, in words."""

    def end(self) -> None:
        """End it with all that it started, and wait until it is gone."""


class Program(Protocol):
    """What a server runs: ``name`` is for the log, ``log`` where it writes."""

    @property
    def name(self) -> str: ...

    @property
    def log(self) -> str: ...

    def prepare(self, stopping: threading.Event) -> None:
        """What comes once before the first start; cut short when ``stopping`` is set. Raises StartFailedError."""

    def launch(self, port: int) -> Process:
        """Start the process that is to listen on a port of the loopback interface."""

    def probe(self) -> str:
        """The path that answers 200 as soon as the server is up."""


@dataclass
class Server:
    """One server. ``wanted`` is the port it would like to have (0: any). ``up(port, answer)`` is called whenever it
    begins to answer, with what it answered to the probe, ``failed(reason)`` when it never does."""

    program: Program
    wanted: int
    up: Callable[[int, str], None]
    failed: Callable[[str], None]
    port: int = 0
    ready: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _process: Process | None = None
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it in the background."""
        self._thread = threading.Thread(target=self._run, name=self.program.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it, and wait until it is gone."""
        self._stopping.set()
        self.ready.clear()
        if self._process is not None:
            self._process.end()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(STOP_SECONDS + 1)

    def _run(self) -> None:
        name = self.program.name
        try:
            self.program.prepare(self._stopping)
            self._keep()
        except StartFailedError as error:
            _LOG.error("%s was not started: %s", name, error)
            if not self._stopping.is_set():
                self.failed(str(error))
        except Exception as error:  # noqa: BLE001 (a thread has nobody else to tell)
            _LOG.exception("%s was given up", name)
            self.failed(f"{name} was given up: {error!r}")

    def _keep(self) -> None:
        name = self.program.name
        turn = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            self.port = self.wanted if self.wanted and is_free(self.wanted) else free_port()
            self._process = self.program.launch(self.port)
            answer = self._until_up(self._process)
            if answer is not None:
                self.ready.set()
                self.up(self.port, answer)
                ending = self._process.wait()
                self.ready.clear()
                _LOG.log(logging.INFO if self._stopping.is_set() else logging.WARNING, "%s ended: %s", name, ending)
            elif not self._stopping.is_set():
                self._process.end()
                reason = f"{name} did not answer; {self.program.log} says why"
                _LOG.error("%s", reason)
                if turn == 0:
                    self.failed(reason)
                    return
            self._process.end()
            turn = 1 if time.monotonic() - began > 60 else turn + 1
            self._stopping.wait(_PAUSES[min(turn, len(_PAUSES)) - 1])

    def _until_up(self, process: Process) -> str | None:
        """Wait until the process answers; what it says, or None where it does not."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.running() and not self._stopping.is_set():
            with (
                contextlib.suppress(OSError, urllib.error.URLError),
                _DIRECT.open(self.url + self.program.probe(), timeout=5) as it,
            ):
                return str(it.read().decode())
            self._stopping.wait(_POLL_SECONDS)
        return None


_servers: dict[str, Server] = {}
_lock = threading.Lock()


def start(arn: str, server: Server) -> None:
    """Start the server of a resource; one that it had before ends first."""
    stop(arn)
    with _lock:
        _servers[arn] = server
    server.start()


def stop(arn: str, *, remove: Path | None = None) -> None:
    """End the server of a resource if it has one, and with ``remove`` delete the folder of its data."""
    with _lock:
        server = _servers.pop(arn, None)
    if server is not None:
        server.stop()
    if remove is not None:
        shutil.rmtree(remove, ignore_errors=True)


def of(arn: str) -> Server | None:
    """The server of a resource; None where it has none."""
    with _lock:
        return _servers.get(arn)


@on_stop
def _stop_all(_factory: ContextFactory) -> None:
    """All at once: each may take seconds."""
    threads = [threading.Thread(target=stop, args=[arn]) for arn in list(_servers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
