"""Lambda through boto3: functions that run as processes, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import time
import uuid
import zipfile
from typing import Any

import pytest

pytestmark = [pytest.mark.cloud]

ROLE = "arn:aws:iam::000000000000:role/function"


def archive(**files: str) -> bytes:
    """A zip with files by name (`__` for a slash)."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name, text in files.items():
            made.writestr(name.replace("__", "/") + ".py", text)
    return content.getvalue()


def create(client: Any, code: str, runtime: str = "python3.13", **members: Any) -> str:
    """A function's name, when it may be invoked."""
    name = f"f-{uuid.uuid4()}"
    client("lambda").create_function(
        FunctionName=name, Runtime=runtime, Role=ROLE, Handler="index.handler",
        Code={"ZipFile": archive(index=code)}, **members,
    )  # fmt: skip
    client("lambda").get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    return name


def invoke(client: Any, name: str, event: Any = None, **members: Any) -> tuple[dict[str, Any], Any]:
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event), **members)
    return answer, json.loads(answer["Payload"].read() or b"null")


def wait_for_log(client: Any, name: str, text: str) -> list[str]:
    """The lines of a function's log group, once one of them holds a text."""
    limit = time.monotonic() + 60
    while True:
        try:
            events = client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except client("logs").exceptions.ResourceNotFoundException:
            events = []
        lines = [event["message"] for event in events]
        if any(text in line for line in lines):
            return lines
        assert time.monotonic() < limit, lines
        time.sleep(0.1)


def test_a_function_uses_the_cloud_with_the_runtimes_boto3(client: Any) -> None:
    bucket = f"b-{uuid.uuid4()}"
    client("s3").create_bucket(Bucket=bucket)
    name = create(
        client,
        "import boto3, os, sys\n"
        "def handler(event, context):\n"
        "    print('putting', event['key'])\n"
        "    boto3.client('s3').put_object(Bucket=os.environ['BUCKET'], Key=event['key'], Body=b'1')\n"
        "    foreign = [path for path in sys.path if 'site-packages' in path and '/opt/' not in path]\n"
        "    return {'env': os.environ['AWS_EXECUTION_ENV'], 'foreign': foreign, 'arn': context.invoked_function_arn}\n",
        Environment={"Variables": {"BUCKET": bucket}},
        Timeout=20,
    )
    answer, found = invoke(client, name, {"key": "k"}, LogType="Tail")
    assert "FunctionError" not in answer
    assert found["env"] == "AWS_Lambda_python3.13"
    assert found["foreign"] == []
    assert found["arn"].endswith(f":function:{name}")
    assert [item["Key"] for item in client("s3").list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "START RequestId: " in tail
    assert "putting k\n" in tail
    assert "Init Duration: " in tail
    lines = wait_for_log(client, name, "REPORT RequestId")
    assert "putting k\n" in lines


def test_errors_and_time_outs(client: Any) -> None:
    name = create(
        client,
        "import time\n"
        "def handler(event, context):\n"
        "    if event == 'sleep':\n        time.sleep(300)\n"
        "    if event == 'fail':\n        raise ValueError('no good')\n"
        "    return event\n",
        Timeout=1,
    )
    answer, error = invoke(client, name, "fail")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no good")
    answer, error = invoke(client, name, "sleep")
    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert invoke(client, name, "again")[1] == "again"


def test_layers_versions_and_python_3_12(client: Any) -> None:
    layer = client("lambda").publish_layer_version(
        LayerName="shared", Content={"ZipFile": archive(python__shared="VALUE = 'from the layer'\n")}
    )
    code = "import shared\ndef handler(event, context):\n    return [shared.VALUE, context.function_version]\n"
    name = create(client, code, "python3.12", Layers=[layer["LayerVersionArn"]])
    version = client("lambda").publish_version(FunctionName=name)["Version"]
    client("lambda").get_waiter("published_version_active").wait(
        FunctionName=name, Qualifier=version, WaiterConfig={"Delay": 1}
    )
    assert invoke(client, name)[1] == ["from the layer", "$LATEST"]
    assert invoke(client, name, Qualifier=version)[1] == ["from the layer", "1"]


def test_asynchronous_invocations_and_queues(client: Any) -> None:
    sqs = client("sqs")
    queue = sqs.create_queue(QueueName=f"q-{uuid.uuid4()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    name = create(
        client,
        "def handler(event, context):\n"
        "    print('got', [record['body'] for record in event['Records']] if 'Records' in event else event['say'])\n",
    )
    answer = client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"say": "later"}')
    assert answer["StatusCode"] == 202
    wait_for_log(client, name, "got later")
    client("lambda").create_event_source_mapping(FunctionName=name, EventSourceArn=arn)
    sqs.send_message(QueueUrl=queue, MessageBody="queued")
    wait_for_log(client, name, "got ['queued']")


def test_events_reach_functions(client: Any) -> None:
    name = create(client, "def handler(event, context):\n    print('saw', event['detail']['n'])\n")
    source = f"test.{uuid.uuid4()}"
    client("events").put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
    arn = client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    client("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    client("events").put_events(Entries=[{"Source": source, "DetailType": "t", "Detail": '{"n": 7}'}])
    wait_for_log(client, name, "saw 7")


def test_what_would_never_run_is_refused_by_name(client: Any) -> None:
    functions = client("lambda")
    for members, what in (
        ({"Runtime": "nodejs22.x", "Handler": "index.handler", "Code": {"ZipFile": archive(index="")}}, "nodejs22.x"),
        ({"Runtime": "python3.11", "Handler": "index.handler", "Code": {"ZipFile": archive(index="")}}, "python3.11"),
        ({"PackageType": "Image", "Code": {"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/x:1"}}, "Image"),
    ):
        with pytest.raises(functions.exceptions.ClientError) as refused:
            functions.create_function(FunctionName="refused", Role=ROLE, **members)
        assert refused.value.response["Error"]["Code"] == "NotImplementedException"
        assert what in refused.value.response["Error"]["Message"]
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function(FunctionName="refused")
    with pytest.raises(functions.exceptions.InvalidParameterValueException):
        functions.create_function(
            FunctionName="refused", Role=ROLE, Runtime="cobol", Handler="x.y", Code={"ZipFile": archive(index="")}
        )
    name = create(client, "def handler(event, context):\n    return 1\n")
    with pytest.raises(functions.exceptions.ClientError, match="NotImplementedException"):
        functions.update_function_configuration(FunctionName=name, Runtime="java21")
