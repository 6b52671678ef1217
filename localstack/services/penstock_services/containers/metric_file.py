"""The file of metrics that a monitoring container leaves for CloudWatch.

Developer guide, "CloudWatch Metrics for Bring Your Own Containers": JSON lines in /opt/ml/output/metrics/cloudwatch, with
the dimensions Endpoint and MonitoringSchedule, where ``publish_cloudwatch_metrics`` is Enabled.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from penstock_pipelines.monitor import in_container

_FILE = "/opt/ml/output/metrics/cloudwatch/cloudwatch_metrics.jsonl"


@dataclass(frozen=True)
class Metric:
    """One value, or statistics of several (SampleCount, Sum, Minimum, Maximum); ``dimensions`` are its own, ``more`` those
    of a second copy."""

    name: str
    value: float | None = None
    statistics: Mapping[str, float] | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Monitored:
    """What the container's environment says is monitored."""

    environment: Mapping[str, str]
    dimensions: Mapping[str, str]

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Monitored:
        """From ``sagemaker_endpoint_name`` and ``sagemaker_monitoring_schedule_name``."""
        names = {"Endpoint": "sagemaker_endpoint_name", "MonitoringSchedule": "sagemaker_monitoring_schedule_name"}
        return cls(environment, {name: environment[each] for name, each in names.items() if environment.get(each)})

    def publish(self, metrics: Sequence[Metric]) -> None:
        """Write the file, if metrics are to be published and a schedule asks."""
        asked = self.environment.get("publish_cloudwatch_metrics") == "Enabled"
        if not asked or "MonitoringSchedule" not in self.dimensions:
            return
        lines = [json.dumps(line) for metric in metrics for line in self._lines(metric)]
        file = in_container(_FILE, self.environment)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n")

    def _lines(self, metric: Metric) -> Iterator[dict[str, Any]]:
        if metric.value is not None and not math.isfinite(metric.value):
            return
        stamp = self.environment.get("metric_time") or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line: dict[str, Any] = {"MetricName": metric.name, "Timestamp": stamp}
        if metric.statistics is not None:
            line["StatisticValues"] = dict(metric.statistics)
        else:
            line["Value"] = metric.value
        for more in ({}, metric.more) if metric.more else ({},):
            dimensions = {**self.dimensions, **metric.dimensions, **more}
            yield {**line, "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()]}
