"""Which endpoints count as idle, and what is told of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fakes import NOW, TOPIC, CloudWatch, SageMaker, Topics

from penstock_infra.functions import idle_endpoints

SERVERLESS = [{"VariantName": "AllTraffic", "CurrentServerlessConfig": {"MaxConcurrency": 1}}]


def idle(sagemaker: SageMaker, cloudwatch: CloudWatch, hours: int = 24) -> list[str]:
    return list(idle_endpoints.idle(sagemaker, cloudwatch, "dev", hours, NOW))


def test_one_that_nobody_asked_is_idle() -> None:
    sagemaker, cloudwatch = SageMaker(), CloudWatch({("zero", "Invocations"): 0.0})
    sagemaker.add("silent")
    sagemaker.add("zero")
    assert idle(sagemaker, cloudwatch, 36) == ["silent", "zero"]
    assert set(cloudwatch.windows) == {(NOW - timedelta(hours=36), NOW)}


@pytest.mark.parametrize("metric", ["Invocations", "InvocationsProcessed"])
def test_one_that_was_asked_is_not(metric: str) -> None:
    sagemaker = SageMaker()
    sagemaker.add("busy")
    assert idle(sagemaker, CloudWatch({("busy", metric): 1.0})) == []


@pytest.mark.parametrize(
    "add",
    [
        {"age": timedelta(hours=23)},
        {"status": "Creating"},
        {"stack": "prod"},
        {"managed": False},
        {"variants": SERVERLESS},
    ],
)
def test_new_foreign_and_serverless_ones_are_left_out(add: dict[str, Any]) -> None:
    sagemaker = SageMaker()
    sagemaker.add("one", **add)
    assert idle(sagemaker, CloudWatch()) == []


def test_they_are_counted_and_named() -> None:
    cloudwatch, sns = CloudWatch(), Topics()
    idle_endpoints.tell(cloudwatch, sns, TOPIC, "dev", 24, ["one", "two"])
    (put,) = cloudwatch.put
    assert put["Namespace"] == "Penstock/Operations"
    (datum,) = put["MetricData"]
    assert (datum["MetricName"], datum["Value"]) == ("IdleEndpoints", 2.0)
    assert datum["Dimensions"] == [{"Name": "Stack", "Value": "dev"}]
    (message,) = sns.messages
    assert message["TopicArn"] == TOPIC
    assert message["Subject"] == "Penstock: 2 idle endpoints in dev"
    assert "  one\n  two\n" in message["Message"]


def test_none_is_counted_and_not_mailed() -> None:
    cloudwatch, sns = CloudWatch(), Topics()
    idle_endpoints.tell(cloudwatch, sns, TOPIC, "dev", 24, [])
    assert cloudwatch.put[0]["MetricData"][0]["Value"] == 0.0
    assert sns.messages == []
