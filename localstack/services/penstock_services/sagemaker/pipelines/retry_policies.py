"""Retry policies of steps: which failures are tried again, how often and after what time.

"Retry Policy for Pipeline Steps" (pipelines-retry-policy.html): a policy names exception types; the wait grows by
BackoffRate with every retry; it ends after MaxAttempts retries or ExpireAfterMin minutes. Pipelines retries
Step.SERVICE_FAULT and Step.THROTTLING by itself unless a policy says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

SERVICE_FAULT: Final = "Step.SERVICE_FAULT"
THROTTLING: Final = "Step.THROTTLING"
INTERNAL_ERROR: Final = "SageMaker.JOB_INTERNAL_ERROR"
CAPACITY_ERROR: Final = "SageMaker.CAPACITY_ERROR"
RESOURCE_LIMIT: Final = "SageMaker.RESOURCE_LIMIT"
EXCEPTION_TYPES = (SERVICE_FAULT, THROTTLING, INTERNAL_ERROR, CAPACITY_ERROR, RESOURCE_LIMIT)
STEP_EXCEPTION_TYPES = (SERVICE_FAULT, THROTTLING)
_JOBS_RETRIED_INSIDE = ("Tuning", "AutoML")
_MEMBERS = frozenset({"ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin"})
_MAX_ATTEMPTS, _MAX_MINUTES = 20, 14_400


@dataclass(frozen=True)
class RetryPolicy:
    """``attempts`` retries at most, or for ``expire_seconds``; one of them is None."""

    exception_types: tuple[str, ...]
    interval_seconds: float = 1.0
    backoff_rate: float = 2.0
    attempts: int | None = None
    expire_seconds: float | None = None

    def delay(self, retries: int, elapsed_seconds: float) -> float | None:
        """Seconds until the next try after ``retries`` retries, or None if there is none."""
        if self.attempts is not None and retries >= self.attempts:
            return None
        wait = float(self.interval_seconds * self.backoff_rate**retries)
        if self.expire_seconds is not None and elapsed_seconds + wait > self.expire_seconds:
            return None
        return wait


# What Pipelines does by itself. AWS does not say how often; three times is ours.
_DEFAULT = RetryPolicy(STEP_EXCEPTION_TYPES, attempts=3)


def parse(kind: str, given: Any) -> tuple[RetryPolicy, ...]:
    """The RetryPolicies of a step of type ``kind``; ValueError says what is wrong."""
    if given is None:
        return ()
    if not isinstance(given, list):
        message = "RetryPolicies must be a list"
        raise ValueError(message)
    policies = tuple(_policy(each) for each in given)
    named = [name for policy in policies for name in policy.exception_types]
    for name in named:
        if named.count(name) > 1:
            message = f"RetryPolicies name the exception type {name} more than once"
            raise ValueError(message)
        if kind in ("Model", "RegisterModel", "EndpointConfig") and name not in STEP_EXCEPTION_TYPES:
            message = f"the exception type {name} is for jobs, not for {kind} steps"
            raise ValueError(message)
    return policies


def _policy(given: Any) -> RetryPolicy:
    if not isinstance(given, dict) or set(given) - _MEMBERS:
        message = f"a retry policy holds {', '.join(sorted(_MEMBERS))}, not {given!r}"
        raise ValueError(message)
    types = given.get("ExceptionType")
    if not isinstance(types, list) or not types or not all(each in EXCEPTION_TYPES for each in types):
        message = f"ExceptionType of a retry policy must be a list of {', '.join(EXCEPTION_TYPES)}, not {types!r}"
        raise ValueError(message)
    interval = _number(given, "IntervalSeconds", 1, whole=True)
    rate = _number(given, "BackoffRate", 2.0)
    attempts, minutes = given.get("MaxAttempts"), given.get("ExpireAfterMin")
    if (attempts is None) == (minutes is None):
        message = "a retry policy needs one of MaxAttempts and ExpireAfterMin"
        raise ValueError(message)
    if attempts is not None and not 1 <= _number(given, "MaxAttempts", 0, whole=True) <= _MAX_ATTEMPTS:
        message = f"MaxAttempts must be from 1 to {_MAX_ATTEMPTS}, not {attempts}"
        raise ValueError(message)
    if minutes is not None and not 0 < _number(given, "ExpireAfterMin", 0, whole=True) <= _MAX_MINUTES:
        message = f"ExpireAfterMin must be from 1 to {_MAX_MINUTES}, not {minutes}"
        raise ValueError(message)
    return RetryPolicy(tuple(types), interval, rate, attempts, None if minutes is None else minutes * 60.0)


def _number(given: dict[str, Any], member: str, default: float, *, whole: bool = False) -> float:
    value = given.get(member, default)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or value < 0:
        message = f"{member} must be a {'whole ' if whole else ''}number that is not negative, not {value!r}"
        raise ValueError(message)
    return float(value)


def choose(kind: str, policies: tuple[RetryPolicy, ...], exception_type: str | None) -> RetryPolicy | None:
    """The policy for a failure of that type, or None where it is final."""
    if exception_type is None or (kind in _JOBS_RETRIED_INSIDE and exception_type == INTERNAL_ERROR):
        return None
    for policy in policies:
        if exception_type in policy.exception_types:
            return policy
    return _DEFAULT if exception_type in STEP_EXCEPTION_TYPES else None


def of_refusal(code: str, status: int) -> str | None:
    """The exception type of an operation's error, by its code and HTTP status."""
    if code in ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"):
        return THROTTLING
    if code in ("ResourceLimitExceeded", "ServiceQuotaExceededException"):
        return RESOURCE_LIMIT
    if "InsufficientCapacity" in code:
        return CAPACITY_ERROR
    return SERVICE_FAULT if status >= 500 and status != 501 else None


def of_failure_reason(reason: str) -> str | None:
    """The exception type of a failed job, by the FailureReason of its description."""
    if reason.startswith("InternalServerError"):
        return INTERNAL_ERROR
    if (
        reason.startswith("CapacityError")
        or "InsufficientCapacity" in reason
        or "InsufficientInstanceCapacity" in reason
    ):
        return CAPACITY_ERROR
    return RESOURCE_LIMIT if "ResourceLimitExceeded" in reason else None
