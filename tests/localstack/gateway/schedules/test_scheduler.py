"""EventBridge Scheduler through boto3: schedules that fire, and what is refused. The times are in the clock's own test."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = [pytest.mark.cloud]

ROLE = "arn:aws:iam::000000000000:role/scheduler"
OFF = {"Mode": "OFF"}
PIPELINE = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Why", "Type": "String", "DefaultValue": "nobody asked"}],
    "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "here"}}],
}


def soon(seconds: float = 1) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("at(%Y-%m-%dT%H:%M:%S)")


def create(client: Any, target: dict[str, Any], **members: Any) -> str:
    """A schedule's name."""
    name = f"s-{uuid.uuid4()}"
    request = {"Name": name, "ScheduleExpression": soon(), "FlexibleTimeWindow": OFF, **members}
    client("scheduler").create_schedule(Target={"RoleArn": ROLE, **target}, **request)
    return name


@pytest.fixture
def queue(client: Any) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    url = client("sqs").create_queue(QueueName=f"q-{uuid.uuid4()}")["QueueUrl"]
    found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, found["Attributes"]["QueueArn"]


def receive(client: Any, url: str) -> dict[str, Any]:
    """The next message of a queue."""
    for _ in range(12):
        answer = client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"])
        for message in answer.get("Messages", []):
            client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return dict(message)
    pytest.fail("no message came")


def wait_until[T](look: Callable[[], T], seconds: float = 60) -> T:
    limit = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < limit
        time.sleep(0.1)
    return found


@pytest.fixture
def pipeline(client: Any) -> Callable[[], list[dict[str, str]]]:
    """Makes a pipeline; gives its ARN as attribute and the parameters of its executions when called."""
    sagemaker, name = client("sagemaker"), f"p-{uuid.uuid4()}"
    arn = sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=json.dumps(PIPELINE), RoleArn=ROLE.replace("scheduler", "pipeline"),
        ClientRequestToken=str(uuid.uuid4()),
    )["PipelineArn"]  # fmt: skip

    def executions() -> list[dict[str, str]]:
        found = []
        for one in sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]:
            given = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=one["PipelineExecutionArn"])
            found.append({item["Name"]: item["Value"] for item in given["PipelineParameters"]})
        return found

    executions.arn = arn  # type: ignore[attr-defined]
    executions.name = name  # type: ignore[attr-defined]
    return executions


def test_a_one_time_schedule_reaches_a_queue_and_is_deleted(client: Any, queue: tuple[str, str]) -> None:
    name = create(
        client, {"Arn": queue[1], "Input": '{"at": "<aws.scheduler.scheduled-time>", "n": <aws.scheduler.attempt-number>}'},
        ActionAfterCompletion="DELETE",
    )  # fmt: skip
    expression = client("scheduler").get_schedule(Name=name)["ScheduleExpression"]
    assert json.loads(receive(client, queue[0])["Body"]) == {"at": expression[3:-1] + "Z", "n": 1}
    wait_until(lambda: name not in [one["Name"] for one in client("scheduler").list_schedules()["Schedules"]])


def test_a_rate_begins_at_once_with_the_documented_event(client: Any, queue: tuple[str, str]) -> None:
    name = create(client, {"Arn": queue[1]}, ScheduleExpression="rate(1 minute)")
    event = json.loads(receive(client, queue[0])["Body"])
    arn = client("scheduler").get_schedule(Name=name)["Arn"]
    assert (event["source"], event["detail-type"], event["resources"]) == ("aws.scheduler", "Scheduled Event", [arn])
    client("scheduler").delete_schedule(Name=name)


def test_schedules_start_pipelines(client: Any, pipeline: Any) -> None:
    given = {"PipelineParameterList": [{"Name": "Why", "Value": "it is time"}]}
    create(client, {"Arn": pipeline.arn, "SageMakerPipelineParameters": given})
    create(
        client, {"Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
                 "Input": json.dumps({"PipelineName": pipeline.name, "ClientRequestToken": str(uuid.uuid4())})},
    )  # fmt: skip
    wait_until(lambda: len(pipeline()) == 2)
    time.sleep(1)
    assert sorted(one["Why"] for one in pipeline()) == ["it is time", "nobody asked"]


def test_rules_start_pipelines_with_what_the_event_says(client: Any, pipeline: Any) -> None:
    events, source = client("events"), f"test.{uuid.uuid4()}"
    events.put_rule(Name=pipeline.name, EventPattern=json.dumps({"source": [source]}))
    parameters = {"PipelineParameterList": [{"Name": "Why", "Value": "$.detail.reason"}]}
    target = {"Id": "1", "Arn": pipeline.arn, "RoleArn": ROLE, "SageMakerPipelineParameters": parameters}
    assert events.put_targets(Rule=pipeline.name, Targets=[target])["FailedEntryCount"] == 0
    events.put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": '{"reason": "drift"}'}])
    wait_until(lambda: [one["Why"] for one in pipeline()] == ["drift"])


def test_other_targets(client: Any, queue: tuple[str, str]) -> None:
    topic = client("sns").create_topic(Name=f"t-{uuid.uuid4()}")["TopicArn"]
    client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue[1], Attributes={"RawMessageDelivery": "true"}
    )
    create(client, {"Arn": topic, "Input": "by topic"})
    assert receive(client, queue[0])["Body"] == "by topic"

    bus, rule = "arn:aws:events:us-east-1:000000000000:event-bus/default", f"r-{uuid.uuid4()}"
    client("events").put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    client("events").put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": queue[1], "InputPath": "$.detail"}])
    create(client, {"Arn": bus, "Input": '{"by": "bus"}', "EventBridgeParameters": {"Source": rule, "DetailType": "d"}})
    assert json.loads(receive(client, queue[0])["Body"]) == {"by": "bus"}

    universal = {"QueueUrl": queue[0], "MessageBody": "<aws.scheduler.schedule-arn>"}
    name = create(client, {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "Input": json.dumps(universal)})
    assert receive(client, queue[0])["Body"].endswith(f":schedule/default/{name}")


def test_what_fails_for_good_goes_to_the_dead_letter_queue(client: Any, queue: tuple[str, str]) -> None:
    missing = queue[1] + "-missing"
    name = create(client, {"Arn": missing, "Input": "lost", "DeadLetterConfig": {"Arn": queue[1]}})
    message = receive(client, queue[0])
    told = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert message["Body"] == "lost"
    assert told["TARGET_ARN"] == missing
    assert told["SCHEDULE_ARN"].endswith(name)
    assert "NonExistentQueue" in told["ERROR_CODE"]
    assert told["RETRY_ATTEMPTS"] == "0"


def test_states_groups_and_updates(client: Any, queue: tuple[str, str]) -> None:
    scheduler, group = client("scheduler"), f"g-{uuid.uuid4()}"
    scheduler.create_schedule_group(Name=group)
    with pytest.raises(scheduler.exceptions.ConflictException):
        scheduler.create_schedule_group(Name=group)
    target = {"Arn": queue[1], "RoleArn": ROLE, "Input": "first"}
    common = {"Name": "one", "GroupName": group, "FlexibleTimeWindow": OFF}
    scheduler.create_schedule(**common, ScheduleExpression=soon(0), State="DISABLED", Target=target)
    with pytest.raises(scheduler.exceptions.ConflictException):
        scheduler.create_schedule(**common, ScheduleExpression=soon(), Target=target)
    scheduler.update_schedule(
        **common, ScheduleExpression=soon(1), Target={**target, "Input": "second"}, ActionAfterCompletion="NONE"
    )
    assert receive(client, queue[0])["Body"] == "second"
    found = scheduler.get_schedule(Name="one", GroupName=group)
    assert (found["State"], found["ActionAfterCompletion"]) == ("ENABLED", "NONE")
    scheduler.delete_schedule_group(Name=group)
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name="one", GroupName=group)


@pytest.mark.parametrize(
    ("members", "code", "says"),
    [
        ({"ScheduleExpression": "rate(1 minutes)"}, "ValidationException", "rate(1 minutes)"),
        ({"ScheduleExpression": "cron(0 0 * * * *)"}, "ValidationException", "Invalid Schedule Expression"),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "ValidationException", "Mars/Olympus"),
        ({"GroupName": "none-such"}, "ResourceNotFoundException", "none-such"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "ValidationException", "MaximumWindowInMinutes"),
        ({"Target": {"Arn": "nonsense", "RoleArn": ROLE}}, "ValidationException", "nonsense"),
        ({"Target": {"Arn": "arn:aws:ecs:us-east-1:000000000000:cluster/c", "RoleArn": ROLE}},
         "NotImplementedException", "ecs"),
        ({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl", "RoleArn": ROLE}},
         "ValidationException", "read-only"),
        ({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:nosuch:putThing", "RoleArn": ROLE}},
         "NotImplementedException", "nosuch"),
        ({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:putThing", "RoleArn": ROLE}},
         "NotImplementedException", "putThing"),
        ({"Target": {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:sendMessage", "RoleArn": ROLE, "Input": "{"}},
         "ValidationException", "JSON"),
    ],
)  # fmt: skip
def test_what_could_not_fire_is_refused(client: Any, members: dict[str, Any], code: str, says: str) -> None:
    scheduler, name = client("scheduler"), f"s-{uuid.uuid4()}"
    queue = "arn:aws:sqs:us-east-1:000000000000:q"
    request = {"Name": name, "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF,
               "Target": {"Arn": queue, "RoleArn": ROLE}, **members}  # fmt: skip
    with pytest.raises(scheduler.exceptions.ClientError) as refused:
        scheduler.create_schedule(**request)
    assert refused.value.response["Error"]["Code"] == code
    assert says in refused.value.response["Error"]["Message"]
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=name)
