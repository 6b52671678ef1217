"""The processing job that looks for drift: its request, and where its files lie in the container."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

CAPTURE_PATH = "/opt/ml/processing/input/endpoint"
STATISTICS_PATH = "/opt/ml/processing/baseline/stats"
CONSTRAINTS_PATH = "/opt/ml/processing/baseline/constraints"
OUTPUT_PATH = "/opt/ml/processing/output"

NAMESPACE = "Penstock/Drift"
METRIC = "Violations"


def instant(moment: datetime) -> str:
    """A moment as Model Monitor's containers get it: ISO 8601, UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def processing_job_request(
    *,
    job_name: str,
    model: str,
    endpoint: str,
    image_uri: str,
    role_arn: str,
    capture_uri: str,
    statistics_uri: str,
    constraints_uri: str,
    output_uri: str,
    start: datetime,
    end: datetime,
    outputs: tuple[str, ...] = ("prediction",),
    minimum_rows: int = 1,
    instance_type: str = "ml.m5.large",
    publish_metrics: bool = True,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A CreateProcessingJob request that compares what `endpoint` saw from `start` to `end` (exclusive) with a baseline.

    `capture_uri` is the endpoint's capture prefix, `statistics_uri` and `constraints_uri` are the registered baseline's
    files, `output_uri` is a prefix; `outputs` names the columns that the model answers; fewer than `minimum_rows` rows
    are not judged. The job's environment has the
    names that Model Monitor gives to its analysers.
    """

    def channel(name: str, uri: str, path: str) -> dict[str, Any]:
        return {
            "InputName": name,
            "S3Input": {
                "S3Uri": uri,
                "LocalPath": path,
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
                "S3DataDistributionType": "FullyReplicated",
            },
        }

    return {
        "ProcessingJobName": job_name,
        "RoleArn": role_arn,
        "AppSpecification": {
            "ImageUri": image_uri,
            "ContainerEntrypoint": ["python", "-m", "penstock_pipelines.monitor"],
        },
        "Environment": {
            "dataset_format": '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}',
            "dataset_source": CAPTURE_PATH,
            "baseline_statistics": f"{STATISTICS_PATH}/statistics.json",
            "baseline_constraints": f"{CONSTRAINTS_PATH}/constraints.json",
            "output_path": OUTPUT_PATH,
            "start_time": instant(start),
            "end_time": instant(end),
            "publish_cloudwatch_metrics": "Enabled" if publish_metrics else "Disabled",
            "sagemaker_endpoint_name": endpoint,
            "model_name": model,
            "output_columns": ",".join(outputs),
            "minimum_rows": str(minimum_rows),
        },
        "ProcessingInputs": [
            channel("endpoint", capture_uri, CAPTURE_PATH),
            channel("baseline", statistics_uri, STATISTICS_PATH),
            channel("constraints", constraints_uri, CONSTRAINTS_PATH),
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "result",
                    "S3Output": {"S3Uri": output_uri, "LocalPath": OUTPUT_PATH, "S3UploadMode": "EndOfJob"},
                }
            ]
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": instance_type, "VolumeSizeInGB": 10}
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 1800},
        "Tags": [{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    }
