"""Step Functions' tasks of SageMaker: what they call, what they wait for, and how they fail."""

from __future__ import annotations

import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.cloud]

ROLE = "arn:aws:iam::000000000000:role/states"


def run(client: Any, action: str, parameters: dict[str, Any], given: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run a state machine of one task to its end; DescribeExecution's answer."""
    states, name = client("stepfunctions"), f"m-{uuid.uuid4()}"
    task = {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{action}", "Parameters": parameters, "End": True}
    definition = {"StartAt": "Task", "States": {"Task": task}}
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    started = states.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))["executionArn"]
    limit = time.monotonic() + 120
    while (found := states.describe_execution(executionArn=started))["status"] == "RUNNING":
        assert time.monotonic() < limit
        time.sleep(0.1)
    return dict(found)


def processing(name: str, image: str) -> dict[str, Any]:
    return {
        "ProcessingJobName.$": name,
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": image, "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
    }


def test_a_task_ends_with_its_job(client: Any, state_dir: Path) -> None:
    record = {
        "repository": "000000000000.dkr.ecr.us-east-1.amazonaws.com/states", "digest": "sha256:" + "b" * 64,
        "tags": ["1"], "python": sys.executable, "path": [], "environment": {}, "entrypoint": None,
    }  # fmt: skip
    (state_dir / "images" / ("b" * 64 + ".json")).write_text(json.dumps(record))
    name = f"p-{uuid.uuid4()}"
    found = run(client, "createProcessingJob.sync", processing("$.name", f"{record['repository']}:1"), {"name": name})
    assert found["status"] == "SUCCEEDED", found
    assert json.loads(found["output"])["ProcessingJobStatus"] == "Completed"


def test_a_task_fails_with_its_job(client: Any) -> None:
    """No image of that name is known here."""
    name = f"p-{uuid.uuid4()}"
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/none:1"
    found = run(client, "createProcessingJob.sync", processing("$.name", image), {"name": name})
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed"), found["cause"]
    job = client("sagemaker").describe_processing_job(ProcessingJobName=name)
    assert job["ProcessingJobStatus"] == "Failed"
    cause = json.loads(found["cause"])
    assert cause["ProcessingJobArn"] == job["ProcessingJobArn"]
    assert cause["FailureReason"] == job["FailureReason"]


def test_a_call_without_waiting(client: Any) -> None:
    name = f"m-{uuid.uuid4()}"
    container = {"Image": "000000000000.dkr.ecr.us-east-1.amazonaws.com/none:1"}
    request = {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    found = run(client, "createModel", request)
    assert found["status"] == "SUCCEEDED"
    assert json.loads(found["output"])["ModelArn"] == client("sagemaker").describe_model(ModelName=name)["ModelArn"]
    again = run(client, "createModel", request)
    assert (again["status"], again["error"]) == ("FAILED", "SageMaker.AmazonSageMakerException")
    assert name in again["cause"]


def test_what_is_no_integration_is_refused(client: Any) -> None:
    for action in ("createModel.sync", "createApp", "createTrainingJob.waitForTaskToken"):
        task = {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{action}", "End": True}
        definition = json.dumps({"StartAt": "Task", "States": {"Task": task}})
        with pytest.raises(client("stepfunctions").exceptions.ClientError) as refused:
            client("stepfunctions").create_state_machine(name=f"m-{uuid.uuid4()}", definition=definition, roleArn=ROLE)
        assert refused.value.response["Error"]["Code"] == "InvalidDefinition"
