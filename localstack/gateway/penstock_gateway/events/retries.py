"""How often and how long EventBridge tries to deliver. Pure."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
RETRIED_STATUS_CODES = frozenset({401, 407, 409, 429})
"""Besides 5xx (Amazon EventBridge user guide, "API destinations": error codes)."""


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed, and whether another one may succeed."""

    code: str
    message: str
    may_pass: bool


@dataclass(frozen=True)
class RetryPolicy:
    """A target's RetryPolicy; the defaults are EventBridge's: 185 retries within 24 hours."""

    attempts: int = 185
    age_seconds: float = 86400.0

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> RetryPolicy:
        """The policy that a target carries, with EventBridge's defaults for what it leaves out."""
        given = given or {}
        attempts, age = given.get("MaximumRetryAttempts"), given.get("MaximumEventAgeInSeconds")
        return cls(cls.attempts if attempts is None else int(attempts), cls.age_seconds if age is None else float(age))

    def pause(self, retries: int, jitter: float) -> float:
        """Seconds to wait before retry number `retries` (from 0): exponential, between half and all of it by `jitter` (0..1)."""
        whole: float = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(retries, 10))
        return whole * (0.5 + jitter / 2)


def is_worth_retrying(status_code: int) -> bool:
    """Whether EventBridge tries again after this answer."""
    return status_code >= 500 or status_code in RETRIED_STATUS_CODES


def deliver(
    attempt: Callable[[], Failure | None],
    policy: RetryPolicy,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Failure | None, int, str | None]:
    """Attempt until it succeeds or the policy is exhausted.

    Returns the last failure (None: delivered), the number of retries, and which limit of the policy ended them.
    """
    started = clock()
    retries = 0
    while True:
        failure = attempt()
        if failure is None or not failure.may_pass:
            return failure, retries, None
        if retries >= policy.attempts:
            return failure, retries, "MaximumRetryAttempts"
        pause = policy.pause(retries, random.random())  # noqa: S311 - no secret
        if clock() - started + pause > policy.age_seconds:
            return failure, retries, "MaximumEventAgeInSeconds"
        sleep(pause)
        retries += 1
