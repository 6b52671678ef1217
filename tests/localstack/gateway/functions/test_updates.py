"""Functions that are updated while they are asked: no event is lost, and what runs is left to end."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from typing import Any

import pytest
from tests.localstack.gateway.functions.test_provider import ROLE, archive
from tests.localstack.services.waiting import until

pytestmark = [pytest.mark.cloud]

TIMEOUT_SECONDS = 300
PATIENCE_SECONDS = 180
"""Shorter than the functions' time-out and a minute, after which an event that nobody ran comes back."""

TELL = """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""
WAIT = """
import boto3, os
NUMBER = {number}
def handler(event, context):
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=os.environ["STARTED"], MessageBody="started")
    if event == "wait":
        while not sqs.receive_message(QueueUrl=os.environ["GO"], WaitTimeSeconds=1).get("Messages"):
            pass
    import later
    return [NUMBER, later.NUMBER]
"""


def queue(client: Any, **attributes: str) -> str:
    url: str = client("sqs").create_queue(QueueName=f"q-{uuid.uuid4()}", Attributes=attributes)["QueueUrl"]
    return url


def create(client: Any, variables: dict[str, str], **files: str) -> str:
    name = f"f-{uuid.uuid4()}"
    client("lambda").create_function(
        FunctionName=name, Runtime="python3.13", Role=ROLE, Handler="index.handler", Timeout=TIMEOUT_SECONDS,
        Code={"ZipFile": archive(**files)}, Environment={"Variables": variables},
    )  # fmt: skip
    client("lambda").get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return name


def updated(client: Any, name: str) -> None:
    """Wait until the function's update is over."""
    until(
        lambda: client("lambda").get_function_configuration(FunctionName=name)["LastUpdateStatus"],
        lambda status: status == "Successful",
        PATIENCE_SECONDS,
    )


def test_no_event_is_lost_while_functions_are_updated(client: Any) -> None:
    """Events during an update, and right after it; code and configuration in turns."""
    told = queue(client, VisibilityTimeout="600")
    functions = [create(client, {"QUEUE": told}, index=TELL) for _ in range(4)]
    sent: Counter[str] = Counter()

    def fire(when: str, number: int) -> None:
        for name in functions:
            event = f"{name} {when} update {number}"
            client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())
            sent[event] += 1

    for number in range(4):
        for name in functions:
            if number % 2:
                client("lambda").update_function_code(FunctionName=name, ZipFile=archive(index=f"{TELL}# {number}\n"))
            else:
                variables = {"QUEUE": told, "NUMBER": str(number)}
                client("lambda").update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        fire("during", number)
        for name in functions:
            updated(client, name)
        fire("after", number)
    received: Counter[str] = Counter()

    def lost() -> set[str]:
        answer = client("sqs").receive_message(QueueUrl=told, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        received.update(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return set(sent) - set(received)

    until(lost, lambda missing: not missing, PATIENCE_SECONDS)
    assert received == sent


def test_what_runs_is_left_to_end_with_the_code_that_it_began_with(client: Any) -> None:
    started, go = queue(client), queue(client)

    def files(number: int) -> dict[str, str]:
        return {"index": WAIT.format(number=number), "later": f"NUMBER = {number}\n"}

    name = create(client, {"STARTED": started, "GO": go}, **files(1))
    answers: list[Any] = []

    def ask(event: str) -> None:
        answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        answers.append(json.loads(answer["Payload"].read()))

    waiting = threading.Thread(target=ask, args=["wait"])
    waiting.start()
    try:
        until(
            lambda: client("sqs").receive_message(QueueUrl=started, WaitTimeSeconds=1).get("Messages"),
            seconds=PATIENCE_SECONDS,
        )
        client("lambda").update_function_code(FunctionName=name, ZipFile=archive(**files(2)))
        updated(client, name)
        ask("answer")
        assert answers == [[2, 2]]
    finally:
        client("sqs").send_message(QueueUrl=go, MessageBody="go")
        waiting.join(PATIENCE_SECONDS)
    assert answers == [[2, 2], [1, 1]]
