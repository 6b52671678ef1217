"""A model's containers as servers in batch mode, on one instance.

Developer guide, "Use Your Own Inference Code with Batch Transform": the container is started with ``serve``, must answer
``GET /ping`` with 200, may tell its best settings by ``GET /execution-parameters``, and gets payloads at
``POST /invocations``.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx

from penstock_services.execution import transfer
from penstock_services.execution.environment import cloud_variables
from penstock_services.execution.images import find
from penstock_services.execution.logs import LogStream
from penstock_services.execution.sandbox import Layout, Limits, Sandboxed
from penstock_services.operations import Context
from penstock_services.ports import free_port
from penstock_services.sagemaker.jobs.runner import JobFailedError, JobStoppedError
from penstock_services.sagemaker.jobs.transform.containers import Container

_STARTUP_SECONDS = 240.0
_PING_SECONDS = 2.0
_STOP_SECONDS = 30.0


class InvocationError(Exception):
    """A payload that the model did not answer; ``client``: the fault is the data's (status 4xx)."""

    def __init__(self, text: str, *, client: bool = False) -> None:
        super().__init__(text)
        self.client = client


class Server:
    """One container's server process."""

    def __init__(
        self,
        context: Context,
        container: Container,
        layout: Layout,
        folder: Path,
        log: LogStream,
        variables: dict[str, str],
        memory: int | None,
    ) -> None:
        self._context = context
        self._container = container
        self._layout = layout
        self._folder = folder
        self._log = log
        self._variables = variables
        self._memory = memory
        self._process: Sandboxed | None = None
        self._client: httpx.Client | None = None

    def start(self) -> None:
        """Start the process. Raises UnknownImageError."""
        image = find(self._context.settings.state_dir, self._container.image, self._log.write)
        home = self._folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        port = free_port()
        environment = {
            **image.variables(home),
            "HOME": str(home),
            **cloud_variables(self._context),
            **self._layout.environment(),
            **{
                name: self._layout.text(value)
                for name, value in {**self._container.environment, **self._variables}.items()
            },
            "SAGEMAKER_BIND_TO_PORT": str(port),
            # Containers listen on all interfaces, as AWS wants; ours, which know this variable, on loopback only.
            "PENSTOCK_BIND_TO_HOST": "127.0.0.1",
        }
        command = [*image.entrypoint, "serve"]
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        self._process = Sandboxed(
            self._layout.mode,
            self._layout.host,
            self._folder,
            command,
            environment,
            self._layout.inside,
            limits=Limits(memory=self._memory),
        )
        self._process.start(self._log.write)

    def until_healthy(self, stop: threading.Event) -> None:
        """Wait for ``/ping``. Raises JobFailedError, or JobStoppedError when ``stop`` is set."""
        deadline = time.monotonic() + _STARTUP_SECONDS
        problem = f"no answer of status 200 within {_STARTUP_SECONDS:.0f} seconds"
        while time.monotonic() < deadline:
            if stop.is_set():
                raise JobStoppedError
            if self._pings():
                return
            outcome = self._process.wait(0.05) if self._process else None
            if outcome is not None:
                problem = f"the server ended, {outcome.reason()}"
                break
        said = "\n".join(self._log.last_lines(5))
        message = (
            "AlgorithmError: Model container failed to respond to ping; Ensure /ping endpoint is implemented and responds "
            f"with an HTTP 200 status code ({problem}). Last lines:\n{said}"
        )
        raise JobFailedError(message)

    def _pings(self) -> bool:
        try:
            return self._get("/ping").status_code == 200
        except httpx.HTTPError:
            return False

    def _get(self, path: str) -> httpx.Response:
        if self._client is None:
            message = "the server was not started"
            raise httpx.TransportError(message)
        return self._client.get(path, timeout=_PING_SECONDS)

    def execution_parameters(self) -> dict[str, Any]:
        """What the container wants; empty where it does not say."""
        try:
            answer = self._get("/execution-parameters")
            found = answer.json() if answer.status_code == 200 else {}
        except (httpx.HTTPError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def invoke(self, body: bytes, headers: dict[str, str], seconds: float) -> httpx.Response:
        """One ``POST /invocations``. Raises InvocationError."""
        if self._client is None:
            message = "the server was not started"
            raise InvocationError(message)
        try:
            answer = self._client.post("/invocations", content=body, headers=headers, timeout=seconds)
        except httpx.TimeoutException:
            message = f"Model server did not respond to /invocations request within {seconds:.0f} seconds"
            raise InvocationError(message) from None
        except httpx.HTTPError as error:
            message = f"Unable to get response from algorithm: {error}"
            raise InvocationError(message) from None
        status = answer.status_code
        if 400 <= status < 500:
            message = f"ClientError: {status}: {answer.text[:400]}"
            raise InvocationError(message, client=True)
        if not 200 <= status < 300:
            message = f"Bad HTTP status received from algorithm: {status}: {answer.text[:400]}"
            raise InvocationError(message)
        return answer

    def stop(self, *, at_once: bool) -> None:
        """End the process: SIGTERM and, after 30 seconds, SIGKILL; ``at_once``: kill."""
        if self._process is not None:
            self._process.stop(0 if at_once else _STOP_SECONDS)
        if self._client is not None:
            self._client.close()


def fetch(context: Context, container: Container, folder: Path, layout: Layout) -> None:
    """The container's model below its /opt/ml/model. Raises TransferError."""
    model = layout.path("/opt/ml/model")
    model.mkdir(parents=True, exist_ok=True)
    if not container.model_data:
        return
    client = context.client("s3")
    if not container.archive:
        transfer.download(client, container.model_data, model)
        return
    archives = folder / "archive"
    transfer.download(client, container.model_data, archives)
    for path in sorted(archives.iterdir()):
        transfer.unpack(path, model)
        path.unlink()
