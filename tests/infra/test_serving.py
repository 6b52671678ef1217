"""What AWS would refuse of an endpoint's settings is refused first, by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from penstock_infra import hosting
from penstock_infra.serving import LONGEST_UPDATE_SECONDS, EndpointSettings, Strategy


def settings(**values: Any) -> EndpointSettings:
    return EndpointSettings.model_validate(values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"strategy": "canary"}, "instance_count .or scaling.minimum. must be at least 2"),
        ({"strategy": "linear", "instance_count": 2, "traffic": {"step_percent": 5}}, "linear takes 10 to 50"),
        ({"strategy": "rolling", "instance_count": 2, "traffic": {"step_percent": 4}}, "rolling takes 5 to 50"),
        ({"strategy": "canary", "instance_count": 2, "traffic": {"step_percent": 60}}, "less than or equal to 50"),
        (
            {"strategy": "linear", "instance_count": 2, "traffic": {"step_percent": 10, "wait_seconds": 600}},
            "6000 s of waiting, and the AWS provider waits an hour",
        ),
        ({"traffic": {"wait_seconds": 600, "timeout_seconds": 600}}, "600 s are over before the 600 s of waiting are"),
        ({"strategy": "batch", "scaling": {}}, "a transform job has a fixed number of instances"),
        ({"strategy": "serverless", "scaling": {}}, "what is scaled is serverless.provisioned_concurrency"),
        ({"scaling": {"minimum": 0}}, "only an async endpoint can do without any instance"),
        ({"scaling": {"minimum": 3, "maximum": 2}}, "minimum 3 is above maximum 2"),
        (
            {"scaling": {"schedules": [{"name": "n", "when": "rate(1 day)", "minimum": 1, "maximum": 1}] * 2}},
            "two schedules have one name",
        ),
        ({"serverless": {"provisioned_concurrency": 9, "max_concurrency": 2}}, "is above max_concurrency"),
        ({"serverless": {"memory_megabytes": 1000}}, "1024, 2048, 3072, 4096, 5120 or 6144"),
        ({"strategy": "blue_green"}, "'all_at_once', 'canary'"),
        ({"alarms": {"period_seconds": 45}}, "60, 120 or 300"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"strategy": "canary", "instance_count": 2},
        {"strategy": "rolling", "scaling": {"minimum": 2, "maximum": 4}},
        {"strategy": "async", "scaling": {"minimum": 0, "maximum": 4}},
        {"strategy": "serverless", "serverless": {"provisioned_concurrency": 1}, "scaling": {}},
    ],
)
def test_taken(values: dict[str, Any]) -> None:
    assert settings(**values).strategy is Strategy(values["strategy"])


shifting = st.sampled_from(["all_at_once", "canary", "linear", "rolling", "shadow", "ab", "async"])


@given(
    strategy=shifting,
    count=st.integers(1, 100),
    step=st.integers(1, 50),
    wait=st.none() | st.integers(0, 3600),
    termination=st.integers(0, 3600),
)
def test_any_valid_deployment_is_within_what_sagemaker_takes(
    strategy: str, count: int, step: int, wait: int | None, termination: int
) -> None:
    traffic = {"step_percent": step, "wait_seconds": wait, "termination_wait_seconds": termination}
    try:
        taken = settings(strategy=strategy, instance_count=count, traffic=traffic)
    except ValidationError:
        return
    shape = hosting.deployment(taken, ("a", "b"))
    assert shape is not None
    assert shape["auto_rollback_configuration"] == {"alarms": [{"alarm_name": "a"}, {"alarm_name": "b"}]}
    policies = [key for key in shape if key.endswith("_policy")]
    assert len(policies) == ((taken.strategy is not Strategy.AB and taken.update_seconds > 0) or strategy == "rolling")
    if taken.strategy.shifts_traffic:
        assert taken.update_seconds <= LONGEST_UPDATE_SECONDS
        assert taken.first_instances >= 2


def test_stepwise_strategies_wait_by_default() -> None:
    assert settings(strategy="canary", instance_count=2).wait_seconds == 300
    assert settings().wait_seconds == 0
    assert settings(traffic={"wait_seconds": 60}).wait_seconds == 60
