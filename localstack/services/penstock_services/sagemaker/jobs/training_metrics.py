"""Metrics that a training job's definitions find in its output.

https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html; a metric's last value is in
FinalMetricDataList, and CloudWatch has it in the namespace /aws/sagemaker/TrainingJobs by TrainingJobName and by Host.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.jobs.base import Record

_LOG = logging.getLogger(__name__)
_NAMESPACE = "/aws/sagemaker/TrainingJobs"
_KEPT = 10_000
_LONGEST = 8192
_BATCH = 500


class Metrics:
    """The metrics of one job: its definitions, and the values found so far."""

    def __init__(self, definitions: list[Record]) -> None:
        self._definitions = [(each["Name"], _compile(each["Regex"])) for each in definitions]
        self._last: dict[str, tuple[float, float]] = {}
        self._found: list[tuple[str, str, float, float]] = []

    def read(self, host: str, line: str) -> None:
        """Take the values out of a line of a host's output."""
        for name, pattern in self._definitions:
            if pattern is None:
                continue
            for match in pattern.finditer(line[:_LONGEST]):
                try:
                    value = float(match.group(1) if pattern.groups else match.group(0))
                except (ValueError, TypeError):
                    continue
                moment = now()
                self._last[name] = (value, moment)
                if len(self._found) < _KEPT:
                    self._found.append((host, name, value, moment))

    def final(self) -> list[Record]:
        """FinalMetricDataList."""
        return [{"MetricName": name, "Value": value, "Timestamp": stamp} for name, (value, stamp) in self._last.items()]

    def series(self, name: str) -> list[float]:
        """Every value of a metric so far, of all hosts, in order: tuning jobs stop training jobs early by them."""
        return [value for _, each, value, _ in list(self._found) if each == name]

    def publish(self, context: Context, job: str) -> None:
        """Send what was found to CloudWatch."""
        if not self._found:
            return
        data: list[dict[str, Any]] = []
        for host, name, value, moment in self._found:
            for dimension, of in (("TrainingJobName", job), ("Host", f"{job}/{host}")):
                data.append(
                    {
                        "MetricName": name,
                        "Dimensions": [{"Name": dimension, "Value": of}],
                        "Value": value,
                        "Timestamp": moment,
                    }
                )
        try:
            client = context.client("cloudwatch")
            for begin in range(0, len(data), _BATCH):
                client.put_metric_data(Namespace=_NAMESPACE, MetricData=data[begin : begin + _BATCH])
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("metrics of %s were not sent: %s", job, error)


def _compile(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:
        _LOG.warning("the metric pattern %r is not a regular expression", pattern)
        return None
