"""One serving process: an instance of a variant, kept running and healthy."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from penstock_services.execution.environment import cloud_variables
from penstock_services.execution.images import Image
from penstock_services.execution.logs import LogStream
from penstock_services.execution.sandbox import Layout, Limits, Sandboxed
from penstock_services.operations import Context
from penstock_services.ports import free_port
from penstock_services.sagemaker.endpoints.plan import VariantPlan

_STOP_SECONDS = 30.0
_DRAIN_SECONDS = 10.0
_PING_SECONDS = 2.0
_RESTART_LIMIT = 15.0


class Instance:
    """One server process of a variant. Restarted when it dies, until ``stop``."""

    def __init__(
        self, context: Context, log: LogStream, plan: VariantPlan, image: Image, layout: Layout, folder: Path
    ) -> None:
        self._plan = plan
        self._layout = layout
        self._image = image
        self._context = context
        self._folder = folder
        self._process: Sandboxed | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.port = 0
        self.healthy = threading.Event()
        self.failed: str | None = None
        self.in_flight = 0
        self._counting = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self.log = log

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process and the thread that keeps it running."""
        self._thread = threading.Thread(target=self._keep, name=f"serve-{self._plan.name}", daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        pause = 0.5
        first = True
        while not self._stopping.is_set():
            self._spawn()
            began = time.monotonic()
            problem = self._until_healthy()
            if problem is None:
                self.failed = None
                self.healthy.set()
                while not self._stopping.is_set() and self.alive(0.2):
                    if not self.healthy.is_set() and self._pings():
                        self.healthy.set()
                self.healthy.clear()
                if self._stopping.is_set():
                    return
                self.log.write("the server process has ended and is started again")
            else:
                self.failed = problem
                if self._process is not None:
                    self._process.kill()
                if first:
                    return
            first = False
            if time.monotonic() - began > 30:
                pause = 0.5
            self._stopping.wait(pause)
            pause = min(pause * 2, _RESTART_LIMIT)

    def alive(self, patience: float = 0.0) -> bool:
        """Whether the process still runs, after waiting ``patience`` seconds for its end."""
        return self._process is not None and self._process.wait(patience) is None

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """While a request is with the server: it is not stopped over it, and others may go elsewhere."""
        with self._counting:
            self.in_flight += 1
        try:
            yield
        finally:
            with self._counting:
                self.in_flight -= 1

    def suspect(self) -> None:
        """A request could not reach the server: no more of them until it answers /ping, or is started again."""
        self.healthy.clear()

    def _pings(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ping", timeout=_PING_SECONDS, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _spawn(self) -> None:
        self._clear()
        self.port = free_port()
        home = self._folder / "home"
        home.mkdir(exist_ok=True)
        environment = {
            **self._image.variables(home),
            "HOME": str(home),
            **cloud_variables(self._context),
            **self._layout.environment(),
            **{name: self._layout.text(value) for name, value in self._plan.environment.items()},
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            # Containers listen on all interfaces, as AWS wants; ours, which know this variable, on loopback only.
            "PENSTOCK_BIND_TO_HOST": "127.0.0.1",
        }
        command = [*self._image.entrypoint, "serve"]
        self._process = Sandboxed(
            self._layout.mode,
            self._layout.host,
            self._folder,
            command,
            environment,
            self._layout.inside,
            limits=Limits(memory=self._plan.memory),
        )
        self._process.start(self.log.write)

    def _until_healthy(self) -> str | None:
        """Wait for ``/ping`` to answer 200; the reason if it never does."""
        deadline = time.monotonic() + self._plan.startup_seconds
        while time.monotonic() < deadline and not self._stopping.is_set():
            if self._pings():
                return None
            outcome = self._process.wait(0.05) if self._process else None
            if outcome is not None:
                return f"the server ended before it answered /ping ({outcome.reason()})"
        return f"/ping did not answer 200 within {self._plan.startup_seconds} seconds"

    def stop(self) -> None:
        """Let requests in flight end, then SIGTERM, then kill."""
        self._stopping.set()
        self.healthy.clear()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self.in_flight and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._process is not None:
            self._process.stop(_STOP_SECONDS)
        if self._thread is not None:
            self._thread.join(5)
        self._clear()
        self.log.close(3)

    def _clear(self) -> None:
        """Remove what the server has left in /tmp and in the folders that it changed for itself."""
        for name in ("tmp", "overlay"):
            shutil.rmtree(self._folder / name, ignore_errors=True)
