"""A model's drift job, started for a window of time: what the endpoint captured against the live version's baseline.

It starts the same job as `penstock drift`: the model's own container compares, writes its report to
`s3://<artifacts>/drift/<model>/<job>` and counts violations in a metric, which the model's drift alarm waits for.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

LIVE_VERSION = "model-package-arn"
_INPUT, _BASELINE, _OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/baseline", "/opt/ml/processing/output"
_LONGEST_STEM = 63 - len("-drift-20310131-235959")
_HOUR = "%Y/%m/%d/%H"


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Lambda's entry. `time` in the event, or now, ends the window; STACK and JOB (JSON, see `start`) are its settings."""
    import boto3

    time = event.get("time")
    end = datetime.fromisoformat(time) if time else datetime.now(UTC)
    done = start(
        boto3.client("sagemaker"),
        boto3.client("ssm"),
        boto3.client("s3"),
        os.environ["STACK"],
        json.loads(os.environ["JOB"]),
        end,
    )
    print(json.dumps(done))
    return done


def start(sagemaker: Any, ssm: Any, s3: Any, stack: str, job: dict[str, Any], end: datetime) -> dict[str, Any]:
    """Starts the job of the window that ends at `end`: {"started": name} or {"started": None, "reason"}.

    `job` holds model, hours (the window's length), bucket, role_arn, instance_type, minimum_rows, tags, the KMS keys
    volume_key_arn and output_key_arn, and subnet_ids with security_group_id where the job runs in a network. A job of the
    same window is not started twice.
    """
    model, begin = job["model"], end - timedelta(hours=job["hours"])
    live = _live_version(ssm, stack, model)
    if live is None:
        return {"started": None, "reason": f"nothing of {model} is live in the stack {stack}"}
    if not has_captured(s3, job["bucket"], model, begin, end):
        return {"started": None, "reason": f"nothing was captured from {begin.isoformat()} to {end.isoformat()}"}
    package = sagemaker.describe_model_package(ModelPackageName=live)
    if "ModelDataQuality" not in package.get("DriftCheckBaselines", {}):
        return {"started": None, "reason": f"{live} was registered without a baseline"}
    asked = request(job, package, begin, end)
    try:
        sagemaker.create_processing_job(**asked)
    except sagemaker.exceptions.ResourceInUse:
        return {"started": None, "reason": f"{asked['ProcessingJobName']} was started before"}
    return {"started": asked["ProcessingJobName"]}


def job_stem(model: str) -> str:
    """What a model's drift jobs are called before `-drift-<time>`: its name; a long one cut, with a hash at its end."""
    if len(model) <= _LONGEST_STEM:
        return model
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    return f"{model[: _LONGEST_STEM - 9].rstrip('-')}-{digest}"


def _live_version(ssm: Any, stack: str, model: str) -> str | None:
    try:
        found = ssm.get_parameter(Name=f"/penstock/{stack}/{model}/{LIVE_VERSION}")
    except ssm.exceptions.ParameterNotFound:
        return None
    return str(found["Parameter"]["Value"])


def has_captured(s3: Any, bucket: str, model: str, begin: datetime, end: datetime) -> bool:
    """Whether there is an object of the window's hours in `capture/<model>/<endpoint>/<variant>/yyyy/mm/dd/hh`."""
    base = f"capture/{model}/{model}/"
    variants = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=base, Delimiter="/")
    last = f"{end.astimezone(UTC):{_HOUR}}"
    for variant in (item["Prefix"] for page in variants for item in page.get("CommonPrefixes", [])):
        first = f"{variant}{begin.astimezone(UTC):{_HOUR}}"
        found = s3.list_objects_v2(Bucket=bucket, Prefix=variant, StartAfter=first, MaxKeys=1).get("Contents", [])
        if found and found[0]["Key"].removeprefix(variant)[: len(last)] <= last:
            return True
    return False


def request(job: dict[str, Any], package: dict[str, Any], begin: datetime, end: datetime) -> dict[str, Any]:
    """CreateProcessingJob's request, that of `penstock drift` with keys, tags and network."""
    model, bucket = job["model"], job["bucket"]
    baseline = package["DriftCheckBaselines"]["ModelDataQuality"]
    name = f"{job_stem(model)}-drift-{end.astimezone(UTC):%Y%m%d-%H%M%S}"
    asked: dict[str, Any] = {
        "ProcessingJobName": name,
        "RoleArn": job["role_arn"],
        "AppSpecification": {
            "ImageUri": package["InferenceSpecification"]["Containers"][0]["Image"],
            "ContainerEntrypoint": ["python", "-m", "penstock_pipelines.monitor"],
        },
        "Environment": {
            "dataset_format": '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}',
            "dataset_source": f"{_INPUT}/endpoint",
            "baseline_statistics": f"{_BASELINE}/stats/statistics.json",
            "baseline_constraints": f"{_BASELINE}/constraints/constraints.json",
            "output_path": _OUTPUT,
            "start_time": _instant(begin),
            "end_time": _instant(end),
            "publish_cloudwatch_metrics": "Enabled",
            "sagemaker_endpoint_name": model,
            "model_name": model,
            "output_columns": "prediction",
            "minimum_rows": str(job["minimum_rows"]),
        },
        "ProcessingInputs": [
            _channel("endpoint", f"s3://{bucket}/capture/{model}", f"{_INPUT}/endpoint"),
            _channel("baseline", baseline["Statistics"]["S3Uri"], f"{_BASELINE}/stats"),
            _channel("constraints", baseline["Constraints"]["S3Uri"], f"{_BASELINE}/constraints"),
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "result",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/drift/{model}/{name}",
                        "LocalPath": _OUTPUT,
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ],
            "KmsKeyId": job["output_key_arn"],
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": job["instance_type"],
                "VolumeSizeInGB": 10,
                "VolumeKmsKeyId": job["volume_key_arn"],
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 1800},
        "Tags": [{"Key": key, "Value": value} for key, value in job["tags"].items()],
    }
    if job.get("subnet_ids"):
        vpc = {"SecurityGroupIds": [job["security_group_id"]], "Subnets": job["subnet_ids"]}
        asked["NetworkConfig"] = {"VpcConfig": vpc}
    return asked


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _channel(name: str, uri: str, path: str) -> dict[str, Any]:
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
