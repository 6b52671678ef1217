"""Endpoints that nobody asks: a metric of how many there are, and a message that names them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock_infra.functions import endpoints

NAMESPACE = "Penstock/Operations"
METRIC = "IdleEndpoints"
REQUESTS = ("Invocations", "InvocationsProcessed")
"""Metrics of AWS/SageMaker that count requests: of real-time endpoints, and of asynchronous ones (developer guide,
"Monitor asynchronous endpoint")."""
_PERIOD_SECONDS = 3600
_LONGEST_SUBJECT = 100


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Lambda's entry; STACK, IDLE_HOURS and TOPIC_ARN are its settings."""
    import boto3

    stack, hours = os.environ["STACK"], int(os.environ["IDLE_HOURS"])
    cloudwatch = boto3.client("cloudwatch")
    found = list(idle(boto3.client("sagemaker"), cloudwatch, stack, hours, datetime.now(UTC)))
    print(json.dumps({"idle": found}))
    tell(cloudwatch, boto3.client("sns"), os.environ["TOPIC_ARN"], stack, hours, found)
    return {"idle": found}


def idle(sagemaker: Any, cloudwatch: Any, stack: str, hours: int, now: datetime) -> Iterator[str]:
    """Names of the stack's endpoints that are in service, were not touched and not asked for `hours`.

    Serverless endpoints cost nothing while they idle and are left out.
    """
    since = now - timedelta(hours=hours)
    for endpoint in endpoints.of_stacks(sagemaker, {stack}):
        if endpoint.status != "InService" or endpoint.modified > since:
            continue
        variants = sagemaker.describe_endpoint(EndpointName=endpoint.name).get("ProductionVariants", [])
        paid = [variant["VariantName"] for variant in variants if not variant.get("CurrentServerlessConfig")]
        if paid and not any(_was_asked(cloudwatch, endpoint.name, variant, since, now) for variant in paid):
            yield endpoint.name


def _was_asked(cloudwatch: Any, endpoint: str, variant: str, since: datetime, now: datetime) -> bool:
    return any(
        point["Sum"] > 0
        for metric in REQUESTS
        for point in cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
            StartTime=since,
            EndTime=now,
            Period=_PERIOD_SECONDS,
            Statistics=["Sum"],
        )["Datapoints"]
    )


def tell(cloudwatch: Any, sns: Any, topic_arn: str, stack: str, hours: int, names: list[str]) -> None:
    """Counts the idle endpoints in a metric, and names them to the topic when there are any."""
    cloudwatch.put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {
                "MetricName": METRIC,
                "Dimensions": [{"Name": "Stack", "Value": stack}],
                "Value": float(len(names)),
                "Unit": "Count",
            }
        ],
    )
    if names:
        lines = [
            f"Nobody has asked these endpoints of the stack {stack} anything for {hours} hours, and they cost by the hour:",
            "",
            *(f"  {name}" for name in names),
            "",
            "Switch one off in its penstock.yaml, make it serverless, or give its stack a nightly off.",
        ]
        subject = f"Penstock: {len(names)} idle endpoint{'s' if len(names) > 1 else ''} in {stack}"
        sns.publish(TopicArn=topic_arn, Subject=subject[:_LONGEST_SUBJECT], Message="\n".join(lines))
