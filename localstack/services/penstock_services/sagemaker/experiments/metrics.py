"""Metric values of trial components: kept as they come, and summed up when asked for."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from penstock_services.operations import Context

Record = dict[str, Any]
_POINT = "TrialComponentMetric"
_FINAL = "TrialComponentFinalMetric"


@dataclass(frozen=True)
class Point:
    """One value of a metric: ``at`` in seconds since the epoch, ``step`` the iteration where it is known."""

    at: float
    value: float
    step: int | None = None


def put(context: Context, component: Record, name: str, point: Point) -> None:
    """Keep one value of a metric of a trial component."""
    entry = {"Name": name, "At": point.at, "Value": point.value, "Step": point.step}
    key = f"{_prefix(component)}{name}|{point.at:020.6f}|{time.time_ns()}"
    context.store.put(context.scope, _POINT, key, entry)


def put_final(context: Context, component: Record, source: str, values: list[Record]) -> None:
    """Keep the final values of a job (its FinalMetricDataList); ``source`` is the job's ARN."""
    if values:
        context.store.put(context.scope, _FINAL, _prefix(component), {"SourceArn": source, "Values": values})


def points(context: Context, component: Record, name: str) -> list[Point]:
    """The values of one metric, by time."""
    found = context.store.scan(context.scope, _POINT, f"{_prefix(component)}{name}|")
    return [Point(entry["At"], entry["Value"], entry["Step"]) for _, entry in found]


def summaries(context: Context, component: Record) -> list[Record]:
    """The ``Metrics`` of DescribeTrialComponent. Of a job's metrics only the final value is known, so that only ``Last``
    is stated."""
    grouped: dict[str, list[Point]] = {}
    for _, entry in context.store.scan(context.scope, _POINT, _prefix(component)):
        grouped.setdefault(entry["Name"], []).append(Point(entry["At"], entry["Value"], entry["Step"]))
    found = [_summary(component, name, values) for name, values in grouped.items()]
    final = context.store.get(context.scope, _FINAL, _prefix(component))
    for value in final["Values"] if final else []:
        if value["MetricName"] not in grouped:
            found.append(
                {
                    "MetricName": value["MetricName"],
                    "SourceArn": final["SourceArn"] if final else "",
                    "TimeStamp": value["Timestamp"],
                    "Last": value["Value"],
                }
            )
    return found


def _summary(component: Record, name: str, values: list[Point]) -> Record:
    source = component.get("Source", {}).get("SourceArn", component["TrialComponentArn"])
    return {
        "MetricName": name,
        "SourceArn": source,
        "TimeStamp": values[-1].at,
        **{statistic: stat(statistic, values) for statistic in STATS},
    }


def stat(statistic: str, values: list[Point]) -> float:
    """A statistic (Min, Max, Avg, Count, StdDev, Last) of at least one value."""
    number: float = STATS[statistic]([each.value for each in values])
    return number


def _deviation(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))


STATS: dict[str, Any] = {
    "Max": max,
    "Min": min,
    "Last": lambda values: values[-1],
    "Count": len,
    "Avg": lambda values: math.fsum(values) / len(values),
    "StdDev": _deviation,
}


def forget(context: Context, component: Record) -> None:
    """Remove everything that is kept for a trial component."""
    for key, _ in context.store.scan(context.scope, _POINT, _prefix(component)):
        context.store.delete(context.scope, _POINT, key)
    context.store.delete(context.scope, _FINAL, _prefix(component))


def _prefix(component: Record) -> str:
    name: str = component["TrialComponentName"]
    return f"{name.lower()}|"
