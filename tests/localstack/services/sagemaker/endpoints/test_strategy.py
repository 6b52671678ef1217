"""A DeploymentConfig as steps, and what AWS refuses of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.endpoints.plan import Plan, VariantPlan
from penstock_services.sagemaker.endpoints.updating.strategy import BlueGreen, Rolling, Strategy, parse


def plan(*names: str, instances: int = 4, **more: Any) -> Plan:
    variants = tuple(VariantPlan(name, "image", None, True, {}, instances, 1.0, 60, **more) for name in names)
    return Plan("config", variants, None)


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def count(value: int) -> dict[str, Any]:
    return {"Type": "INSTANCE_COUNT", "Value": value}


def shifting(kind: str, wait: int = 300, **more: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **more}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 120}}


def rolling(size: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 60, **more}}


def test_without_a_deployment_config_all_requests_move_at_once() -> None:
    assert parse({}, plan("one"), plan("two", "three"), 1) == Strategy(BlueGreen((1.0,), 0, 0))


def test_a_canary_is_two_steps() -> None:
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "latency"}]}}
    found = parse({**shifting("CANARY", CanarySize=percent(10)), **alarms}, plan("one"), plan("one"), 1)
    assert found == Strategy(BlueGreen((0.1, 1.0), 300, 120), ("errors", "latency"))
    found = parse(shifting("CANARY", CanarySize=count(1)), plan("one"), plan("one"), 1)
    assert found.way == BlueGreen((0.25, 1.0), 300, 120)


@pytest.mark.parametrize(
    ("size", "shares"),
    [
        (percent(50), (0.5, 1.0)),
        (percent(33), (0.33, 0.66, 0.99, 1.0)),
        (percent(20), (0.2, 0.4, 0.6, 0.8, 1.0)),
        (count(1), (0.25, 0.5, 0.75, 1.0)),
    ],
)
def test_linear_steps_have_one_size(size: dict[str, Any], shares: tuple[float, ...]) -> None:
    way = parse(shifting("LINEAR", LinearStepSize=size), plan("one"), plan("one"), 1).way
    assert isinstance(way, BlueGreen)
    assert way.shares == pytest.approx(shares)


@given(st.integers(10, 50))
def test_linear_shares_rise_to_everything(size: int) -> None:
    way = parse(shifting("LINEAR", LinearStepSize=percent(size)), plan("one"), plan("one"), 1).way
    assert isinstance(way, BlueGreen)
    assert list(way.shares) == sorted(set(way.shares))
    assert way.shares[-1] == 1.0
    assert all(0 < share <= 1 for share in way.shares)


@given(st.integers(1, 8), st.integers(5, 50), st.integers(1, 8))
def test_rolling_batches_are_whole_instances(instances: int, size: int, running: int) -> None:
    asked = rolling(percent(size), RollbackMaximumBatchSize=percent(100))
    way = parse(asked, plan("one"), plan("one", instances=instances), running).way
    assert isinstance(way, Rolling)
    assert 1 <= way.batch <= max(1, (instances + 1) // 2)
    assert way.rollback == running


def test_a_rolling_deployment_rolls_back_at_once_unless_told_otherwise() -> None:
    assert parse(rolling(count(2)), plan("one"), plan("one"), 4).way == Rolling(2, 4, 60)
    back = rolling(count(1), RollbackMaximumBatchSize=count(2))
    assert parse(back, plan("one"), plan("one"), 4).way == Rolling(1, 2, 60)


@pytest.mark.parametrize(
    ("deployment", "old", "new", "said"),
    [
        ({**shifting("ALL_AT_ONCE"), **rolling(count(1))}, plan("one"), plan("one"), "use one of them"),
        (shifting("CANARY"), plan("one"), plan("one"), "CANARY needs CanarySize"),
        (shifting("LINEAR"), plan("one"), plan("one"), "LINEAR needs LinearStepSize"),
        (shifting("ALL_AT_ONCE", CanarySize=percent(5)), plan("one"), plan("one"), "is for traffic routing CANARY"),
        (shifting("CANARY", CanarySize=percent(51)), plan("one"), plan("one"), "at most 50% of the fleet, not 51 per"),
        (shifting("CANARY", CanarySize=count(3)), plan("one"), plan("one"), "not 3 of 4 instances"),
        (shifting("LINEAR", LinearStepSize=percent(9)), plan("one"), plan("one"), "between 10% and 50%"),
        (rolling(percent(4)), plan("one"), plan("one"), "between 5% and 50%"),
        (rolling(count(1)), plan("one"), plan("one", instances=1), "not 1 of 1 instances"),
        (rolling(count(1)), plan("one", "two"), plan("one", "two"), "not for an endpoint with several variants"),
        (shifting("ALL_AT_ONCE"), plan("one"), plan("two"), "must keep their names: one in config, but two"),
        (
            rolling(percent(50)),
            plan("one", serverless={"MaxConcurrency": 1}),
            plan("one"),
            "not for a serverless endpoint",
        ),
    ],
)
def test_what_aws_refuses(deployment: dict[str, Any], old: Plan, new: Plan, said: str) -> None:
    with pytest.raises(ServiceError) as raised:
        parse(deployment, old, new, 4)
    assert raised.value.code == "ValidationException"
    assert said in raised.value.message


def test_the_longest_duration_must_leave_time_for_the_waits() -> None:
    deployment = shifting("ALL_AT_ONCE", wait=600)
    deployment["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 700
    with pytest.raises(ServiceError, match="700 must be larger than WaitIntervalInSeconds 600"):
        parse(deployment, plan("one"), plan("one"), 1)
    deployment["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 721
    assert parse(deployment, plan("one"), plan("one"), 1).limit == 721
