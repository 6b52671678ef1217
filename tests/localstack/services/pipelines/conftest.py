"""Executions without a cloud: jobs and S3 objects in memory, the real store and the real scheduler."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock_services.clients import Clients
from penstock_services.errors import ServiceError
from penstock_services.operations import OPERATIONS, Context
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.pipelines import events
from penstock_services.sagemaker.pipelines.definition import validate as validate_definition
from penstock_services.sagemaker.pipelines.state import ENDED, EXECUTION
from penstock_services.sagemaker.validation import validate
from penstock_services.settings import Settings
from penstock_services.store import Scope, Store

SCOPE = Scope("000000000000", "us-east-1")
PIPELINE_ARN = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/flights"
ROLE = "arn:aws:iam::000000000000:role/training"
KINDS = {"ProcessingJob": "processing-job", "TrainingJob": "training-job"}


class Cloud:
    """Operations that pipelines call, over jobs in memory.

    ``jobs`` is every created job's request by name; ``ends`` says how the job of a step ends (by default Completed
    after ``job_seconds``), ``None`` for never. ``calls`` is all operations in order, ``changes`` all events.
    """

    def __init__(self, folder: Path) -> None:
        settings = Settings(folder, "http://127.0.0.1:1", 0)
        self.store = Store(folder / "records.sqlite")
        self.clients = FakeClients(settings)
        self.context = Context(SCOPE, self.store, settings, self.clients, self.call)
        self.jobs: dict[str, dict[str, Any]] = {}
        self.ends: Callable[[str], tuple[str, str | None] | None] = lambda _name: ("Completed", None)
        self.job_seconds = 0.0
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.changes: list[tuple[str, dict[str, Any]]] = []
        self.running: list[int] = []
        self._created: dict[str, float] = {}
        self._stopped: set[str] = set()
        self._lock = threading.Lock()

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        model = load("sagemaker")
        request = validate(model, model.input_shape(operation), request)
        with self._lock:
            self.calls.append((operation, request))
            if "Execution" not in operation:
                answer: dict[str, Any] = getattr(self, f"_{operation}", self._job)(operation, request)
                return answer
        return OPERATIONS[operation](self.context, request)

    def pipeline(self, steps: list[dict[str, Any]], parameters: list[dict[str, Any]] | None = None) -> None:
        """The one pipeline of this cloud."""
        definition = {"Version": "2020-12-01", "Parameters": parameters or [], "Steps": steps}
        validate_definition(json.dumps(definition))
        record = {
            "PipelineArn": PIPELINE_ARN,
            "PipelineName": "flights",
            "PipelineDefinition": json.dumps(definition),
            "RoleArn": ROLE,
            "CreationTime": 0.0,
        }
        self.store.put(SCOPE, "Pipeline", "flights", record)

    def start(self, **parameters: str) -> str:
        """Start an execution; its ARN."""
        given = [{"Name": name, "Value": value} for name, value in parameters.items()]
        request = {"PipelineName": "flights", "PipelineParameters": given, "ClientRequestToken": "t" * 32}
        arn: str = self.call("StartPipelineExecution", request)["PipelineExecutionArn"]
        return arn

    def run(self, **parameters: str) -> dict[str, Any]:
        """Start an execution and wait for its end; its description."""
        return self.wait(self.start(**parameters))

    def wait(self, arn: str, seconds: float = 20.0) -> dict[str, Any]:
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

    def _DescribePipeline(self, _operation: str, request: dict[str, Any]) -> dict[str, Any]:
        record = self.store.get(SCOPE, "Pipeline", request["PipelineName"])
        if record is None:
            raise ServiceError("ResourceNotFound", f"Pipeline '{request['PipelineName']}' does not exist.")
        return record

    def _CreateModelPackage(self, _operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return {"ModelPackageArn": f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{len(self.calls)}/1"}

    def _DescribeModelPackage(self, _operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return {"ModelPackageArn": request["ModelPackageName"], "ModelPackageVersion": 1}

    def _job(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        kind = operation.removeprefix("Create").removeprefix("Describe").removeprefix("Stop")
        if kind == "Model":
            arn = f"arn:aws:sagemaker:us-east-1:000000000000:model/{request['ModelName']}"
            return {**request, "ModelArn": arn}
        name = request[f"{kind}Name"]
        if operation.startswith("Create"):
            self.jobs[name] = request
            self._created[name] = time.monotonic()
            self.running.append(sum(self._end(kind, each) is None for each in self.jobs))
            return {f"{kind}Arn": f"arn:aws:sagemaker:us-east-1:000000000000:{KINDS[kind]}/{name}"}
        if operation.startswith("Stop"):
            self._stopped.add(name)
            return {}
        end = self._end(kind, name)
        answer = {**self.jobs[name], f"{kind}Status": end[0] if end else "InProgress"}
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
    """S3 in memory: ``objects`` by bucket/key."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.objects: dict[str, bytes] = {}

    def client(self, service: str, scope: Scope) -> Any:
        assert service == "s3"
        return self

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if f"{Bucket}/{Key}" not in self.objects:
            error = {"Error": {"Code": "NoSuchKey", "Message": "The specified key does not exist."}}
            raise ClientError(error, "GetObject")
        return {"Body": io.BytesIO(self.objects[f"{Bucket}/{Key}"])}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    cloud = Cloud(tmp_path)
    monkeypatch.setattr(events, "emit", lambda _context, kind, _resources, detail: cloud.changes.append((kind, detail)))
    return cloud


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
