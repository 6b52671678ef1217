"""Keeps MLflow servers up: one thread for each, which makes the environment, starts the process and starts it again."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from penstock_services.ports import free_port
from penstock_services.sagemaker.mlflow import environment, serving

_LOG = logging.getLogger(__name__)
START_SECONDS = 240.0
"""How long the first start may take: MLflow takes 5 to 15 s to import, and as long to make its tables."""

STOP_SECONDS = 5.0
_POLL_SECONDS = 0.2
_PAUSES = (0.5, 2.0, 10.0, 30.0)
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Plan:
    """What a server needs: folder of its database, S3 URI of its artifacts, port (0: any), variables of the cloud."""

    folder: Path
    artifacts: str
    port: int
    variables: dict[str, str]


@dataclass
class Server:
    """One MLflow server. ``up(port, version)`` is called when it answers, ``failed(reason)`` when it never does."""

    plan: Plan
    up: Callable[[int, str], None]
    failed: Callable[[str], None]
    port: int = 0
    ready: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _process: subprocess.Popen[bytes] | None = None
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it in the background."""
        self._thread = threading.Thread(target=self._run, name="mlflow", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it, and wait until it is gone."""
        self._stopping.set()
        self.ready.clear()
        self._end()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(STOP_SECONDS + 1)

    def _run(self) -> None:
        try:
            python = environment.interpreter()
        except environment.EnvironmentFailedError as error:
            _LOG.error("MLflow's environment was not made: %s", error)
            self.failed(str(error))
            return
        turn = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            version = self._serve(python)
            if version is not None:
                self.ready.set()
                self.up(self.port, version)
                assert self._process
                code = self._process.wait()
                self.ready.clear()
                _LOG.log(logging.INFO if self._stopping.is_set() else logging.WARNING, "MLflow ended (%s)", code)
            elif not self._stopping.is_set():
                self._end()
                reason = f"MLflow did not answer; {self.plan.folder / 'mlflow.log'} says why"
                _LOG.error("%s", reason)
                if turn == 0:
                    self.failed(reason)
                    return
            self._end()
            turn = 1 if time.monotonic() - began > 60 else turn + 1
            self._stopping.wait(_PAUSES[min(turn, len(_PAUSES)) - 1])

    def _serve(self, python: Path) -> str | None:
        """Start the process and wait until it answers: MLflow's version, or None where it does not."""
        folder = self.plan.folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = self.plan.port if _is_free(self.plan.port) else free_port()
        command = [
            str(python), "-P", str(Path(serving.__file__).resolve()), "--backend", f"sqlite:///{folder / 'mlflow.sqlite'}",
            "--artifacts", self.plan.artifacts, "--port", str(self.port),
        ]  # fmt: skip
        kept = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")
        variables = {name: os.environ[name] for name in kept if name in os.environ}
        with (folder / "mlflow.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**variables, **self.plan.variables},
                cwd=folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None and not self._stopping.is_set():
            with (
                contextlib.suppress(OSError, urllib.error.URLError),
                _DIRECT.open(f"{self.url}/version", timeout=5) as it,
            ):
                return str(it.read().decode())
            self._stopping.wait(_POLL_SECONDS)
        return None

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        if process.stdin is not None:
            process.stdin.close()


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


def stop_all() -> None:
    """End all servers."""
    for arn in list(_servers):
        stop(arn)


def of(arn: str) -> Server | None:
    """The server of a resource; None where it has none."""
    with _lock:
        return _servers.get(arn)


def _is_free(port: int) -> bool:
    if not port:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
