"""Auto scaling of an endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from penstock_infra.components.endpoint_scaling import EndpointScaling, EndpointScalingArguments
from penstock_infra.placement import Placement
from penstock_infra.serving import ScalingSettings, Strategy

EXAMPLES: dict[str, dict[str, Any]] = {
    "EndpointScaling": {
        "endpoint_name": "flight-delays",
        "endpoint": "flight-delays",
        "strategy": Strategy.ALL_AT_ONCE,
        "settings": ScalingSettings(minimum=1, maximum=4),
    }
}
TARGET = "aws:appautoscaling/target:Target"
POLICY = "aws:appautoscaling/policy:Policy"
ACTION = "aws:appautoscaling/scheduledAction:ScheduledAction"


@pytest.fixture
def scale(run_program: Any, placement: Placement) -> Any:
    """What is made with these arguments."""

    def run(**changes: Any) -> Any:
        arguments = EndpointScalingArguments(placement=placement, **{**EXAMPLES["EndpointScaling"], **changes})
        return run_program(lambda: EndpointScaling("flight-delays", arguments))

    return run


def test_instances_follow_the_requests(scale: Any, placement: Placement) -> None:
    run = scale()
    target = run.one(TARGET).inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (1, 4)
    assert target["scalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
    assert target["resourceId"] == "endpoint/flight-delays/variant/AllTraffic"
    assert target["tags"] == placement.tags.as_dict()
    policy = run.one(POLICY).inputs
    assert policy["policyType"] == "TargetTrackingScaling"
    tracking = policy["targetTrackingScalingPolicyConfiguration"]
    assert tracking["targetValue"] == 70
    assert tracking["predefinedMetricSpecification"] == {
        "predefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    }


def test_by_the_clock(scale: Any) -> None:
    night = {"name": "night", "when": "cron(0 20 * * ? *)", "timezone": "Europe/Berlin", "minimum": 1, "maximum": 1}
    day = {"name": "day", "when": "cron(0 6 * * ? *)", "minimum": 2, "maximum": 8}
    settings = ScalingSettings.model_validate({"maximum": 8, "schedules": [night, day]})
    actions = {item.inputs["name"]: item.inputs for item in scale(settings=settings).of(ACTION)}
    assert set(actions) == {"flight-delays-night", "flight-delays-day"}
    assert actions["flight-delays-night"]["timezone"] == "Europe/Berlin"
    assert actions["flight-delays-day"]["scalableTargetAction"] == {"minCapacity": 2, "maxCapacity": 8}


def test_an_async_endpoint_wakes_from_nothing(scale: Any, placement: Placement) -> None:
    settings = ScalingSettings(minimum=0, maximum=2, target=5)
    run = scale(strategy=Strategy.ASYNC, settings=settings)
    policies = {item.inputs["policyType"]: item.inputs for item in run.of(POLICY)}
    tracking = policies["TargetTrackingScaling"]["targetTrackingScalingPolicyConfiguration"]
    assert tracking["customizedMetricSpecification"]["metricName"] == "ApproximateBacklogSizePerInstance"
    alarm = run.one("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert alarm["metricName"] == "HasBacklogWithoutCapacity"
    assert "policyName/flight-delays-wake" in alarm["alarmActions"][0]
    assert alarm["tags"] == placement.tags.as_dict()


def test_an_async_endpoint_that_never_sleeps_needs_no_waking(scale: Any) -> None:
    run = scale(strategy=Strategy.ASYNC, settings=ScalingSettings(minimum=1))
    assert not run.has("aws:cloudwatch/metricAlarm:MetricAlarm")


def test_a_serverless_endpoint_scales_what_is_provisioned(scale: Any) -> None:
    run = scale(strategy=Strategy.SERVERLESS)
    assert run.one(TARGET).inputs["scalableDimension"] == "sagemaker:variant:DesiredProvisionedConcurrency"
    tracking = run.one(POLICY).inputs["targetTrackingScalingPolicyConfiguration"]
    assert tracking["targetValue"] == pytest.approx(0.7)
