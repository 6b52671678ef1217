"""CloudWatch gives the values of the metric that was asked for, not those of metrics whose dimensions begin alike."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.cloud


def dimensions(**named: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in named.items()]


def test_a_metric_is_its_name_with_all_its_dimensions(client: Callable[..., Any]) -> None:
    cloudwatch = client("cloudwatch")
    now = datetime.datetime.now(datetime.UTC)
    values = (
        (1, dimensions(Endpoint="flights", Variant="one")),
        (10, dimensions(Endpoint="flights-2", Variant="one")),
        (100, dimensions(Endpoint="flights", Variant="one", Configuration="new")),
        (1000, dimensions(Endpoint="flights")),
    )
    for value, named in values:
        datum = {"MetricName": "Calls", "Dimensions": named, "Value": value, "Timestamp": now}
        cloudwatch.put_metric_data(Namespace="Exact", MetricData=[datum])
    for value, named in values:
        found = cloudwatch.get_metric_statistics(
            Namespace="Exact",
            MetricName="Calls",
            Dimensions=named,
            StartTime=now - datetime.timedelta(minutes=1),
            EndTime=now + datetime.timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )
        assert [point["Sum"] for point in found["Datapoints"]] == [value], named
    listed = cloudwatch.list_metrics(Namespace="Exact", Dimensions=dimensions(Endpoint="flights"))["Metrics"]
    assert len(listed) >= 3, "a list is of all metrics that have the dimension"
