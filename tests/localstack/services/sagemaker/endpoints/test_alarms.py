"""When an alarm on an endpoint's metrics has tripped, in time that passes faster."""

from __future__ import annotations

from typing import Any

import pytest

from penstock_services.sagemaker.endpoints.metrics import Point, Record, Source
from penstock_services.sagemaker.endpoints.updating.alarms import breached
from penstock_services.store import Scope

RECORD = Record(Scope("000000000000", "us-east-1"), "flights", since=100.0)
NOW = 110.0


def alarm(**more: Any) -> dict[str, Any]:
    dimensions = {"EndpointName": "flights", "VariantName": "one"}
    return {
        "AlarmName": "errors",
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocation5XXErrors",
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        **more,
    }


def points(*values: tuple[float, float], metric: str = "Invocation5XXErrors", config: str = "new") -> list[Point]:
    return [Point(NOW - ago, Source("flights", "one", config), metric, value) for ago, value in values]


def tripped(stated: dict[str, Any], found: list[Point], speed: float = 60.0) -> bool:
    return breached(stated, found, RECORD, speed, NOW) is not None


def test_one_error_trips_an_alarm_that_says_so() -> None:
    assert tripped(alarm(), points((0.5, 1), (0.4, 0)))
    assert not tripped(alarm(), points((0.5, 0), (0.4, 0)))
    assert not tripped(alarm(), [])


def test_an_alarm_on_an_inference_component_looks_at_what_it_served() -> None:
    errors = [Point(NOW - 0.5, Source("flights", component="scores"), "Invocation5XXErrors", 1.0)]
    own = [{"Name": "InferenceComponentName", "Value": "scores"}]
    assert tripped(alarm(Dimensions=own), errors)
    assert not tripped(alarm(Dimensions=own), points((0.5, 1)))
    other = [{"Name": "InferenceComponentName", "Value": "other"}]
    assert not tripped(alarm(Dimensions=other, TreatMissingData="breaching"), errors), "CloudWatch knows it"
    assert not tripped(alarm(), errors), "what a variant does is counted under its own name"


def test_a_period_passes_as_fast_as_the_deployment() -> None:
    """A minute is a second at speed 60: an error two seconds ago is out of the period, at speed 20 it is in it."""
    assert not tripped(alarm(), points((2.0, 1)), speed=60)
    assert tripped(alarm(), points((2.0, 1)), speed=20)


def test_all_periods_or_as_many_as_datapoints_to_alarm() -> None:
    twice = alarm(EvaluationPeriods=3)
    assert not tripped(twice, points((0.5, 1), (1.5, 1)))
    assert tripped(twice, points((0.5, 1), (1.5, 1), (2.5, 1)))
    assert tripped(alarm(EvaluationPeriods=3, DatapointsToAlarm=2), points((0.5, 1), (2.5, 1)))


@pytest.mark.parametrize(
    ("statistic", "threshold"),
    [
        ({"Statistic": "Average"}, 25.0),
        ({"Statistic": "Maximum"}, 40.0),
        ({"Statistic": "Minimum"}, 10.0),
        ({"Statistic": "SampleCount"}, 4.0),
        ({"Statistic": None, "ExtendedStatistic": "p50"}, 20.0),
        ({"Statistic": None, "ExtendedStatistic": "p99.9"}, 40.0),
    ],
)
def test_statistics(statistic: dict[str, Any], threshold: float) -> None:
    stated = {key: value for key, value in alarm(MetricName="ModelLatency", **statistic).items() if value is not None}
    found = points((0.1, 10), (0.2, 20), (0.3, 30), (0.4, 40), metric="ModelLatency")
    assert tripped({**stated, "Threshold": threshold}, found)
    assert not tripped({**stated, "Threshold": threshold + 0.01}, found)


def test_comparisons() -> None:
    found = points((0.5, 5))
    for operator, threshold, wanted in (
        ("GreaterThanThreshold", 5, False),
        ("GreaterThanThreshold", 4, True),
        ("LessThanThreshold", 5, False),
        ("LessThanOrEqualToThreshold", 5, True),
        ("LessThanLowerOrGreaterThanUpperThreshold", 5, False),
    ):
        assert tripped(alarm(ComparisonOperator=operator, Threshold=threshold), found) is wanted, operator


def test_only_this_endpoints_fleet() -> None:
    def about(**dimensions: str) -> dict[str, Any]:
        named = {"EndpointName": "flights", "VariantName": "one", **dimensions}
        return alarm(Dimensions=[{"Name": name, "Value": value} for name, value in named.items()])

    found = points((0.5, 1))
    assert tripped(about(EndpointConfigName="new"), found)
    assert not tripped(about(EndpointConfigName="old"), found)
    assert not tripped(about(EndpointName="other"), found)
    assert not tripped(about(VariantName="two"), found)
    assert not tripped(alarm(Namespace="Own"), found)


def test_missing_data() -> None:
    breaching = alarm(TreatMissingData="breaching")
    assert tripped(breaching, [])
    assert not tripped(alarm(TreatMissingData="notBreaching"), [])
    young = Record(RECORD.scope, "flights", since=NOW - 0.5)
    assert breached(breaching, [], young, 60.0, NOW) is None, "the deployment is younger than the period"
