"""Serving processes: instances of a variant, kept running and healthy."""

from __future__ import annotations

import logging
import shutil
import socket
import threading
import time
import uuid
from pathlib import Path

import httpx

from penstock_services.execution import sandbox, transfer
from penstock_services.execution.environment import cloud_variables
from penstock_services.execution.images import Image, UnknownImageError, find
from penstock_services.execution.logs import LogStream
from penstock_services.execution.sandbox import Layout, Sandboxed
from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.plan import Plan, VariantPlan

_LOG = logging.getLogger(__name__)
_STOP_SECONDS = 30.0
_DRAIN_SECONDS = 10.0
_PING_SECONDS = 2.0
_RESTART_LIMIT = 15.0


class DeploymentFailedError(Exception):
    """A variant did not come up; the text is the endpoint's FailureReason."""


class Instance:
    """One server process of a variant. Restarted when it dies, until ``stop``."""

    def __init__(
        self, context: Context, endpoint: str, plan: VariantPlan, image: Image, layout: Layout, folder: Path
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
        stream = f"{plan.name}/i-{uuid.uuid4().hex[:17]}"
        folder.mkdir(parents=True, exist_ok=True)
        self.log = LogStream(context, f"/aws/sagemaker/Endpoints/{endpoint}", stream, folder / "log.txt")

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

    def suspect(self) -> None:
        """A request could not reach the server: no more of them until it answers /ping, or is started again."""
        self.healthy.clear()

    def _pings(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ping", timeout=_PING_SECONDS, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _spawn(self) -> None:
        self.port = _free_port()
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
            self._layout.mode, self._layout.host, self._folder, command, environment, self._layout.inside
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
        self.log.close(3)


class Variant:
    """The instances of one variant."""

    def __init__(self, context: Context, endpoint: str, plan: VariantPlan, folder: Path) -> None:
        self.plan = plan
        self.weight = plan.weight
        self.instances: list[Instance] = []
        self._context = context
        self._endpoint = endpoint
        self._folder = folder
        self._layout = Layout(sandbox.mode(), folder / "ml")
        self._turn = 0
        self._image: Image | None = None

    def start(self, count: int) -> None:
        """Have ``count`` instances running; returns when all are healthy. Raises DeploymentFailedError."""
        try:
            self._image = find(self._context.settings.state_dir, self.plan.image)
            self._fetch()
        except (UnknownImageError, transfer.TransferError) as error:
            message = f"Variant {self.plan.name}: {error}"
            raise DeploymentFailedError(message) from None
        fresh = []
        for _ in range(count - len(self.instances)):
            folder = self._folder / f"instance-{uuid.uuid4().hex[:8]}"
            instance = Instance(self._context, self._endpoint, self.plan, self._image, self._layout, folder)
            fresh.append(instance)
            instance.start()
        for instance in fresh:
            while not instance.healthy.wait(0.05):
                if instance.failed is not None:
                    raise self._failure(instance, fresh)
        self.instances = [*self.instances, *fresh]

    def _failure(self, instance: Instance, fresh: list[Instance]) -> DeploymentFailedError:
        said = "\n".join(instance.log.last_lines(5))
        reason = instance.failed
        for each in fresh:
            each.stop()
        return DeploymentFailedError(
            f"The primary container for production variant {self.plan.name} did not pass the ping health check: "
            f"{reason}. Please check CloudWatch logs for this endpoint. Last lines:\n{said}"
        )

    def _fetch(self) -> None:
        """The model below /opt/ml/model, once."""
        model = self._layout.path("/opt/ml/model")
        done = self._folder / "model-complete"
        if done.exists():
            return
        shutil.rmtree(model, ignore_errors=True)
        model.mkdir(parents=True)
        if self.plan.model_data:
            client = self._context.client("s3")
            if self.plan.archive:
                archive = self._folder / "archive"
                transfer.download(client, self.plan.model_data, archive)
                for path in archive.iterdir():
                    transfer.unpack(path, model)
                shutil.rmtree(archive)
            else:
                transfer.download(client, self.plan.model_data, model)
        done.touch()

    def shrink(self, count: int) -> None:
        """Stop instances beyond ``count``."""
        kept, surplus = self.instances[:count], self.instances[count:]
        self.instances = kept
        for instance in surplus:
            instance.stop()

    def choose(self) -> Instance | None:
        """A healthy instance, in turn."""
        healthy = [instance for instance in self.instances if instance.healthy.is_set()]
        if not healthy:
            return None
        self._turn = (self._turn + 1) % len(healthy)
        return healthy[self._turn]


class Fleet:
    """Everything that runs for one configuration of an endpoint."""

    def __init__(self, context: Context, endpoint: str, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.variants = {each.name: Variant(context, endpoint, each, folder / each.name) for each in plan.variants}

    def start(self) -> None:
        """Start all variants; all or nothing. Raises DeploymentFailedError."""
        problems: list[DeploymentFailedError] = []

        def bring_up(variant: Variant) -> None:
            try:
                variant.start(variant.plan.instances)
            except DeploymentFailedError as error:
                problems.append(error)
            except Exception as error:  # noqa: BLE001 (becomes the FailureReason)
                _LOG.exception("variant %s", variant.plan.name)
                problems.append(DeploymentFailedError(f"Variant {variant.plan.name}: {error}"))

        threads = [threading.Thread(target=bring_up, args=(each,), daemon=True) for each in self.variants.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            self.stop()
            raise problems[0]

    def stop(self, *, forget: bool = True) -> None:
        """Stop all instances; ``forget``: and remove the model's files."""
        instances = [instance for variant in self.variants.values() for instance in variant.instances]
        threads = [threading.Thread(target=instance.stop, daemon=True) for instance in instances]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if forget:
            for variant in self.variants.values():
                shutil.rmtree(self.folder / variant.plan.name / "ml", ignore_errors=True)
                (self.folder / variant.plan.name / "model-complete").unlink(missing_ok=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
