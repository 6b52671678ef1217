"""Events that travel as on AWS: rules, input templates, API destinations, retries, alarms."""

from __future__ import annotations

import json
import queue
import time
import uuid
from typing import Any

import pytest

pytestmark = [pytest.mark.cloud]


def rule_to(
    client: Any,
    url: str,
    name: str,
    pattern: dict[str, Any],
    template: str,
    paths: dict[str, str],
    **target: Any,
) -> None:
    """An EventBridge rule whose target is an API destination, as the training project makes them."""
    events = client("events")
    connection = events.create_connection(
        Name=name, AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "Authorization", "ApiKeyValue": "Bearer secret"}},
    )["ConnectionArn"]  # fmt: skip
    destination = events.create_api_destination(
        Name=name,
        ConnectionArn=connection,
        HttpMethod="POST",
        InvocationEndpoint=f"{url}/repos/acme/flights/dispatches",
    )["ApiDestinationArn"]
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    role = "arn:aws:iam::000000000000:role/dispatch"
    transformer = {"InputPathsMap": paths, "InputTemplate": template}
    events.put_targets(
        Rule=name, Targets=[{"Id": "1", "Arn": destination, "RoleArn": role, "InputTransformer": transformer, **target}]
    )


def put(client: Any, source: str, detail: dict[str, Any], detail_type: str = "Test") -> None:
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
    assert client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_an_approval_reaches_the_receiver(client: Any, receiver: Any) -> None:
    rule_to(
        client, receiver.url, "approved",
        {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"],
         "detail": {"ModelApprovalStatus": ["Approved"]}},
        '{"event_type": "model-approved", "client_payload": {"model_package_arn": <arn>, "version": <version>}}',
        {"arn": "$.detail.ModelPackageArn", "version": "$.detail.ModelPackageVersion"},
    )  # fmt: skip
    for status, version in (("Rejected", 1), ("Approved", 2)):
        detail = {"ModelApprovalStatus": status, "ModelPackageArn": "arn:x", "ModelPackageVersion": version}
        put(client, "aws.sagemaker", detail, "SageMaker Model Package State Change")
    path, headers, body = receiver.received.get(timeout=60)
    assert path == "/repos/acme/flights/dispatches"
    assert headers["Authorization"] == "Bearer secret"
    assert headers["User-Agent"] == "Amazon/EventBridge/ApiDestinations"
    assert body == {"event_type": "model-approved", "client_payload": {"model_package_arn": "arn:x", "version": 2}}
    time.sleep(0.5)
    assert receiver.received.empty()


def test_texts_and_small_values_survive_the_template(client: Any, receiver: Any) -> None:
    source = f"test.{uuid.uuid4()}"
    rule_to(
        client, receiver.url, "texts", {"source": [source]},
        '{"comment": <comment>, "line": "said <comment>, counted <count>", "count": <count>, "none": <none>}',
        {"comment": "$.detail.comment", "count": "$.detail.count", "none": "$.detail.none"},
    )  # fmt: skip
    comment = 'a "good" one,\nsays Zoë {1}'
    put(client, source, {"comment": comment, "count": 0})
    _, _, body = receiver.received.get(timeout=60)
    assert body == {"comment": comment, "line": f"said {comment}, counted 0", "count": 0, "none": ""}


def test_a_delivery_is_tried_again_until_it_is_taken(client: Any, receiver: Any) -> None:
    source = f"test.{uuid.uuid4()}"
    rule_to(client, receiver.url, "again", {"source": [source]}, '{"n": <n>}', {"n": "$.detail.n"})
    receiver.answers += [503, 429]
    put(client, source, {"n": 1})
    assert [receiver.received.get(timeout=60)[2] for _ in range(3)] == [{"n": 1}] * 3
    time.sleep(1.0)
    assert receiver.received.empty()


def test_what_is_not_taken_goes_to_the_dead_letter_queue(client: Any, receiver: Any) -> None:
    source = f"test.{uuid.uuid4()}"
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="undelivered")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule_to(
        client, receiver.url, "dead", {"source": [source]}, '{"n": <n>}', {"n": "$.detail.n"},
        DeadLetterConfig={"Arn": arn}, RetryPolicy={"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60},
    )  # fmt: skip
    receiver.answers += [404, 500, 500]
    attributes = []
    for number, tries in ((1, 1), (2, 2)):
        put(client, source, {"n": number})
        for _ in range(tries):
            assert receiver.received.get(timeout=60)[2] == {"n": number}
        (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20, MessageAttributeNames=["All"])["Messages"]
        assert json.loads(message["Body"]) == {"n": number}
        attributes.append({name: value["StringValue"] for name, value in message["MessageAttributes"].items()})
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert (attributes[0]["ERROR_CODE"], attributes[0]["RETRY_ATTEMPTS"]) == ("HTTP_404", "0")
    assert (attributes[1]["ERROR_CODE"], attributes[1]["EXHAUSTED_RETRY_CONDITION"]) == (
        "HTTP_500",
        "MaximumRetryAttempts",
    )
    assert attributes[1]["RULE_ARN"].endswith(":rule/dead")


def test_an_alarm_fires_at_once_and_its_event_reaches_the_receiver(client: Any, receiver: Any) -> None:
    rule_to(
        client, receiver.url, "drifted",
        {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"],
         "detail": {"alarmName": [{"prefix": "penstock-drift-"}], "state": {"value": ["ALARM"]}}},
        '{"event_type": "model-drift", "client_payload": {"alarm": <alarm>, "before": <before>}}',
        {"alarm": "$.detail.alarmName", "before": "$.detail.previousState.value"},
    )  # fmt: skip
    cloudwatch = client("cloudwatch")
    dimensions = [{"Name": "Model", "Value": "flights"}]

    def alarm(**changes: Any) -> None:
        cloudwatch.put_metric_alarm(
            AlarmName="penstock-drift-flights", Namespace="Penstock/Drift", MetricName="Violations",
            Dimensions=dimensions, Statistic="Maximum", Period=60, EvaluationPeriods=1, Threshold=0,
            ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching", **changes,
        )  # fmt: skip

    def measure(value: float) -> None:
        cloudwatch.put_metric_data(
            Namespace="Penstock/Drift",
            MetricData=[{"MetricName": "Violations", "Dimensions": dimensions, "Value": value}],
        )

    def state() -> str:
        (found,) = cloudwatch.describe_alarms(AlarmNames=["penstock-drift-flights"])["MetricAlarms"]
        return str(found["StateValue"])

    alarm()
    measure(0.0)
    time.sleep(2.5)
    assert receiver.received.empty()
    assert state() == "OK"
    measure(3.0)
    _, _, body = receiver.received.get(timeout=60)
    assert body == {
        "event_type": "model-drift",
        "client_payload": {"alarm": "penstock-drift-flights", "before": "OK"},
    }
    assert state() == "ALARM"
    # Changing an alarm does not change its state, so nothing is told again.
    alarm(AlarmDescription="changed")
    assert state() == "ALARM"
    with pytest.raises(queue.Empty):
        receiver.received.get(timeout=1.5)
