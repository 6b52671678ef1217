"""What CloudWatch has of endpoints: sums of their metrics, and alarms on their errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NAMESPACE = "AWS/SageMaker"


def _listed(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def metric(serving: Any, name: str, **dimensions: str) -> float:
    """The sum of a metric of the last hour."""
    now = datetime.now(UTC)
    found = serving.aws("cloudwatch").get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=name,
        Dimensions=_listed(dimensions),
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=5),
        Period=7200,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in found))


def error_alarm(serving: Any, of: str, **dimensions: str) -> str:
    """An alarm that goes off at the first 5xx answer, looked at by CloudWatch once in an hour; its name."""
    name = f"{of}-errors"
    serving.aws("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace=NAMESPACE,
        MetricName="Invocation5XXErrors",
        Dimensions=_listed(dimensions),
        Statistic="Sum",
        Period=3600,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    return name
