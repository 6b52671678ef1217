"""What a trivial job costs over its bare process."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from tests.benchmarks.measuring import Result, client, result, run, seconds

from penstock_cloud import cloud

ROLE = "arn:aws:iam::000000000000:role/bench"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/bench"


def prepare(info: cloud.CloudInfo) -> None:
    """An image in which /bin/true is there, and a bucket."""
    digest = "0" * 64
    record = {
        "repository": IMAGE, "digest": f"sha256:{digest}", "tags": ["1"],
        "python": sys.executable, "path": ["/usr/bin", "/bin"], "environment": {}, "entrypoint": None,
    }  # fmt: skip
    (info.state_dir / f"images/{digest}.json").write_text(json.dumps(record))
    client("s3", info.endpoint).create_bucket(Bucket="bench")


def processing_request(name: str) -> dict[str, Any]:
    """A processing job that does nothing."""
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": f"{IMAGE}:1", "ContainerEntrypoint": ["/bin/true"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def training_job(info: cloud.CloudInfo) -> list[Result]:
    sagemaker = client("sagemaker", info.runtime_endpoint)
    counter = iter(range(100))

    def training() -> None:
        name = f"bench-{next(counter)}"
        sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=ROLE,
            AlgorithmSpecification={
                "TrainingImage": f"{IMAGE}:1", "TrainingInputMode": "File", "ContainerEntrypoint": ["/bin/true"],
            },
            OutputDataConfig={"S3OutputPath": "s3://bench/out"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )  # fmt: skip
        while (status := sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]) == "InProgress":
            time.sleep(0.01)
        assert status == "Completed", sagemaker.describe_training_job(TrainingJobName=name)

    bare = seconds(lambda: run("/bin/true"))
    return [result("trivial training job", seconds(training), "s", "the bare process", bare, "value-peer_value", 0.3)]


def processing_seconds(info: cloud.CloudInfo) -> float:
    """What one trivial processing job takes by itself."""
    sagemaker = client("sagemaker", info.runtime_endpoint)
    counter = iter(range(100))

    def processing() -> None:
        name = f"bench-alone-{next(counter)}"
        sagemaker.create_processing_job(**processing_request(name))
        while (
            status := sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"]
        ) == "InProgress":
            time.sleep(0.01)
        assert status == "Completed", sagemaker.describe_processing_job(ProcessingJobName=name)

    return seconds(processing)
