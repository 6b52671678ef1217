"""The alarms on an endpoint's variant."""

from __future__ import annotations

from typing import Any

import pytest

from penstock_infra.components.endpoint_alarms import EndpointAlarms, EndpointAlarmsArguments, alarm_name
from penstock_infra.placement import Placement

TOPIC = "arn:aws:sns:eu-central-1:123456789012:alarms"
EXAMPLES: dict[str, dict[str, Any]] = {"EndpointAlarms": {"endpoint_name": "flight-delays", "topic_arn": TOPIC}}
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


@pytest.fixture
def alarms(run_program: Any, placement: Placement) -> Any:
    """Alarms by their metric."""

    def run(**changes: Any) -> dict[str, dict[str, Any]]:
        arguments = EndpointAlarmsArguments(placement=placement, **{**EXAMPLES["EndpointAlarms"], **changes})
        made = run_program(lambda: EndpointAlarms("flight-delays", arguments))
        return {item.inputs["metricName"]: item.inputs for item in made.of(ALARM)}

    return run


def test_errors_and_latency_in_the_units_of_sagemaker(alarms: Any) -> None:
    found = alarms(settings={"error_percent": 2.5, "latency_milliseconds": 250, "period_seconds": 120, "periods": 3})
    errors, latency = found["Invocation5XXErrors"], found["ModelLatency"]
    assert (errors["statistic"], errors["threshold"]) == ("Average", 0.025)
    assert (latency["statistic"], latency["threshold"]) == ("Average", 250_000)
    assert {(item["period"], item["evaluationPeriods"]) for item in found.values()} == {(120, 3)}
    assert {item["namespace"] for item in found.values()} == {"AWS/SageMaker"}
    assert {item["treatMissingData"] for item in found.values()} == {"notBreaching"}


def test_the_topic_is_told(alarms: Any) -> None:
    assert [item["alarmActions"] for item in alarms().values()] == [[TOPIC], [TOPIC]]


def test_one_fleet_or_all(alarms: Any) -> None:
    all_fleets = {"EndpointName": "flight-delays", "VariantName": "AllTraffic"}
    assert alarms()["ModelLatency"]["dimensions"] == all_fleets
    one = alarms(endpoint_config_name="flight-delays-1")["ModelLatency"]["dimensions"]
    assert one == {**all_fleets, "EndpointConfigName": "flight-delays-1"}


def test_names_depend_on_endpoint_and_variant_alone(alarms: Any) -> None:
    plain = {item["name"] for item in alarms().values()}
    assert plain == {"penstock-endpoint-flight-delays-errors", "penstock-endpoint-flight-delays-latency"}
    assert {item["name"] for item in alarms(settings={"error_percent": 50}).values()} == plain
    assert alarm_name("e", "Challenger", "errors") == "penstock-endpoint-e-challenger-errors"
