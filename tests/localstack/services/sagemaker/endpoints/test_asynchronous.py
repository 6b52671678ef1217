"""Asynchronous endpoints: answers on S3, notifications by SNS, a queue that survives, and no instances at all."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import (
    BUCKET,
    configure,
    delete,
    deploy,
    settled,
    variant,
)
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def topic(serving: Any) -> tuple[str, str]:
    """A topic, and the queue that has its messages."""
    sns, sqs = serving.aws("sns"), serving.aws("sqs")
    arn = sns.create_topic(Name="answers")["TopicArn"]
    queue = sqs.create_queue(QueueName="answers")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    attributes = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes=attributes)
    return arn, queue


def output(topic: str, **more: Any) -> dict[str, Any]:
    told = {
        "SuccessTopic": topic,
        "ErrorTopic": topic,
        "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"],
    }
    places = {"S3OutputPath": f"s3://{BUCKET}/answers/", "S3FailurePath": f"s3://{BUCKET}/failures"}
    return {"OutputConfig": {**places, "NotificationConfig": told}, **more}


@pytest.fixture(scope="module")
def endpoint(sagemaker: Any, topic: tuple[str, str]) -> str:
    name = deploy(sagemaker, configure(sagemaker, variant("a"), AsyncInferenceConfig=output(topic[0])))
    assert sagemaker.describe_endpoint(EndpointName=name)["AsyncInferenceConfig"] == output(topic[0])
    return name


def message(serving: Any, topic: tuple[str, str]) -> dict[str, Any]:
    """The next message of the topic."""
    sqs = serving.aws("sqs")
    received = until(lambda: sqs.receive_message(QueueUrl=topic[1], WaitTimeSeconds=1).get("Messages", []))
    sqs.delete_message(QueueUrl=topic[1], ReceiptHandle=received[0]["ReceiptHandle"])
    found: dict[str, Any] = json.loads(received[0]["Body"])
    return found


def read(serving: Any, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body: bytes = serving.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def test_the_answer_lies_where_the_client_was_told(
    serving: Any, runtime: Any, endpoint: str, topic: tuple[str, str]
) -> None:
    serving.aws("s3").put_object(Bucket=BUCKET, Key="in/one.csv", Body=b"1,2")
    location = f"s3://{BUCKET}/in/one.csv"
    answer = runtime.invoke_endpoint_async(EndpointName=endpoint, InputLocation=location, ContentType="text/csv")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["OutputLocation"].startswith(f"s3://{BUCKET}/answers/")
    assert answer["OutputLocation"].endswith(".out")
    assert answer["FailureLocation"].startswith(f"s3://{BUCKET}/failures/")
    assert answer["FailureLocation"].endswith("-error.out")
    told = message(serving, topic)
    assert told["invocationStatus"] == "Completed"
    assert told["inferenceId"] == answer["InferenceId"]
    assert told["requestParameters"] == {
        "endpointName": endpoint,
        "contentType": "text/csv",
        "inputLocation": location,
    }
    assert told["responseParameters"] == {"contentType": "text/csv", "outputLocation": answer["OutputLocation"]}
    body = read(serving, answer["OutputLocation"])
    assert body.startswith(b"a:")
    assert body.endswith(b":1,2")
    assert base64.b64decode(told["responseBody"]["content"]) == body
    assert (told["eventSource"], told["eventName"], told["awsRegion"]) == (
        "aws:sagemaker",
        "InferenceResult",
        "us-east-1",
    )


def test_an_inline_body_under_a_name_of_ones_own(
    serving: Any, runtime: Any, endpoint: str, topic: tuple[str, str]
) -> None:
    answer = runtime.invoke_endpoint_async(
        EndpointName=endpoint,
        Body=b"3,4",
        ContentType="text/csv",
        InferenceId="mine",
        S3OutputPathExtension="day/1",
        Filename="answer.csv",
    )
    assert answer["InferenceId"] == "mine"
    assert answer["OutputLocation"] == f"s3://{BUCKET}/answers/day/1/answer.csv"
    assert message(serving, topic)["inferenceId"] == "mine"
    assert read(serving, answer["OutputLocation"]).endswith(b":3,4")


def test_failures(serving: Any, runtime: Any, endpoint: str, topic: tuple[str, str]) -> None:
    answer = runtime.invoke_endpoint_async(EndpointName=endpoint, Body=b"bad", ContentType="text/csv")
    told = message(serving, topic)
    assert told["invocationStatus"] == "Failed"
    assert told["failureReason"].startswith("ClientError: Received server error (500) from model.")
    assert "responseBody" not in told, "the error topic is not among those that get it"
    assert read(serving, answer["FailureLocation"]) == b"no such column"
    with pytest.raises(ClientError, match="NoSuchKey"):
        read(serving, answer["OutputLocation"])
    location = f"s3://{BUCKET}/in/none.csv"
    runtime.invoke_endpoint_async(EndpointName=endpoint, InputLocation=location)
    told = message(serving, topic)
    assert told["invocationStatus"] == "Failed"
    assert f"cannot download InputLocation {location}" in told["failureReason"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "Exactly one of InputLocation and Body"),
        ({"Body": b"x", "InputLocation": "s3://b/k"}, "Exactly one of InputLocation and Body"),
        ({"InputLocation": "https://b.s3.amazonaws.com/k"}, "is not an S3 URI"),
        ({"Body": b"x" * 128_001}, "the limit is 128000"),
        ({"Body": b"x", "RequestTTLSeconds": 5}, "is not between 60 and 21600"),
        ({"Body": b"x", "Filename": "a.b.c"}, "is no file name"),
    ],
)
def test_what_is_refused(serving: Any, endpoint: str, request_: dict[str, Any], said: str) -> None:
    runtime = serving.client("sagemaker-runtime", parameter_validation=False)
    with pytest.raises(ClientError, match=said) as raised:
        runtime.invoke_endpoint_async(EndpointName=endpoint, **request_)
    assert raised.value.response["Error"]["Code"] == "ValidationError"


def test_each_kind_of_endpoint_has_its_operation(sagemaker: Any, runtime: Any, endpoint: str) -> None:
    with pytest.raises(ClientError, match="is asynchronous; use InvokeEndpointAsync"):
        runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x")
    name = deploy(sagemaker, configure(sagemaker, variant("a")))
    with pytest.raises(ClientError, match="is not asynchronous; use InvokeEndpoint"):
        runtime.invoke_endpoint_async(EndpointName=name, Body=b"x")
    with pytest.raises(ClientError, match="at least 1; only asynchronous endpoints can have 0"):
        scale(sagemaker, name, 0)
    delete(sagemaker, name)


def scale(sagemaker: Any, name: str, count: int) -> None:
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "one", "DesiredInstanceCount": count}]
    )


def test_requests_wait_for_instances_and_for_the_process(
    serving: Any, sagemaker: Any, runtime: Any, endpoint: str, topic: tuple[str, str]
) -> None:
    """Last of this file's tests: it kills the process."""
    scale(sagemaker, endpoint, 0)
    assert settled(sagemaker, endpoint)["ProductionVariants"][0]["CurrentInstanceCount"] == 0
    sent = {f"id-{number}" for number in range(3)}
    for identity in sorted(sent):
        answer = runtime.invoke_endpoint_async(EndpointName=endpoint, Body=b"late", InferenceId=identity)
    with pytest.raises(ClientError, match="NoSuchKey"):
        read(serving, answer["OutputLocation"])
    serving.kill()
    serving.start()
    until(lambda: sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] == "InService")
    scale(sagemaker, endpoint, 1)
    assert settled(sagemaker, endpoint)["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    told = [message(serving, topic) for _ in sent]
    assert {each["inferenceId"] for each in told} == sent
    assert {each["invocationStatus"] for each in told} == {"Completed"}
    assert read(serving, answer["OutputLocation"]).endswith(b":late")
    with urllib.request.urlopen(f"{serving.url}/_penstock/health") as health:
        assert health.status == 200
    delete(sagemaker, endpoint)
