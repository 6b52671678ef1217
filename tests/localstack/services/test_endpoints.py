"""Endpoints that really serve: deployment, invocation, update, capture, restart; and the events of the registry."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.sagemaker.endpoints.serving_endpoints import configure, delete, deploy, settled
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud

ROLE = "arn:aws:iam::000000000000:role/serving"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"

SERVE = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
if os.environ.get("BROKEN"):
    print("cannot load the model: no such file", flush=True)
    sys.exit(3)
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
model = open(f"{base}/model/model.txt").read()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def log_message(self, *_):
        pass
    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": "text/csv", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        print("invoked with", body, flush=True)
        if body == b"bad":
            return self.answer(500, b"no such column")
        if body == b"die":
            os._exit(1)
        if body == b"close":
            self.close_connection = True
            return None
        kept = self.headers.get("X-Amzn-SageMaker-Custom-Attributes", "")
        text = f"{model},{os.environ.get('TAG', '')},{self.headers['Content-Type']},{body.decode(errors='replace')}"
        self.answer(200, text.encode(), **{"X-Amzn-SageMaker-Custom-Attributes": kept})
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def sagemaker(serving: Any, archive: Callable[..., bytes]) -> Any:
    serving.image(serve=SERVE)
    serving.aws("s3").put_object(Bucket="job-data", Key="served/model.tar.gz", Body=archive(model__txt="weights"))
    client = serving.client()
    for name, environment in (("a", {"TAG": "a"}), ("b", {"TAG": "b"}), ("broken", {"BROKEN": "1"})):
        container = {"Image": IMAGE, "ModelDataUrl": "s3://job-data/served/model.tar.gz", "Environment": environment}
        client.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return client


@pytest.fixture(scope="module")
def runtime(serving: Any) -> Any:
    return serving.client("sagemaker-runtime")


def variant(name: str, model: str, weight: float = 1.0, count: int = 1) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": count,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": weight,
    }


def servers(serving: Any) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(serving.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(word.endswith("image-bin/serve") for word in process.cmdline()):
                found.append(process)
    return found


def test_invocations_by_weight_and_by_variant(serving: Any, sagemaker: Any, runtime: Any) -> None:
    name = deploy(sagemaker, configure(sagemaker, variant("one", "a", 3), variant("two", "b", 1)))
    found = sagemaker.describe_endpoint(EndpointName=name)
    assert [each["CurrentInstanceCount"] for each in found["ProductionVariants"]] == [1, 1]
    invoked: Counter[str] = Counter()
    for _ in range(80):
        answer = runtime.invoke_endpoint(EndpointName=name, Body=b"1,2", ContentType="text/csv")
        invoked[answer["InvokedProductionVariant"]] += 1
        expected = {"one": b"weights,a,text/csv,1,2", "two": b"weights,b,text/csv,1,2"}
        assert answer["Body"].read() == expected[answer["InvokedProductionVariant"]]
    assert 40 < invoked["one"] < 79
    answer = runtime.invoke_endpoint(EndpointName=name, Body=b"x", TargetVariant="two", CustomAttributes="trace=7")
    assert answer["InvokedProductionVariant"] == "two"
    assert answer["CustomAttributes"] == "trace=7"
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[
            {"VariantName": "one", "DesiredWeight": 0, "DesiredInstanceCount": 1},
            {"VariantName": "two", "DesiredWeight": 1, "DesiredInstanceCount": 2},
        ],
    )
    found = settled(sagemaker, name)
    assert [(each["CurrentWeight"], each["CurrentInstanceCount"]) for each in found["ProductionVariants"]] == [
        (0.0, 1),
        (1.0, 2),
    ]
    variants = {runtime.invoke_endpoint(EndpointName=name, Body=b"x")["InvokedProductionVariant"] for _ in range(10)}
    assert variants == {"two"}
    delete(sagemaker, name)
    assert servers(serving) == []


def test_errors_of_the_runtime(sagemaker: Any, runtime: Any) -> None:
    with pytest.raises(ClientError, match="Endpoint none of account 000000000000 not found") as raised:
        runtime.invoke_endpoint(EndpointName="none", Body=b"x")
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    name = deploy(sagemaker, configure(sagemaker, variant("one", "a")))
    with pytest.raises(ClientError, match="Variant other not found"):
        runtime.invoke_endpoint(EndpointName=name, Body=b"x", TargetVariant="other")
    with pytest.raises(ClientError) as raised:
        runtime.invoke_endpoint(EndpointName=name, Body=b"bad")
    response = raised.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 500
    assert response["OriginalMessage"] == "no such column"
    assert f"/aws/sagemaker/Endpoints/{name}" in response["LogStreamArn"]
    with pytest.raises(ClientError, match="the container closed the connection"):
        runtime.invoke_endpoint(EndpointName=name, Body=b"close")
    delete(sagemaker, name)


def test_a_dead_server_is_started_again(serving: Any, sagemaker: Any, runtime: Any) -> None:
    name = deploy(sagemaker, configure(sagemaker, variant("one", "a")))
    with pytest.raises(ClientError, match="ModelError"):
        runtime.invoke_endpoint(EndpointName=name, Body=b"die")
    assert runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read().startswith(b"weights,a")
    killed = servers(serving)
    for process in killed:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(killed, 60)
    assert runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read().startswith(b"weights,a")
    delete(sagemaker, name)


def test_an_endpoint_that_does_not_come_up(sagemaker: Any, runtime: Any) -> None:
    sagemaker.create_endpoint(EndpointName="broken", EndpointConfigName=configure(sagemaker, variant("one", "broken")))
    found = settled(sagemaker, "broken")
    assert found["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in found["FailureReason"]
    assert "cannot load the model: no such file" in found["FailureReason"]
    with pytest.raises(ClientError, match="not found"):
        runtime.invoke_endpoint(EndpointName="broken", Body=b"x")
    with pytest.raises(ClientError, match="only be deleted"):
        sagemaker.update_endpoint(EndpointName="broken", EndpointConfigName=found["EndpointConfigName"])
    delete(sagemaker, "broken")


def test_an_update_loses_no_request_and_a_failed_one_keeps_the_old(serving: Any, sagemaker: Any, runtime: Any) -> None:
    first = configure(sagemaker, variant("one", "a"))
    second, broken = configure(sagemaker, variant("one", "b")), configure(sagemaker, variant("one", "broken"))
    name = deploy(sagemaker, first)
    over, answers, errors = threading.Event(), Counter[bytes](), []

    def load() -> None:
        client = serving.client("sagemaker-runtime")
        while not over.is_set():
            try:
                answers[client.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read()[:9]] += 1
            except ClientError as error:
                errors.append(str(error))

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second)
        during = sagemaker.describe_endpoint(EndpointName=name)
        if during["EndpointStatus"] == "Updating":
            assert during["PendingDeploymentSummary"]["EndpointConfigName"] == second
        with contextlib.suppress(ClientError):
            sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=first)
            # The first update was over already: once more.
            settled(sagemaker, name)
            sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second)
        found = settled(sagemaker, name)
        assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", second)
        assert "PendingDeploymentSummary" not in found
        assert "FailureReason" not in found
        time.sleep(0.3)
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=broken)
        found = settled(sagemaker, name)
        assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", second)
        assert "cannot load the model" in found["FailureReason"]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert answers[b"weights,a"] > 0
    assert answers[b"weights,b"] > 0
    assert runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read().startswith(b"weights,b")
    delete(sagemaker, name)


def test_data_capture_in_awss_form(serving: Any, sagemaker: Any, runtime: Any) -> None:
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://job-data/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }
    name = deploy(sagemaker, configure(sagemaker, variant("one", "a"), DataCaptureConfig=capture))
    described = sagemaker.describe_endpoint(EndpointName=name)["DataCaptureConfig"]
    assert described["CaptureStatus"] == "Started"
    for body, kind in ((b"1,2", "text/csv"), (b"{}", "application/json"), (b"\xff", "image/png")):
        runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType=kind, InferenceId="id-1")
    s3 = serving.aws("s3")

    def lines() -> list[dict[str, Any]]:
        found = []
        for item in s3.list_objects_v2(Bucket="job-data", Prefix=f"capture/{name}/one/").get("Contents", []):
            moment = time.strftime("%Y/%m/%d", time.gmtime())
            assert item["Key"].startswith(f"capture/{name}/one/{moment}/")
            assert item["Key"].endswith(".jsonl")
            text = s3.get_object(Bucket="job-data", Key=item["Key"])["Body"].read().decode()
            found += [json.loads(line) for line in text.splitlines()]
        return found

    captured = until(lines, lambda found: len(found) >= 3)
    csv, js, other = captured
    assert csv["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "1,2",
        "encoding": "CSV",
    }
    assert csv["captureData"]["endpointOutput"]["mode"] == "OUTPUT"
    assert csv["captureData"]["endpointOutput"]["data"] == "weights,a,text/csv,1,2"
    assert csv["eventVersion"] == "0"
    assert csv["eventMetadata"]["inferenceId"] == "id-1"
    assert set(csv["eventMetadata"]) == {"eventId", "inferenceId", "inferenceTime"}
    assert js["captureData"]["endpointInput"]["encoding"] == "JSON"
    assert other["captureData"]["endpointInput"]["encoding"] == "BASE64"
    assert base64.b64decode(other["captureData"]["endpointInput"]["data"]) == b"\xff"
    delete(sagemaker, name)


def test_a_model_package_is_deployed_by_its_arn(sagemaker: Any, runtime: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="served")
    container = {"Image": IMAGE, "ModelDataUrl": "s3://job-data/served/model.tar.gz", "Environment": {"TAG": "package"}}
    specification = {
        "Containers": [container],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    arn = sagemaker.create_model_package(ModelPackageGroupName="served", InferenceSpecification=specification)[
        "ModelPackageArn"
    ]
    sagemaker.create_model(ModelName="from-package", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": arn})
    name = deploy(sagemaker, configure(sagemaker, variant("one", "from-package")))
    assert runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read().startswith(b"weights,package")
    delete(sagemaker, name)


def test_what_is_not_run_is_refused(sagemaker: Any) -> None:
    scaled = {**variant("one", "a"), "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1}}
    config = configure(sagemaker, scaled)
    with pytest.raises(ClientError, match="does not run ManagedInstanceScaling of variant one"):
        sagemaker.create_endpoint(EndpointName="scaled", EndpointConfigName=config)


def test_logs_of_an_endpoint(serving: Any, sagemaker: Any, runtime: Any) -> None:
    name = deploy(sagemaker, configure(sagemaker, variant("one", "a")))
    runtime.invoke_endpoint(EndpointName=name, Body=b"hello")
    logs, group = serving.aws("logs"), f"/aws/sagemaker/Endpoints/{name}"

    def messages() -> list[str]:
        try:
            streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        except ClientError:
            return []
        assert all(stream["logStreamName"].startswith("one/i-") for stream in streams)
        return [
            event["message"]
            for stream in streams
            for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        ]

    until(messages, lambda found: "invoked with b'hello'" in found)
    delete(sagemaker, name)


def test_events_reach_a_rule(serving: Any, sagemaker: Any) -> None:
    sqs, events = serving.aws("sqs"), serving.aws("events")
    queue = sqs.create_queue(QueueName="approvals")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelApprovalStatus": ["Approved"]},
    }
    events.put_rule(Name="approved", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="approved", Targets=[{"Id": "queue", "Arn": arn}])
    sagemaker.create_model_package_group(ModelPackageGroupName="events")
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://job-data/served/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    package = sagemaker.create_model_package(ModelPackageGroupName="events", InferenceSpecification=specification)[
        "ModelPackageArn"
    ]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    received = until(
        lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []), lambda found: bool(found)
    )
    assert len(received) == 1, "the version that was only registered does not match"
    event = json.loads(received[0]["Body"])
    assert event["source"] == "aws.sagemaker"
    assert event["resources"] == [package]
    detail = event["detail"]
    assert detail["ModelPackageArn"] == package
    assert detail["ModelPackageGroupName"] == "events"
    assert detail["ModelPackageVersion"] == 1
    assert detail["ModelApprovalStatus"] == "Approved"
    assert detail["CreationTime"].endswith("Z")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_endpoints_come_up_again(serving: Any, sagemaker: Any, runtime: Any, how: str) -> None:
    """Last of this file's tests: they restart the process."""
    name = deploy(sagemaker, configure(sagemaker, variant("one", "a")))
    before = servers(serving)
    getattr(serving, how)()
    until(lambda: [process for process in before if process.is_running()], lambda left: left == [])
    serving.start()
    assert runtime.invoke_endpoint(EndpointName=name, Body=b"x")["Body"].read().startswith(b"weights,a")
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"
    delete(sagemaker, name)
    assert servers(serving) == []
