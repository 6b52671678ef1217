"""Training jobs whose program is a text of the test: their requests, their ends and what they leave."""

from __future__ import annotations

import io
import json
import tarfile
import uuid
from typing import Any

from tests.localstack.services.waiting import until

ROLE = "arn:aws:iam::000000000000:role/training"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"

PRELUDE = """
import json, os, signal, socket, sys, time
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
def read(name):
    with open(f"{base}/input/config/{name}.json") as file:
        return json.load(file)
def write(name, text):
    os.makedirs(os.path.dirname(f"{base}/{name}"), exist_ok=True)
    with open(f"{base}/{name}", "w") as file:
        file.write(text)
hosts, host = read("resourceconfig")["hosts"], read("resourceconfig")["current_host"]
first = host == hosts[0]
number = hosts.index(host) + 1
def files(channel):
    found = {}
    for where, _, names in os.walk(f"{base}/input/data/{channel}"):
        for name in names:
            with open(os.path.join(where, name)) as file:
                found[os.path.relpath(os.path.join(where, name), f"{base}/input/data/{channel}")] = file.read()
    return found
"""


def prepare(jobs: Any) -> Any:
    """A client of SageMaker, after the image and the objects of the channels are there."""
    jobs.image(train=PRELUDE + 'exec(json.loads(read("hyperparameters")["code"]))')
    s3 = jobs.aws("s3")
    for number in range(4):
        s3.put_object(Bucket="job-data", Key=f"channels/train/{number}.csv", Body=f"row {number}\n".encode())
    return jobs.client()


def request(code: str, **more: Any) -> dict[str, Any]:
    asked = {
        "TrainingJobName": f"training-{uuid.uuid4().hex[:8]}",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"code": json.dumps(code)},
        "OutputDataConfig": {"S3OutputPath": "s3://job-data/trained"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    return {**asked, **more}


def resources(count: int) -> dict[str, Any]:
    return {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}


def channel(name: str, prefix: str = "channels/train", **more: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://job-data/{prefix}", **more.pop("source", {})}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}


def describe(sagemaker: Any, asked: dict[str, Any]) -> Any:
    return sagemaker.describe_training_job(TrainingJobName=asked["TrainingJobName"])


def ended(sagemaker: Any, asked: dict[str, Any]) -> Any:
    running = ("InProgress", "Stopping")
    return until(lambda: describe(sagemaker, asked), lambda job: job["TrainingJobStatus"] not in running, 60)


def run(sagemaker: Any, asked: dict[str, Any]) -> Any:
    sagemaker.create_training_job(**asked)
    return ended(sagemaker, asked)


def completed(sagemaker: Any, asked: dict[str, Any]) -> Any:
    job = run(sagemaker, asked)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return job


def model(jobs: Any, job: Any, archive: str = "model.tar.gz") -> dict[str, str]:
    uri = job["ModelArtifacts"]["S3ModelArtifacts"].replace("model.tar.gz", archive)
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content = jobs.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar if member.isfile()}  # type: ignore[union-attr]


def statuses(job: Any) -> list[str]:
    return [each["Status"] for each in job["SecondaryStatusTransitions"] if each["Status"] != "Pending"]


def log(jobs: Any, name: str, host: int = 1) -> str:
    folder = jobs.state_dir / "jobs" / name
    path = (folder if host == 1 else folder / f"algo-{host}") / "log.txt"
    return path.read_text() if path.exists() else ""
