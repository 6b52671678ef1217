"""Asynchronous invocations that were taken over are run, also when the gateway is killed meanwhile."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from kept_gateway import Gateway
from tests.localstack.services.waiting import until

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

EVENTS = 20
PATIENCE_SECONDS = 55
"""Shorter than the minute after which a failed event is tried again: being ended with the gateway is no failure."""
WAIT = """
import boto3, json, os
def handler(event, context):
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=os.environ["BEGUN"], MessageBody=json.dumps(event))
    while sqs.get_queue_attributes(QueueUrl=os.environ["GO"], AttributeNames=["ApproximateNumberOfMessages"])[
        "Attributes"]["ApproximateNumberOfMessages"] == "0":
        pass
    sqs.send_message(QueueUrl=os.environ["TOLD"], MessageBody=json.dumps(event))
"""


def taken(gateway: Gateway, url: str) -> list[Any]:
    answer = gateway.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=600
    )
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.mark.parametrize("how", ["kill", "end"])
def test_events_outlive_the_gateway(gateway: Gateway, how: str) -> None:
    """Some are under way, the others wait: a function has a few threads for them."""
    sqs, functions = gateway.client("sqs"), gateway.client("lambda")
    queues = {name: sqs.create_queue(QueueName=name.lower())["QueueUrl"] for name in ("BEGUN", "GO", "TOLD")}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", WAIT)
    functions.create_function(
        FunctionName="waits", Runtime="python3.13", Role="arn:aws:iam::000000000000:role/r", Handler="index.handler",
        Timeout=300, Code={"ZipFile": archive.getvalue()}, Environment={"Variables": queues},
    )  # fmt: skip
    functions.get_waiter("function_active_v2").wait(FunctionName="waits", WaiterConfig={"Delay": 1})
    for number in range(EVENTS):
        functions.invoke(FunctionName="waits", InvocationType="Event", Payload=json.dumps(number).encode())
    until(lambda: taken(gateway, queues["BEGUN"]), seconds=PATIENCE_SECONDS)

    if how == "kill":
        gateway.kill()
    else:
        assert gateway.process
        gateway.process.terminate()
        gateway.process.wait(PATIENCE_SECONDS)
    gateway.start()

    sqs.send_message(QueueUrl=queues["GO"], MessageBody="go")
    told: set[int] = set()

    def missing() -> set[int]:
        told.update(taken(gateway, queues["TOLD"]))
        return set(range(EVENTS)) - told

    until(missing, lambda left: not left, PATIENCE_SECONDS)
