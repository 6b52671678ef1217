"""The alarms of AutoRollbackConfiguration, watched during a deployment.

An alarm has tripped when CloudWatch says so. CloudWatch looks at metrics in periods of ten seconds and more, in real
time, while a deployment's waits pass faster here (``Settings.deployment_speed``); so the conditions of metric alarms on
this endpoint are also looked at in the deployment's time, over what it served since the deployment began. An alarm found
so is set to ALARM in CloudWatch, so that its actions run and everyone sees why.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.metrics import METRICS, Point, Record, Source

_LOG = logging.getLogger(__name__)
_NAMESPACE = "AWS/SageMaker"
_SHORTEST = 1.0
_TRIPPED: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
_STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "SampleCount": lambda values: float(len(values)),
    "Sum": sum,
    "Average": lambda values: sum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
}
Alarm = dict[str, Any]


class Watch:
    """The alarms ``names`` while a deployment of an endpoint goes on; ``record`` has the endpoint's metrics."""

    def __init__(self, context: Context, names: tuple[str, ...], record: Record) -> None:
        self._context = context
        self._names = list(names)
        self._record = record
        self._missed: set[str] = set()

    def tripped(self) -> str | None:
        """The name of an alarm that has gone off, or None."""
        if not self._names:
            return None
        METRICS.flush()
        client = self._context.client("cloudwatch")
        try:
            types = ["MetricAlarm", "CompositeAlarm"]
            found = client.describe_alarms(AlarmNames=self._names, AlarmTypes=types)
            metric: list[Alarm] = found.get("MetricAlarms", [])
            alarms = [*metric, *found.get("CompositeAlarms", [])]
            for alarm in alarms:
                if alarm["StateValue"] == "ALARM":
                    return str(alarm["AlarmName"])
            for alarm in metric:
                reason = breached(alarm, METRICS.points(self._record), self._record, self._speed, time.monotonic())
                if reason:
                    name = str(alarm["AlarmName"])
                    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=reason)
                    return name
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("alarms of endpoint %s cannot be read: %s", self._record.endpoint, error)
            return None
        self._tell_missing({alarm["AlarmName"] for alarm in alarms})
        return None

    @property
    def _speed(self) -> float:
        return self._context.settings.deployment_speed

    def _tell_missing(self, found: set[str]) -> None:
        for name in set(self._names) - found - self._missed:
            self._missed.add(name)
            _LOG.warning("alarm %s of endpoint %s is not in CloudWatch", name, self._record.endpoint)


def breached(alarm: Alarm, points: list[Point], record: Record, speed: float, now: float) -> str | None:
    """Why a metric alarm has tripped in time that passes ``speed`` times as fast, or None.

    Alarms on other metrics, metric math and anomaly detection are left to CloudWatch.
    """
    dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])}
    component = dimensions.get("InferenceComponentName")
    here = dimensions.get("EndpointName") == record.endpoint or any(
        each.source.component == component for each in points
    )
    if alarm.get("Namespace") != _NAMESPACE or not here:
        return None
    compare = _TRIPPED.get(alarm["ComparisonOperator"])
    statistic = _statistic(alarm)
    if compare is None or statistic is None or "Threshold" not in alarm:
        return None
    wanted = [each for each in points if each.metric == alarm.get("MetricName") and _about(each.source, dimensions)]
    width = max(_SHORTEST, alarm["Period"] / speed)
    periods: int = alarm["EvaluationPeriods"]
    breaching: list[str] = []
    for index in range(periods):
        end = now - index * width
        if end - width < record.since and index:
            break
        values = [each.value for each in wanted if end - width < each.when <= end]
        if not values:
            if alarm.get("TreatMissingData") == "breaching" and end - width >= record.since:
                breaching.append("missing")
            continue
        value = statistic(values)
        if compare(value, alarm["Threshold"]):
            breaching.append(f"{value:g}")
    enough: int = alarm.get("DatapointsToAlarm") or periods
    if len(breaching) < enough:
        return None
    return f"Threshold Crossed: {', '.join(breaching)} ({alarm['ComparisonOperator']} {alarm['Threshold']:g})."


def _about(source: Source, dimensions: dict[str, str]) -> bool:
    if source.component:
        return dimensions == {"InferenceComponentName": source.component}
    known = {"EndpointName": source.endpoint, "VariantName": source.variant, "EndpointConfigName": source.config}
    return "VariantName" in dimensions and all(known.get(name) == value for name, value in dimensions.items())


def _statistic(alarm: Alarm) -> Callable[[list[float]], float] | None:
    stated = alarm.get("ExtendedStatistic", "")
    if stated.startswith("p") and stated[1:].replace(".", "", 1).isdigit():
        share = float(stated[1:]) / 100
        return lambda values: sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    return _STATISTICS.get(alarm.get("Statistic", ""))
