"""Batch transform jobs that really run."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.waiting import until

pytestmark = pytest.mark.cloud

ROLE = "arn:aws:iam::000000000000:role/serving"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"

SERVE = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
if os.environ.get("BROKEN"):
    print("cannot load the model: no such file", flush=True)
    sys.exit(3)
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
factor = float(open(f"{base}/model/factor.txt").read())
print({name: value for name, value in os.environ.items() if name.startswith("SAGEMAKER_")}, flush=True)
seen = set()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def log_message(self, *_):
        pass
    def answer(self, status, body, kind="text/csv"):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path == "/execution-parameters":
            parameters = os.environ.get("PARAMETERS")
            return self.answer(200 if parameters else 404, (parameters or "").encode())
        self.answer(200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind, wanted = self.headers["Content-Type"], self.headers["Accept"]
        print("payload", len(body), kind, wanted, flush=True)
        if b"sleep" in body:
            time.sleep(60)
        if b"die" in body:
            os._exit(1)
        if b"bad" in body:
            return self.answer(500, b"no such column")
        if b"wrong" in body:
            return self.answer(415, b"not csv")
        if b"flaky" in body and body not in seen:
            seen.add(body)
            return self.answer(503, b"not yet")
        if os.environ.get("RAW"):
            return self.answer(200, body, "application/octet-stream")
        text = body.decode()
        if kind == "application/json":
            total = sum(json.loads(text)["features"])
            return self.answer(200, json.dumps({"score": total * factor}).encode(), "application/json")
        rows = [row.replace("flaky", "1") for row in text.splitlines()]
        sums = [str(factor * sum(float(cell) for cell in row.split(","))) for row in rows]
        self.answer(200, "\\n".join(sums).encode())
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
DONE = ("Completed", "Failed", "Stopped")


@pytest.fixture(scope="module")
def sagemaker(serving: Any, archive: Callable[..., bytes]) -> Any:
    serving.image(serve=SERVE)
    s3 = serving.aws("s3")
    s3.put_object(Bucket="job-data", Key="batch/model.tar.gz", Body=archive(factor__txt="2"))
    s3.put_object(Bucket="job-data", Key="batch/half.tar.gz", Body=archive(factor__txt="0.5"))
    client = serving.client()
    parameters = json.dumps({"MaxConcurrentTransforms": 3, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1})
    for name, environment in (
        ("plain", {}), ("broken", {"BROKEN": "1"}), ("raw", {"RAW": "1"}), ("telling", {"PARAMETERS": parameters})
    ):  # fmt: skip
        client.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container(**environment))
    half = {**container(), "ModelDataUrl": "s3://job-data/batch/half.tar.gz"}
    client.create_model(ModelName="chain", ExecutionRoleArn=ROLE, Containers=[container(), half, half])
    return client


def container(**environment: str) -> dict[str, Any]:
    return {"Image": IMAGE, "ModelDataUrl": "s3://job-data/batch/model.tar.gz", "Environment": environment}


class Run:
    """One job over objects of its own."""

    def __init__(self, serving: Any, sagemaker: Any) -> None:
        self.s3 = serving.aws("s3")
        self.logs = serving.aws("logs")
        self.sagemaker = sagemaker
        self.name = f"transform-{uuid.uuid4().hex[:8]}"

    def put(self, **objects: bytes) -> Run:
        for name, content in objects.items():
            self.s3.put_object(Bucket="job-data", Key=f"{self.name}/in/{name.replace('__', '/')}", Body=content)
        return self

    def start(self, model: str = "plain", **more: Any) -> Run:
        given = {"ContentType": "text/csv", "SplitType": "Line", **more.pop("given", {})}
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://job-data/{self.name}/in/", **more.pop("source", {})}
        output = {"S3OutputPath": f"s3://job-data/{self.name}/out/", "AssembleWith": "Line", **more.pop("output", {})}
        self.sagemaker.create_transform_job(
            TransformJobName=self.name,
            ModelName=model,
            TransformInput={"DataSource": {"S3DataSource": source}, **given},
            TransformOutput=output,
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": more.pop("count", 1)},
            **more,
        )
        return self

    def describe(self) -> Any:
        return self.sagemaker.describe_transform_job(TransformJobName=self.name)

    def finished(self) -> Any:
        return until(self.describe, lambda job: job["TransformJobStatus"] in DONE)

    def output(self) -> dict[str, bytes]:
        found = self.s3.list_objects_v2(Bucket="job-data", Prefix=f"{self.name}/out/").get("Contents", [])
        keys = [item["Key"] for item in found]
        prefix = f"{self.name}/out/"
        return {key.removeprefix(prefix): self.s3.get_object(Bucket="job-data", Key=key)["Body"].read() for key in keys}

    def messages(self, data_log: bool = False) -> list[str]:
        group = "/aws/sagemaker/TransformJobs"
        try:
            streams = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{self.name}/i-")
        except ClientError:
            return []
        names = [each["logStreamName"] for each in streams["logStreams"]]
        return [
            event["message"]
            for name in names
            if name.endswith("/data-log") == data_log
            for event in self.logs.get_log_events(logGroupName=group, logStreamName=name)["events"]
        ]


@pytest.fixture
def run(serving: Any, sagemaker: Any) -> Run:
    return Run(serving, sagemaker)


def test_a_transform_job(run: Run) -> None:
    run.put(**{"a.csv": b"1,2\n3,4\n", "deep__b.csv": b"5\n"}).start(
        BatchStrategy="MultiRecord", MaxPayloadInMB=3, MaxConcurrentTransforms=2, Environment={"OWN": "x"}
    )
    job = run.finished()
    assert job["TransformJobStatus"] == "Completed", job
    assert run.output() == {"a.csv.out": b"6.0\n14.0\n", "deep/b.csv.out": b"10.0\n"}
    assert job["TransformJobArn"].endswith(f":transform-job/{run.name}")
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]
    assert job["MaxPayloadInMB"] == 3
    assert "DataProcessing" not in job
    said = until(run.messages, lambda found: len(found) >= 3)
    variables = next(each for each in said if "SAGEMAKER_BATCH" in each)
    for text in (
        "'SAGEMAKER_BATCH': 'true'", "'SAGEMAKER_BATCH_STRATEGY': 'MULTI_RECORD'", "'SAGEMAKER_MAX_PAYLOAD_IN_MB': '3'",
        "'SAGEMAKER_MAX_CONCURRENT_TRANSFORMS': '2'",
    ):  # fmt: skip
        assert text in variables
    data_log = until(lambda: run.messages(True), bool)
    assert "MaxConcurrentTransforms=2, MaxPayloadInMB=3, BatchStrategy=MULTI_RECORD" in data_log[0]
    listed = run.sagemaker.list_transform_jobs(NameContains=run.name)["TransformJobSummaries"]
    assert [each["TransformJobStatus"] for each in listed] == ["Completed"]


def test_the_container_is_asked_what_the_request_does_not_say(run: Run) -> None:
    run.put(a=b"1\n2\n3\n").start("telling")
    assert run.finished()["TransformJobStatus"] == "Completed"
    assert run.output() == {"a.out": b"2.0\n4.0\n6.0\n"}
    said = until(run.messages, lambda found: "".join(found).count("payload") == 3)
    assert "SAGEMAKER_BATCH_STRATEGY" not in "".join(said)
    assert "MaxConcurrentTransforms=3, MaxPayloadInMB=1, BatchStrategy=SINGLE_RECORD" in run.messages(True)[0]


def test_input_filter_join_and_output_filter(run: Run) -> None:
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    run.put(a=b"x,1,2\ny,3,4\n").start(DataProcessing=processing, output={"Accept": "text/csv"})
    job = run.finished()
    assert job["TransformJobStatus"] == "Completed", job
    assert run.output() == {"a.out": b"x,6.0\ny,14.0\n"}
    assert job["DataProcessing"] == processing


def test_a_json_document_joined_captured_and_identified(run: Run) -> None:
    capture = {"DestinationS3Uri": f"s3://job-data/{run.name}/captured", "GenerateInferenceId": True}
    run.put(**{"one.json": b'{"id": 7, "features": [1, 2]}'}).start(
        given={"ContentType": "application/json", "SplitType": "None"},
        output={"Accept": "application/json", "AssembleWith": "None"},
        DataProcessing={"JoinSource": "Input"},
        DataCaptureConfig=capture,
    )
    job = run.finished()
    assert job["TransformJobStatus"] == "Completed", job
    line = json.loads(run.output()["one.json.out"])
    assert line["SageMakerOutput"] == {"score": 6.0}
    assert line["id"] == 7
    assert len(line["SageMakerInferenceId"]) == 36
    hour = time.strftime("%Y/%m/%d/%H", job["TransformStartTime"].utctimetuple())
    found = {}
    for side in ("input", "output"):
        listing = run.s3.list_objects_v2(Bucket="job-data", Prefix=f"{run.name}/captured/{side}/{hour}/")["Contents"]
        found[side] = json.loads(run.s3.get_object(Bucket="job-data", Key=listing[0]["Key"])["Body"].read())
    assert found == {
        "input": [{"prefix": f"s3://job-data/{run.name}/in/"}, "one.json"],
        "output": [{"prefix": f"s3://job-data/{run.name}/out/"}, "one.json.out"],
    }


def test_gzip_a_manifest_and_no_splitting(run: Run) -> None:
    manifest = json.dumps([{"prefix": f"s3://job-data/{run.name}/in/"}, "b/two.gz"]).encode()
    run.put(**{"a.gz": gzip.compress(b"1"), "b__two.gz": gzip.compress(b"abc\ndef"), "the.manifest": manifest})
    run.start(
        "raw",
        source={"S3DataType": "ManifestFile", "S3Uri": f"s3://job-data/{run.name}/in/the.manifest"},
        given={"CompressionType": "Gzip", "SplitType": "None"},
        output={"AssembleWith": "None"},
    )
    assert run.finished()["TransformJobStatus"] == "Completed"
    assert run.output() == {"b/two.gz.out": b"abc\ndef"}


def test_a_chain_of_containers(run: Run) -> None:
    run.put(a=b"8\n").start("chain")
    job = run.finished()
    assert job["TransformJobStatus"] == "Completed", job
    assert run.output() == {"a.out": b"4.0\n"}


def test_several_instances_share_the_objects(run: Run) -> None:
    run.put(**{f"{number}.csv": f"{number}\n".encode() for number in range(5)}).start(count=2)
    assert run.finished()["TransformJobStatus"] == "Completed"
    assert len(run.output()) == 5
    streams = run.logs.describe_log_streams(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamNamePrefix=f"{run.name}/i-"
    )["logStreams"]
    assert len(streams) == 4, "a log and a data log for each instance"


def test_one_bad_object_fails_the_job_but_not_the_others(run: Run) -> None:
    run.put(a=b"1\n", b=b"2\nbad\n3\n", c=b"4\n").start(
        BatchStrategy="SingleRecord", ModelClientConfig={"InvocationsMaxRetries": 0}
    )
    job = run.finished()
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: See job logs for more information")
    assert run.output() == {"a.out": b"2.0\n", "c.out": b"8.0\n"}
    said = until(lambda: run.messages(True), lambda found: len(found) == 2)
    assert f"job-data/{run.name}/in/b: Bad HTTP status received from algorithm: 500" in said[1]


def test_data_that_the_model_refuses_is_the_clients_fault(run: Run) -> None:
    run.put(a=b"wrong\n").start()
    job = run.finished()
    assert job["FailureReason"].startswith("ClientError: See job logs for more information")
    assert "415" in job["FailureReason"]


def test_an_invocation_that_fails_is_tried_again(run: Run) -> None:
    run.put(a=b"flaky,2\n").start(ModelClientConfig={"InvocationsMaxRetries": 1, "InvocationsTimeoutInSeconds": 5})
    assert run.finished()["TransformJobStatus"] == "Completed"
    assert run.output() == {"a.out": b"6.0\n"}


def test_an_invocation_that_takes_too_long(run: Run) -> None:
    run.put(a=b"sleep\n").start(ModelClientConfig={"InvocationsMaxRetries": 0, "InvocationsTimeoutInSeconds": 1})
    job = run.finished()
    assert "did not respond to /invocations request within 1 seconds" in job["FailureReason"]


def test_a_record_that_is_larger_than_the_payload(run: Run) -> None:
    run.put(a=b"1" * (1 << 20) + b"1\n").start(MaxPayloadInMB=1)
    job = run.finished()
    assert job["TransformJobStatus"] == "Failed"
    assert "Too much data for max payload size" in job["FailureReason"]


def test_a_server_that_does_not_come_up(run: Run) -> None:
    run.put(a=b"1\n").start("broken")
    job = run.finished()
    assert job["TransformJobStatus"] == "Failed"
    assert "failed to respond to ping" in job["FailureReason"]
    assert "cannot load the model" in job["FailureReason"]


def test_a_server_that_dies(run: Run) -> None:
    run.put(a=b"die\n").start(ModelClientConfig={"InvocationsMaxRetries": 0})
    job = run.finished()
    assert job["TransformJobStatus"] == "Failed"
    assert "Unable to get response from algorithm" in job["FailureReason"]


def test_a_model_package(run: Run) -> None:
    run.sagemaker.create_model_package_group(ModelPackageGroupName="transformed")
    specification = {
        "Containers": [container(), {**container(), "ModelDataUrl": "s3://job-data/batch/half.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    arn = run.sagemaker.create_model_package(ModelPackageGroupName="transformed", InferenceSpecification=specification)[
        "ModelPackageArn"
    ]
    run.sagemaker.create_model(ModelName="packed", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": arn})
    run.put(a=b"7\n").start("packed")
    job = run.finished()
    assert job["TransformJobStatus"] == "Completed", job
    assert run.output() == {"a.out": b"7.0\n"}


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2, 0.4, 0.7])
def test_stop_at_any_moment(serving: Any, run: Run, delay: float) -> None:
    run.put(**{f"{number}.csv": b"1\n2\n" for number in range(20)}).start()
    time.sleep(delay)
    with contextlib.suppress(ClientError):
        run.sagemaker.stop_transform_job(TransformJobName=run.name)
    job = run.finished()
    assert job["TransformJobStatus"] in ("Stopped", "Completed")
    assert len(run.output()) == (20 if job["TransformJobStatus"] == "Completed" else 0)
    assert servers(serving) == []


def test_nothing_to_transform(run: Run) -> None:
    run.start()
    assert "No S3 objects found" in run.finished()["FailureReason"]


def servers(serving: Any) -> list[int]:
    found = []
    for process in psutil.Process(serving.process.pid).children(recursive=True):
        try:
            found += [process.pid for word in process.cmdline() if word.endswith("image-bin/serve")]
        except psutil.Error:
            continue
    return found


def test_stop_leaves_no_output_and_no_process(serving: Any, run: Run) -> None:
    run.put(a=b"1\n", b=b"sleep\n").start(MaxConcurrentTransforms=1)
    until(lambda: servers(serving), bool)
    time.sleep(0.5)
    run.sagemaker.stop_transform_job(TransformJobName=run.name)
    assert run.describe()["TransformJobStatus"] in ("Stopping", "Stopped")
    job = run.finished()
    assert job["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in job
    assert run.output() == {}
    assert servers(serving) == []
    with pytest.raises(ClientError, match="in status Stopped"):
        run.sagemaker.stop_transform_job(TransformJobName=run.name)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"model": "nothing"}, "Could not find model"),
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, "100 MB"),
        ({"source": {"S3DataType": "AugmentedManifestFile"}}, "AugmentedManifestFile"),
        ({"DataProcessing": {"InputFilter": "$[?(@.x)]"}}, "JSONPath"),
        ({"DataProcessing": {"InputFilter": "$.a"}, "given": {"ContentType": "image/png"}}, "CSV or JSON"),
        ({"DataProcessing": {"JoinSource": "Input"}, "output": {"Accept": "application/json"}}, "same format"),
        ({"count": 90}, "service limit"),
    ],
)
def test_what_is_refused(run: Run, more: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError, match=text):
        run.start(**more)
    with pytest.raises(ClientError, match="Could not find requested job"):
        run.describe()


def test_events_reach_a_rule(serving: Any, run: Run) -> None:
    sqs, events = serving.aws("sqs"), serving.aws("events")
    queue = sqs.create_queue(QueueName=run.name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Transform Job State Change"]}
    events.put_rule(Name=run.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=run.name, Targets=[{"Id": "queue", "Arn": arn}])
    run.put(a=b"1\n").start()
    run.finished()
    seen: list[Any] = []

    def statuses() -> list[str]:
        messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", [])
        seen.extend(json.loads(each["Body"]) for each in messages)
        return [each["detail"]["TransformJobStatus"] for each in seen if each["detail"]["TransformJobName"] == run.name]

    until(statuses, lambda found: "InProgress" in found and "Completed" in found)
    events.remove_targets(Rule=run.name, Ids=["queue"])


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_end_of_the_cloud_fails_the_job(serving: Any, run: Run, how: str) -> None:
    """Last of this file's tests: it restarts the process."""
    run.put(a=b"sleep\n").start()
    until(lambda: servers(serving), bool)
    getattr(serving, how)()
    serving.start()
    job = run.describe()
    assert job["TransformJobStatus"] == "Failed"
    assert "while this job was running" in job["FailureReason"]
    assert job["TransformEndTime"] >= job["CreationTime"]
    assert run.output() == {}
