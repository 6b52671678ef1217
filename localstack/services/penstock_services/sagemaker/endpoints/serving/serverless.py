"""Serverless variants: processes come with requests and go when there are none for a while.

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html: "during times when there are no requests,
Serverless Inference scales your endpoint down to 0". AWS does not say after how long; here
``PENSTOCK_SERVERLESS_IDLE_SECONDS`` does. One process takes one request at a time while there may be more processes.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.metrics import METRICS, Source
from penstock_services.sagemaker.endpoints.plan import VariantPlan
from penstock_services.sagemaker.endpoints.serving.server import Instance
from penstock_services.sagemaker.endpoints.serving.variant import DeploymentFailedError, Variant

_LOG = logging.getLogger(__name__)
_PROCESSES = 4
_PAUSE = 0.25


class ServerlessVariant(Variant):
    """A variant that is there on demand. ``concurrency`` is the most requests at a time; more are throttled."""

    def __init__(self, context: Context, endpoint: str, plan: VariantPlan, folder: Path) -> None:
        super().__init__(context, endpoint, plan, folder)
        capacity = plan.serverless or {}
        self.memory = int(capacity["MemorySizeInMB"])
        self.concurrency = int(capacity["MaxConcurrency"])
        self.provisioned = int(capacity.get("ProvisionedConcurrency", 0))
        self.failure: str | None = None
        self._used = time.monotonic()
        self._growing = threading.Lock()
        self._over = threading.Event()

    def bring_up(self) -> None:
        """Prove that the container starts; it stays for a while, and what is provisioned stays for ever."""
        self.start(max(1, self.provisioned))
        self._used = time.monotonic()
        threading.Thread(target=self._rest, name=f"serverless-{self.endpoint}", daemon=True).start()

    def resize(self, concurrency: int, provisioned: int) -> None:
        """Other limits, from now on. Raises DeploymentFailedError."""
        self.concurrency = concurrency
        with self._growing:
            self.start(max(len(self.instances), provisioned))
            self.provisioned = provisioned
            self._used = time.monotonic()

    def choose(self) -> Instance | None:
        """The healthy instance with the fewest requests; one more is started where all are busy."""
        self._used = time.monotonic()
        healthy = [instance for instance in self.instances if instance.healthy.is_set()]
        if not healthy:
            return None
        chosen = min(healthy, key=lambda instance: instance.in_flight)
        if chosen.in_flight and len(self.instances) < min(self.concurrency, _PROCESSES):
            self.wake()
        return chosen

    def wake(self) -> None:
        """Start one more process, unless that is under way."""
        if self._growing.acquire(blocking=False):
            threading.Thread(target=self._grow, name=f"cold-start-{self.endpoint}", daemon=True).start()

    def _grow(self) -> None:
        began = time.perf_counter()
        try:
            self.start(len(self.instances) + 1)
        except DeploymentFailedError as error:
            self.failure = str(error)
        except Exception:  # noqa: BLE001 (told to the request that waits)
            self.failure = "the container could not be started"
            _LOG.exception("variant %s of %s", self.plan.name, self.endpoint)
        else:
            self.failure = None
            source = Source(self.endpoint, self.plan.name)
            METRICS.add(self.context, source, "ModelSetupTime", (time.perf_counter() - began) * 1e6, "Microseconds")
        finally:
            self._used = time.monotonic()
            self._growing.release()
        if self._over.is_set():
            for instance in super().stop():
                instance.stop()

    def _rest(self) -> None:
        """Scale in when nobody has asked for a while."""
        idle = self.context.settings.serverless_idle_seconds
        while not self._over.wait(min(_PAUSE, idle)):
            busy = any(instance.in_flight for instance in self.instances)
            if busy or time.monotonic() - self._used < idle or len(self.instances) <= self.provisioned:
                continue
            if self._growing.acquire(blocking=False):
                try:
                    self.shrink(self.provisioned)
                finally:
                    self._growing.release()

    def stop(self) -> list[Instance]:
        """No more processes; those that are to be stopped."""
        self._over.set()
        return super().stop()
