"""How often the steps of one execution have been tried again, and when the next try is."""

from __future__ import annotations

import time

from penstock_services.sagemaker.pipelines import retry_policies
from penstock_services.sagemaker.pipelines.step import Step


class Retries:
    """Counts retries by step and exception type."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], tuple[int, float]] = {}

    def delay(self, step: Step, exception_type: str) -> float | None:
        """Seconds until the step is tried again after a failure of that type, or None where it is final."""
        policy = retry_policies.choose(step.type, step.retries, exception_type)
        if policy is None:
            return None
        key = (step.name, exception_type)
        retries, first = self._made.get(key, (0, time.monotonic()))
        delay = policy.delay(retries, time.monotonic() - first)
        if delay is not None:
            self._made[key] = (retries + 1, first)
        return delay
