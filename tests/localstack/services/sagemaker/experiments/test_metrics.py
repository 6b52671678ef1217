"""The sagemaker-metrics API."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest

START = datetime.datetime(2026, 5, 1, 12, 0, 0, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def metrics(services: Any) -> Any:
    return services.client("sagemaker-metrics")


@pytest.fixture(scope="module")
def component(sagemaker: Any, metrics: Any) -> Any:
    name = f"Run-{uuid.uuid4().hex[:8]}"
    arn = sagemaker.create_trial_component(TrialComponentName=name)["TrialComponentArn"]
    data = [
        {"MetricName": "loss", "Timestamp": START + datetime.timedelta(seconds=20 * step), "Step": step, "Value": value}
        for step, value in enumerate([4.0, 2.0, 1.0, 1.0])
    ]
    assert "Errors" not in metrics.batch_put_metrics(TrialComponentName=name.lower(), MetricData=data)
    metrics.batch_put_metrics(
        TrialComponentName=name.lower(), MetricData=[{"MetricName": "auc", "Timestamp": START, "Value": 0.5}]
    )
    return {"name": name, "arn": arn}


def test_summaries(sagemaker: Any, component: Any) -> None:
    """TrialComponentMetricSummary."""
    found = sagemaker.describe_trial_component(TrialComponentName=component["name"])["Metrics"]
    loss = next(each for each in found if each["MetricName"] == "loss")
    assert {name: loss[name] for name in ("Min", "Max", "Last", "Count", "Avg")} == {
        "Min": 1.0,
        "Max": 4.0,
        "Last": 1.0,
        "Count": 4,
        "Avg": 2.0,
    }
    assert loss["StdDev"] == pytest.approx(1.2247, abs=1e-4)
    assert loss["SourceArn"] == component["arn"]
    assert loss["TimeStamp"] == START + datetime.timedelta(seconds=60)
    assert next(each for each in found if each["MetricName"] == "auc")["Count"] == 1


def query(metrics: Any, component: Any, **more: Any) -> Any:
    asked = {
        "MetricName": "loss",
        "ResourceArn": component["arn"],
        "MetricStat": "Avg",
        "Period": "IterationNumber",
        "XAxisType": "IterationNumber",
        **more,
    }
    (result,) = metrics.batch_get_metrics(MetricQueries=[asked])["MetricQueryResults"]
    return result


def test_queries(metrics: Any, component: Any) -> None:
    by_step = query(metrics, component)
    assert (by_step["Status"], by_step["XAxisValues"], by_step["MetricValues"]) == (
        "Complete",
        [0, 1, 2, 3],
        [4, 2, 1, 1],
    )
    assert query(metrics, component, Start=1, End=2)["XAxisValues"] == [1, 2]
    minute = int(START.timestamp())
    by_time = query(metrics, component, Period="OneMinute", XAxisType="Timestamp", MetricStat="Max")
    assert (by_time["XAxisValues"], by_time["MetricValues"]) == ([minute, minute + 60], [4.0, 1.0])
    assert query(metrics, component, MetricName="never")["MetricValues"] == []


def test_what_is_wrong(metrics: Any, component: Any) -> None:
    data = [{"MetricName": "loss", "Timestamp": START, "Value": 1.0}] * 2
    errors = metrics.batch_put_metrics(TrialComponentName="never-made", MetricData=data)["Errors"]
    assert errors == [{"Code": "VALIDATION_ERROR", "MetricIndex": 0}, {"Code": "VALIDATION_ERROR", "MetricIndex": 1}]
    assert query(metrics, component, Period="OneHour")["Status"] == "ValidationError"
    missing = query(metrics, component, ResourceArn=component["arn"] + "x")
    assert missing["Status"] == "ValidationError"
    assert "does not exist" in missing["Message"]


def test_metrics_go_with_their_component(sagemaker: Any, metrics: Any) -> None:
    name = f"gone-{uuid.uuid4().hex[:8]}"
    sagemaker.create_trial_component(TrialComponentName=name)
    metrics.batch_put_metrics(
        TrialComponentName=name, MetricData=[{"MetricName": "loss", "Timestamp": START, "Value": 1.0}]
    )
    sagemaker.delete_trial_component(TrialComponentName=name)
    sagemaker.create_trial_component(TrialComponentName=name)
    assert "Metrics" not in sagemaker.describe_trial_component(TrialComponentName=name)
