"""The request for a drift job: a processing job in the model's own image, against the baseline that was registered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from penstock_pipelines.configuration import ModelConfiguration
from penstock_pipelines.container import paths
from penstock_pipelines.errors import PipelinesError


def processing_job_request(
    configuration: ModelConfiguration,
    platform_outputs: Mapping[str, Any],
    model_package: Mapping[str, Any],
    *,
    job_name: str,
    start: datetime,
    end: datetime,
) -> dict[str, Any]:
    """CreateProcessingJob's request.

    `model_package` is what DescribeModelPackage says of the version that is live; `start` and `end` (exclusive) are
    wall-clock times with an offset. The report goes to `s3://<artifact bucket>/drift/<model>/<job name>/`.
    """
    try:
        baseline = model_package["DriftCheckBaselines"]["ModelDataQuality"]
        statistics, constraints = baseline["Statistics"]["S3Uri"], baseline["Constraints"]["S3Uri"]
        image = model_package["InferenceSpecification"]["Containers"][0]["Image"]
    except KeyError as error:
        raise PipelinesError(
            f"The model package has no {error.args[0]}, so there is nothing to compare with.",
            "Register a version through the pipeline: it makes the baseline.",
        ) from None
    folder = statistics.rsplit("/", 1)[0]
    if constraints.rsplit("/", 1)[0] != folder:
        raise PipelinesError("The baseline's statistics and constraints do not lie in one folder.")
    bucket = platform_outputs["artifactBucket"]
    pipeline = configuration.pipeline
    return {
        "ProcessingJobName": job_name,
        "RoleArn": platform_outputs["trainingRoleArn"],
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": pipeline.processing_instance_type,
                "VolumeSizeInGB": pipeline.volume_size_in_gb,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": pipeline.max_runtime_in_seconds},
        "AppSpecification": {
            "ImageUri": image,
            "ContainerEntrypoint": ["python", "-m", "penstock_pipelines.monitor"],
            "ContainerArguments": [
                "--capture-uri",
                f"s3://{bucket}/capture/{configuration.name}",
                "--start",
                start.isoformat(),
                "--end",
                end.isoformat(),
                "--model",
                configuration.name,
                "--minimum-rows",
                str(configuration.monitor.minimum_rows),
            ],
        },
        "ProcessingInputs": [
            {
                "InputName": "baseline",
                "S3Input": {
                    "S3Uri": f"{folder}/",
                    "LocalPath": f"{paths.PROCESSING_INPUT}/baseline",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "report",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/drift/{configuration.name}/{job_name}",
                        "LocalPath": f"{paths.PROCESSING_OUTPUT}/report",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    }
