"""The time of a deployment: how long its steps are watched, and when it must not go on.

All times are AWS's seconds, which pass ``Settings.deployment_speed`` times as fast.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.live import STOPPED
from penstock_services.sagemaker.endpoints.updating.alarms import Watch

_POLL = 0.5


class RollBackError(Exception):
    """The deployment must be undone; the text is the FailureReason."""


class InterruptedDeploymentError(Exception):
    """What is deployed is being deleted, or the process ends."""


class Baking:
    """The clock of one deployment: ``watch`` has its alarms, ``limit`` is its longest duration in seconds (None: no
    limit), and ``over`` says that it must stop where it is."""

    def __init__(self, context: Context, watch: Watch, limit: int | None, over: Callable[[], bool]) -> None:
        self._context = context
        self._watch = watch
        self._limit = limit
        self._over = over
        self._began = time.monotonic()
        self._saved = 0.0

    def bake(self, seconds: int) -> None:
        """Watch the alarms for that many seconds, and at least once.

        Raises RollBackError and InterruptedDeploymentError.
        """
        wait = seconds / self._context.settings.deployment_speed
        deadline = time.monotonic() + wait
        self._saved += seconds - wait
        while True:
            alarm = self._watch.tripped()
            if alarm is not None:
                message = f"The deployment was rolled back: alarm {alarm} is in state ALARM."
                raise RollBackError(message)
            self.go_on()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            STOPPED.wait(min(_POLL, left))

    def go_on(self) -> None:
        """Raises InterruptedDeploymentError, or RollBackError when the deployment has taken too long."""
        if self._over():
            raise InterruptedDeploymentError
        if self._limit is not None and time.monotonic() - self._began + self._saved > self._limit:
            limit = self._limit
            message = f"The deployment was rolled back: it took more than MaximumExecutionTimeoutInSeconds, {limit}."
            raise RollBackError(message)
