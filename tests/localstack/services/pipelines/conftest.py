"""Executions without a cloud: jobs and S3 objects in memory, the real store and the real scheduler."""

from __future__ import annotations

import io
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock_services.app import load_parts
from penstock_services.clients import Clients
from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker import index, service
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.pipelines import events, execution, step_kinds
from penstock_services.sagemaker.pipelines.live import all_live
from penstock_services.sagemaker.pipelines.state import ENDED, EXECUTION
from penstock_services.sagemaker.validation import validate
from penstock_services.settings import Settings
from penstock_services.store import Scope, Store

SCOPE = Scope("000000000000", "us-east-1")
PIPELINE_ARN = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/flights"
ROLE = "arn:aws:iam::000000000000:role/training"
KINDS = {
    "ProcessingJob": "processing-job",
    "TrainingJob": "training-job",
    "TransformJob": "transform-job",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
}
load_parts()


class Cloud:
    """The real control plane, over jobs in memory.

    ``refusals`` are errors that the next Create of a job raises, one after the other. ``jobs`` is every created job's
    request by name; ``ends`` says how the job of a step ends (by default Completed after ``job_seconds``), ``None`` for
    never. ``calls`` is all operations in order, ``changes`` all events.
    """

    def __init__(self, folder: Path) -> None:
        settings = Settings(folder, "http://127.0.0.1:1", 0, step_seconds=0.0)
        self.store = Store(folder / "records.sqlite", index.columns)
        self.clients = FakeClients(settings)
        self.context = Context(SCOPE, self.store, settings, self.clients, self.call)
        self.jobs: dict[str, dict[str, Any]] = {}
        self.ends: Callable[[str], tuple[str, str | None] | None] = lambda _name: ("Completed", None)
        self.refusals: list[ServiceError] = []
        self.job_seconds = 0.0
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.running: list[int] = []
        self._created: dict[str, float] = {}
        self._stopped: set[str] = set()
        self._lock = threading.Lock()

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        model = load("sagemaker")
        kind = next((kind for kind in KINDS if operation in (f"Create{kind}", f"Describe{kind}", f"Stop{kind}")), None)
        token = model.token_member(operation)
        if token is not None and token in model.required(model.input_shape(operation)):
            request = {token: uuid.uuid4().hex, **request}
        with self._lock:
            self.calls.append((operation, request))
            if kind is not None:
                return self._job(kind, operation, validate(model, model.input_shape(operation), request))
        return service.serve(self.context, operation, request)

    def pipeline(
        self, steps: list[dict[str, Any]], parameters: list[dict[str, Any]] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Create the one pipeline of this cloud, or give it this definition."""
        definition = {"Version": "2020-12-01", "Parameters": parameters or [], "Steps": steps, **more}
        request = {"PipelineName": "flights", "PipelineDefinition": json.dumps(definition), "RoleArn": ROLE}
        there = self.store.get(SCOPE, "Pipeline", "flights") is not None
        return self.call("UpdatePipeline" if there else "CreatePipeline", request)

    def start(self, **parameters: str) -> str:
        """Start an execution; its ARN."""
        return self.begin(PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()])

    def begin(self, **request: Any) -> str:
        """StartPipelineExecution with these members; the execution's ARN."""
        arn: str = self.call("StartPipelineExecution", {"PipelineName": "flights", **request})["PipelineExecutionArn"]
        return arn

    def run(self, **parameters: str) -> dict[str, Any]:
        """Start an execution and wait for its end; its description."""
        return self.wait(self.start(**parameters))

    def wait(self, arn: str, seconds: float = 60.0) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            description = self.call("DescribePipelineExecution", {"PipelineExecutionArn": arn})
            if description["PipelineExecutionStatus"] in ENDED:
                return description
            time.sleep(0.005)
        pytest.fail(f"{arn} did not end: {self.store.get(SCOPE, EXECUTION, arn)} {self.steps(arn)}")

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        """The steps in the order of their start, by name."""
        request = {"PipelineExecutionArn": arn, "SortOrder": "Ascending", "MaxResults": 100}
        listed = self.call("ListPipelineExecutionSteps", request)["PipelineExecutionSteps"]
        return {each["StepName"]: each for each in listed}

    def requests(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.calls if name == operation]

    def _job(self, kind: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        name = request[f"{kind}Name"]
        arn = f"arn:aws:sagemaker:us-east-1:000000000000:{KINDS[kind]}/{name}"
        if operation.startswith("Create"):
            if self.refusals:
                raise self.refusals.pop(0)
            self.jobs[name] = request
            self._created[name] = time.monotonic()
            self.running.append(sum(self._end(kind, each) is None for each in self.jobs))
            return {f"{kind}Arn": arn}
        if operation.startswith("Stop"):
            self._stopped.add(name)
            return {}
        end = self._end(kind, name)
        answer = {**self.jobs[name], f"{kind}Arn": arn, f"{kind}Status": end[0] if end else "InProgress"}
        if end and end[1]:
            answer["FailureReason"] = end[1]
        if kind == "TrainingJob":
            answer["ModelArtifacts"] = {"S3ModelArtifacts": f"s3://models/{name}/model.tar.gz"}
        return answer

    def _end(self, _kind: str, name: str) -> tuple[str, str | None] | None:
        if name in self._stopped:
            return ("Stopped", None)
        if time.monotonic() - self._created[name] < self.job_seconds:
            return None
        return self.ends(name)


class FakeClients(Clients):
    """S3 in memory, ``objects`` by bucket/key; SQS, whose ``messages`` are (queue, body); EventBridge takes all;
    ``functions`` are Lambda functions by ARN."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.objects: dict[str, bytes] = {}
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.functions: dict[str, Callable[[Any], Any]] = {}

    def client(self, service: str, scope: Scope) -> Any:
        assert service in ("s3", "sqs", "events")
        return self

    def once(self, service: str, scope: Scope, read_seconds: float) -> Any:
        assert service == "lambda"
        return self

    def put_events(self, Entries: list[Any]) -> dict[str, Any]:
        return {"FailedEntryCount": 0, "Entries": Entries}

    def send_message(self, QueueUrl: str, MessageBody: str) -> None:
        self.messages.append((QueueUrl, json.loads(MessageBody)))

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:
        assert InvocationType == "RequestResponse"
        try:
            answer = self.functions[FunctionName](json.loads(Payload))
        except ZeroDivisionError as error:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(str(error).encode())}
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode())}

    def delete_object(self, Bucket: str, Key: str) -> None:
        self.objects.pop(f"{Bucket}/{Key}", None)

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if f"{Bucket}/{Key}" not in self.objects:
            error = {"Error": {"Code": "NoSuchKey", "Message": "The specified key does not exist."}}
            raise ClientError(error, "GetObject")
        return {"Body": io.BytesIO(self.objects[f"{Bucket}/{Key}"])}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path)
    monkeypatch.setattr(events, "emit", lambda _context, kind, _resources, detail: cloud.changes.append((kind, detail)))
    monkeypatch.setattr(execution, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(step_kinds, "_answered", lambda _operation: True)
    yield cloud
    for running in all_live():
        running.abandon(5)


def processing(name: str, *, outputs: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """A Processing step; ``environment`` are its variables, the rest are members of the step."""
    arguments: dict[str, Any] = {
        "AppSpecification": {"ImageUri": "image"},
        "RoleArn": ROLE,
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "Environment": more.pop("environment", {}),
    }
    if outputs:
        arguments["ProcessingOutputConfig"] = {
            "Outputs": [
                {
                    "OutputName": output,
                    "S3Output": {
                        "S3Uri": f"s3://data/{name}/{output}",
                        "LocalPath": f"/opt/ml/processing/{output}",
                        "S3UploadMode": "EndOfJob",
                    },
                }
                for output in outputs
            ]
        }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}


def condition(name: str, conditions: list[Any], then: list[Any], otherwise: list[Any], **more: Any) -> dict[str, Any]:
    """A Condition step."""
    arguments = {"Conditions": conditions, "IfSteps": then, "ElseSteps": otherwise}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, **more}


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    """A comparing condition."""
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def training(name: str, **more: Any) -> dict[str, Any]:
    """A Training step; ``hyperparameters`` are its own, the rest are members of the step."""
    arguments: dict[str, Any] = {
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "HyperParameters": more.pop("hyperparameters", {}),
    }
    return {"Name": name, "Type": "Training", "Arguments": arguments, **more}


def function(name: str, arn: str = "arn:f", outputs: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A Lambda step; ``outputs`` are types by name."""
    declared = [{"OutputName": key, "OutputType": kind} for key, kind in (outputs or {}).items()]
    step = {"Name": name, "Type": "Lambda", "FunctionArn": arn, "OutputParameters": declared, "Arguments": {}}
    return {**step, **more}


def callback(name: str, outputs: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A Callback step on the queue ``http://queue``; ``outputs`` are types by name."""
    declared = [{"OutputName": key, "OutputType": kind} for key, kind in (outputs or {}).items()]
    step = {"Name": name, "Type": "Callback", "SqsQueueUrl": "http://queue", "OutputParameters": declared}
    return {**step, "Arguments": {}, **more}


def for_each(name: str, items: Any, body: list[dict[str, Any]], concurrency: int = 5, **more: Any) -> dict[str, Any]:
    """A ForEach step; a ``selector`` is its Selector."""
    arguments = {"IterableItems": items, "MaxConcurrency": concurrency, "ForEachBody": body}
    if "selector" in more:
        arguments["Selector"] = more.pop("selector")
    return {"Name": name, "Type": "ForEach", "Arguments": arguments, **more}
