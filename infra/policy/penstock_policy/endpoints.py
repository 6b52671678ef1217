"""Endpoints that can be answered for: captured, monitored, and stopped by an alarm while traffic moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock_policy.resource import Finding, Resource, finding, is_known, items, mapping, of_type
from penstock_policy.settings import Environment, Settings

ENDPOINT = "aws:sagemaker/endpoint:Endpoint"
CONFIGURATION = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
SCHEDULE = "aws:sagemaker/monitoringSchedule:MonitoringSchedule"
JOB_DEFINITION = "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition"
KIT_JOB_DEFINITION = "pulumi-python:dynamic/penstock:MonitoringJobDefinition"
"""The kit's own resource for the kinds that Pulumi's AWS provider lacks; its `request` is in the API's own words."""
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
MONITOR_NAMESPACES = frozenset(
    {
        "Penstock/Drift",
        "/aws/sagemaker/Endpoints/data-metrics",
        "aws/sagemaker/Endpoints/data-metrics",
        "aws/sagemaker/Endpoints/model-metrics",
    }
)
"""Where monitoring jobs write what they found about an endpoint."""

STEPWISE = frozenset({"CANARY", "LINEAR"})


def captured(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """In production, every endpoint's configuration captures requests and answers.

    AWS captures none of a serverless one, and an asynchronous one keeps requests and answers in S3 by itself.
    """
    if settings.environment is not Environment.PRODUCTION:
        return
    remedy = "Set data_capture_config: enable_capture, a sampling percentage above 0, and Input and Output"
    for configuration in of_type(resources, CONFIGURATION):
        if is_serverless(configuration) or is_asynchronous(configuration):
            continue
        capture = mapping(configuration.inputs.get("dataCaptureConfig"))
        modes = {option.get("captureMode") for option in items(capture.get("captureOptions"))}
        if capture.get("enableCapture") is not True or capture.get("initialSamplingPercentage") in (None, 0):
            yield finding("captured", configuration, "nothing is captured of what it is asked and answers", remedy)
        elif not ({"Input", "Output"} <= modes or "InputAndOutput" in modes):
            yield finding("captured", configuration, "only one side of the requests is captured", remedy)


def monitored(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """In production, something looks at what every endpoint captures: a monitoring schedule, or an alarm on a drift job."""
    if settings.environment is not Environment.PRODUCTION:
        return
    uncaptured = {
        configuration.inputs.get("name")
        for configuration in of_type(resources, CONFIGURATION)
        if is_serverless(configuration) or is_asynchronous(configuration)
    }
    for endpoint in of_type(resources, ENDPOINT):
        name = endpoint.inputs.get("name")
        if endpoint.inputs.get("endpointConfigName") in uncaptured or not name or not is_known(name):
            continue
        if not _has_monitor(str(name), resources):
            yield finding(
                "monitored",
                endpoint,
                "nothing monitors it",
                "Add a MonitoringSchedule with a job definition for it, or a DriftAlarm on its drift job's metric",
            )


def alarmed_traffic_shift(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:  # noqa: ARG001 - every policy's signature
    """An endpoint whose traffic moves step by step has alarms that take it back."""
    for endpoint in of_type(resources, ENDPOINT):
        deployment = mapping(endpoint.inputs.get("deploymentConfig"))
        routing = mapping(mapping(deployment.get("blueGreenUpdatePolicy")).get("trafficRoutingConfiguration"))
        kind = routing.get("type")
        shifts = str(kind).lower() if kind in STEPWISE else "rolling" if deployment.get("rollingUpdatePolicy") else ""
        rollback = mapping(deployment.get("autoRollbackConfiguration"))
        if shifts and not rollback.get("alarms"):
            yield finding(
                "alarmed_traffic_shift",
                endpoint,
                f"its {shifts} deployment has no alarm to stop it",
                "Name alarms on errors and latency in deployment_config.auto_rollback_configuration",
            )


def endpoint_kept(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:  # noqa: ARG001 - every policy's signature
    """An endpoint is updated, never replaced: between the old one and the new one of its name nobody would answer."""
    for endpoint in of_type(resources, ENDPOINT):
        if endpoint.operation == "replace":
            cause = f" because of {', '.join(endpoint.changed)}" if endpoint.changed else ""
            yield finding(
                "endpoint_kept",
                endpoint,
                f"it would be replaced{cause}, and its traffic dropped",
                "Undo that change, or make an endpoint of another name beside it and move its clients",
            )


def is_asynchronous(configuration: Resource) -> bool:
    """Whether an endpoint's configuration is that of an asynchronous one."""
    return bool(configuration.inputs.get("asyncInferenceConfig"))


def is_serverless(configuration: Resource) -> bool:
    """Whether all variants of an endpoint's configuration are serverless: without instances, volumes and capture."""
    variants = items(configuration.inputs.get("productionVariants"))
    return bool(variants) and all(variant.get("serverlessConfig") for variant in variants)


def _watched(definition: Resource) -> object:
    """The name of the endpoint that a monitoring job looks at."""
    if definition.type == JOB_DEFINITION:
        return mapping(mapping(definition.inputs.get("dataQualityJobInput")).get("endpointInput")).get("endpointName")
    request = mapping(definition.inputs.get("request"))
    job_input = mapping(request.get(f"{definition.inputs.get('kind')}JobInput"))
    return mapping(job_input.get("EndpointInput")).get("EndpointName")


def _has_monitor(endpoint: str, resources: Sequence[Resource]) -> bool:
    scheduled = [
        mapping(schedule.inputs.get("monitoringScheduleConfig")).get("monitoringJobDefinitionName")
        for schedule in of_type(resources, SCHEDULE)
    ]
    for definition in of_type(resources, JOB_DEFINITION, KIT_JOB_DEFINITION):
        name = definition.inputs.get("name")
        runs = any(wanted == name or not is_known(wanted) or not name for wanted in scheduled)
        watched = _watched(definition)
        if runs and (watched == endpoint or not is_known(watched)):
            return True
    return any(
        alarm.inputs.get("namespace") in MONITOR_NAMESPACES
        and endpoint in mapping(alarm.inputs.get("dimensions")).values()
        for alarm in of_type(resources, ALARM)
    )
