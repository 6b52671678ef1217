"""Endpoints that can be answered for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.infra.policy.samples import UNKNOWN, configuration, endpoint, resource, said

from penstock_policy import Environment, Resource, Settings
from penstock_policy.endpoints import (
    ALARM,
    JOB_DEFINITION,
    KIT_JOB_DEFINITION,
    SCHEDULE,
    alarmed_traffic_shift,
    captured,
    endpoint_kept,
    monitored,
)

PRODUCTION = Settings(environment=Environment.PRODUCTION)
SERVERLESS = configuration(productionVariants=[{"serverlessConfig": {"memorySizeInMb": 2048}}], dataCaptureConfig=None)


ASYNC = configuration(asyncInferenceConfig={"outputConfig": {"s3OutputPath": "s3://b/o"}}, dataCaptureConfig=None)


def capture(**changes: Any) -> Resource:
    whole = {
        "enableCapture": True,
        "initialSamplingPercentage": 50,
        "captureOptions": [{"captureMode": "Input"}, {"captureMode": "Output"}],
    }
    return configuration(dataCaptureConfig={**whole, **changes})


@pytest.mark.parametrize(
    "good", [capture(), capture(captureOptions=[{"captureMode": "InputAndOutput"}]), SERVERLESS, ASYNC]
)
def test_captured(good: Resource) -> None:
    assert said(captured([good], PRODUCTION)) == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (configuration(dataCaptureConfig=None), "nothing is captured"),
        (capture(enableCapture=False), "nothing is captured"),
        (capture(initialSamplingPercentage=0), "nothing is captured"),
        (capture(captureOptions=[{"captureMode": "Input"}]), "only one side"),
    ],
)
def test_not_captured(bad: Resource, message: str) -> None:
    (found,) = said(captured([bad], PRODUCTION))
    assert found.startswith(message)
    assert said(captured([bad], Settings(environment=Environment.STAGING))) == []


def definition(**changes: Any) -> Resource:
    return resource(
        JOB_DEFINITION,
        **{"name": "d", "dataQualityJobInput": {"endpointInput": {"endpointName": "delays"}}, **changes},
    )


def kit_definition(endpoint_name: str = "delays") -> Resource:
    request = {"ModelQualityJobInput": {"EndpointInput": {"EndpointName": endpoint_name}}}
    return resource(KIT_JOB_DEFINITION, name="d", kind="ModelQuality", request=request)


def schedule(name: str = "d") -> Resource:
    return resource(SCHEDULE, monitoringScheduleConfig={"monitoringJobDefinitionName": name})


def drift_alarm(**changes: Any) -> Resource:
    return resource(ALARM, **{"namespace": "Penstock/Drift", "dimensions": {"Model": "delays"}, **changes})


MONITORED = {
    "a schedule": [endpoint(), definition(), schedule()],
    "a schedule whose job's name is not known yet": [endpoint(), definition(name=None), schedule(UNKNOWN)],
    "a schedule of model quality": [endpoint(), kit_definition(), schedule()],
    "a schedule of an endpoint whose name is not known yet": [endpoint(), kit_definition(UNKNOWN), schedule()],
    "a drift alarm": [endpoint(), drift_alarm()],
    "an endpoint whose name is not known yet": [endpoint(name=UNKNOWN)],
    "a serverless endpoint": [endpoint(), SERVERLESS],
    "an asynchronous endpoint": [endpoint(), ASYNC],
}
UNMONITORED = {
    "nothing": [endpoint()],
    "a definition that never runs": [endpoint(), definition()],
    "another definition's schedule": [endpoint(), definition(), schedule("other")],
    "another endpoint's monitor": [
        endpoint(),
        definition(dataQualityJobInput={"endpointInput": {"endpointName": "other"}}),
        schedule(),
    ],
    "another endpoint's monitor of model quality": [endpoint(), kit_definition("other"), schedule()],
    "another model's alarm": [endpoint(), drift_alarm(dimensions={"Model": "other"})],
    "an alarm on something else": [endpoint(), drift_alarm(namespace="AWS/SageMaker")],
}


@pytest.mark.parametrize("case", MONITORED)
def test_monitored(case: str) -> None:
    assert said(monitored(MONITORED[case], PRODUCTION)) == []


@pytest.mark.parametrize("case", UNMONITORED)
def test_not_monitored(case: str) -> None:
    assert said(monitored(UNMONITORED[case], PRODUCTION)) == ["nothing monitors it"]
    assert said(monitored(UNMONITORED[case], Settings(environment=Environment.DEVELOPMENT))) == []


def moving(kind: str, alarms: list[dict[str, str]] | None) -> Resource:
    if kind == "rolling":
        policy: dict[str, Any] = {"rollingUpdatePolicy": {"maximumBatchSize": {"type": "INSTANCE_COUNT", "value": 1}}}
    else:
        policy = {"blueGreenUpdatePolicy": {"trafficRoutingConfiguration": {"type": kind}}}
    rollback = {"autoRollbackConfiguration": {"alarms": alarms}} if alarms is not None else {}
    return endpoint(deploymentConfig={**policy, **rollback})


@pytest.mark.parametrize("kind", ["CANARY", "LINEAR", "rolling"])
@pytest.mark.parametrize("environment", [None, *Environment])
def test_alarmed_traffic_shift(kind: str, environment: Environment | None) -> None:
    settings = Settings(environment=environment)
    assert said(alarmed_traffic_shift([moving(kind, [{"alarmName": "errors"}])], settings)) == []
    nothing: tuple[list[dict[str, str]] | None, ...] = (None, [])
    for alarms in nothing:
        assert said(alarmed_traffic_shift([moving(kind, alarms)], settings)) == [
            f"its {kind.lower()} deployment has no alarm to stop it"
        ]


def test_all_at_once_needs_no_alarm() -> None:
    assert said(alarmed_traffic_shift([endpoint(), moving("ALL_AT_ONCE", None)], PRODUCTION)) == []


@pytest.mark.parametrize("operation", ["create", "update", "delete", "same", None])
def test_an_endpoint_is_changed_in_place(operation: Any) -> None:
    assert said(endpoint_kept([replace(endpoint(), operation=operation)], PRODUCTION)) == []


@pytest.mark.parametrize("environment", [Environment.LOCAL, Environment.PRODUCTION])
def test_an_endpoint_is_never_replaced(environment: Environment) -> None:
    replaced = replace(endpoint(), operation="replace", changed=("deploymentConfig.autoRollbackConfiguration",))
    (found,) = said(endpoint_kept([replaced], Settings(environment=environment)))
    assert "because of deploymentConfig.autoRollbackConfiguration, and its traffic dropped" in found
