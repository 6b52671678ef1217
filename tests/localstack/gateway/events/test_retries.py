"""Deliveries are tried again as EventBridge's documentation says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from penstock_gateway.events.retries import Failure, RetryPolicy, deliver, is_worth_retrying

BUSY = Failure("HTTP_503", "busy", may_pass=True)
WRONG = Failure("HTTP_404", "no such path", may_pass=False)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def answers(*given: Failure | None) -> Callable[[], Failure | None]:
    left = list(given)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_a_passing_failure_is_tried_again_with_growing_pauses() -> None:
    clock = Clock()
    result = deliver(answers(BUSY, BUSY, BUSY, None), RetryPolicy(), clock.sleep, lambda: clock.now)
    assert result == (None, 3, None)
    assert [0.25 <= clock.pauses[0] <= 0.5, 0.5 <= clock.pauses[1] <= 1.0, 1.0 <= clock.pauses[2] <= 2.0] == [True] * 3


def test_what_cannot_pass_is_tried_once() -> None:
    assert deliver(answers(WRONG), RetryPolicy(), lambda seconds: None) == (WRONG, 0, None)


def test_the_policy_ends_it() -> None:
    clock = Clock()
    limited = RetryPolicy(attempts=4)
    assert deliver(answers(BUSY), limited, clock.sleep, lambda: clock.now) == (BUSY, 4, "MaximumRetryAttempts")
    clock = Clock()
    failure, retries, exhausted = deliver(answers(BUSY), RetryPolicy(age_seconds=60), clock.sleep, lambda: clock.now)
    assert (failure, exhausted) == (BUSY, "MaximumEventAgeInSeconds")
    assert retries >= 3
    assert clock.now <= 60
    assert max(clock.pauses) <= 30


def test_a_target_without_a_policy_has_eventbridges() -> None:
    assert RetryPolicy.of(None) == RetryPolicy(185, 86400)
    assert RetryPolicy.of({"MaximumRetryAttempts": 0}) == RetryPolicy(0, 86400)


@pytest.mark.parametrize(
    ("status", "again"), [(500, True), (503, True), (429, True), (409, True), (401, True), (400, False), (404, False)]
)
def test_which_answers_are_tried_again(status: int, again: bool) -> None:
    assert is_worth_retrying(status) is again
