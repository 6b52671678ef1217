"""`kill -9` in the middle of writes loses nothing that was answered, and leaves nothing half-written."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from kept_gateway import Gateway

pytestmark = [pytest.mark.cloud]

ENOUGH = 20
"""Every writer is answered as often before the gateway is killed."""

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
HIDDEN_SECONDS = 3


class Writer(threading.Thread):
    """Writes one thing after the other until the gateway is gone; `answered` is what it was told is done."""

    def __init__(self, write: Callable[[int], Any]) -> None:
        super().__init__(daemon=True)
        self._write = write
        self.answered: list[Any] = []
        self.unknown: int | None = None
        """The one that was under way when the gateway ended."""

    def run(self) -> None:
        for number in itertools.count():
            try:
                self.answered.append(self._write(number))
            except (BotoCoreError, ClientError):
                self.unknown = number
                return


def body(number: int) -> bytes:
    return f"{number}:".encode() * (1 + number % 50)


def test_nothing_that_was_answered_is_lost(gateway: Gateway) -> None:
    s3, sqs, logs = (gateway.client(name) for name in ("s3", "sqs", "logs"))
    iam, ssm, events, sns = (gateway.client(name) for name in ("iam", "ssm", "events", "sns"))
    for name in ("new", "overwritten", "versioned", "deleted"):
        s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    sent = sqs.create_queue(QueueName="sent")["QueueUrl"]
    consumed = sqs.create_queue(QueueName="consumed")["QueueUrl"]
    logs.create_log_group(logGroupName="/g")
    logs.create_log_stream(logGroupName="/g", logStreamName="s")

    def put_new(number: int) -> int:
        s3.put_object(Bucket="new", Key=str(number), Body=body(number))
        return number

    def overwrite(number: int) -> int:
        s3.put_object(Bucket="overwritten", Key="k", Body=body(number), Metadata={"number": str(number)})
        return number

    def put_version(number: int) -> tuple[str, int]:
        return s3.put_object(Bucket="versioned", Key="k", Body=body(number))["VersionId"], number

    def put_and_delete(number: int) -> str:
        s3.put_object(Bucket="deleted", Key=str(number), Body=b"x")
        s3.delete_object(Bucket="deleted", Key=str(number))
        return str(number)

    def send(number: int) -> str:
        sqs.send_message(QueueUrl=sent, MessageBody=str(number))
        return str(number)

    def consume(number: int) -> str:
        sqs.send_message(QueueUrl=consumed, MessageBody=str(number))
        (message,) = sqs.receive_message(QueueUrl=consumed, VisibilityTimeout=HIDDEN_SECONDS)["Messages"]
        sqs.delete_message(QueueUrl=consumed, ReceiptHandle=message["ReceiptHandle"])
        return str(message["Body"])

    def log(number: int) -> str:
        told = [{"timestamp": int(time.time() * 1000), "message": str(number)}]
        logs.put_log_events(logGroupName="/g", logStreamName="s", logEvents=told)
        return str(number)

    def make_role(number: int) -> str:
        iam.create_role(RoleName=f"r{number}", AssumeRolePolicyDocument=TRUST)
        return f"r{number}"

    def put_parameter(number: int) -> str:
        ssm.put_parameter(Name=f"/p/{number}", Value="x", Type="String")
        return f"/p/{number}"

    def put_rule(number: int) -> str:
        events.put_rule(Name=f"rule{number}", EventPattern='{"source": ["x"]}')
        return f"rule{number}"

    def make_topic(number: int) -> str:
        return str(sns.create_topic(Name=f"t{number}")["TopicArn"])

    acts = (
        put_new, overwrite, put_version, put_and_delete, send, consume, log, make_role, put_parameter, put_rule,
        make_topic,
    )  # fmt: skip
    writers = {act.__name__: Writer(act) for act in acts}
    for writer in writers.values():
        writer.start()
    limit = time.monotonic() + 120
    while any(len(writer.answered) < ENOUGH for writer in writers.values()):
        assert time.monotonic() < limit
        assert all(writer.is_alive() for writer in writers.values())
        time.sleep(0.05)
    gateway.kill()
    killed = time.monotonic()
    for writer in writers.values():
        writer.join(60)
    gateway.start()
    answered = {name: writer.answered for name, writer in writers.items()}

    for number in answered["put_new"]:
        assert s3.get_object(Bucket="new", Key=str(number))["Body"].read() == body(number)
    for version, number in answered["put_version"]:
        assert s3.get_object(Bucket="versioned", Key="k", VersionId=version)["Body"].read() == body(number)
    last = s3.get_object(Bucket="overwritten", Key="k")
    content, number = last["Body"].read(), int(last["Metadata"]["number"])
    assert number in {answered["overwrite"][-1], writers["overwrite"].unknown}
    assert content == body(number)
    assert last["ETag"].strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest()
    left = {each["Key"] for each in s3.list_objects_v2(Bucket="deleted").get("Contents", [])}
    assert left <= {str(writers["put_and_delete"].unknown)}
    for key in left:
        assert s3.get_object(Bucket="deleted", Key=key)["Body"].read() == b"x"

    found = receive_all(sqs, sent)
    assert set(answered["send"]) <= found
    time.sleep(max(0.0, killed + HIDDEN_SECONDS - time.monotonic()))  # then a message that was not deleted shows again
    consumed_again = receive_all(sqs, consumed) & set(answered["consume"])
    assert not consumed_again
    stream = {"logGroupName": "/g", "logStreamName": "s", "startFromHead": True}
    told = [event["message"] for event in logs.get_log_events(**stream)["events"]]
    assert told[: len(answered["log"])] == answered["log"]
    assert set(answered["make_role"]) <= {
        role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]
    }
    assert set(answered["put_parameter"]) <= {
        each["Name"] for page in ssm.get_paginator("describe_parameters").paginate() for each in page["Parameters"]
    }
    assert set(answered["put_rule"]) <= {rule["Name"] for rule in events.list_rules()["Rules"]}
    assert set(answered["make_topic"]) <= {
        topic["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for topic in page["Topics"]
    }


def receive_all(sqs: Any, url: str) -> set[str]:
    """The bodies of all messages that can be received."""
    found: set[str] = set()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found |= {message["Body"] for message in messages}
    return found
