"""A drift job for a model repository: its request, from what is configured and registered, and its report put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from penstock_pipelines.configuration import ModelConfiguration
from penstock_pipelines.errors import PipelinesError
from penstock_pipelines.monitoring import job

PREDICTION = "prediction"
"""Name of the model's answer among the monitored columns."""


def processing_job_request(
    configuration: ModelConfiguration,
    platform_outputs: Mapping[str, Any],
    model_package: Mapping[str, Any],
    *,
    stack: str,
    job_name: str,
    start: datetime,
    end: datetime,
) -> dict[str, Any]:
    """CreateProcessingJob's request: the endpoint's capture of [start, end) against the registered baseline.

    `model_package` is what DescribeModelPackage says of the version that is live; `start` and `end` are wall-clock times
    with an offset, `stack` is whose endpoint it is. The report goes to `s3://<artifact bucket>/drift/<name of the model in
    the stack>/<job name>`. PipelinesError for a version without a baseline.
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
    bucket, model = platform_outputs["artifactBucket"], configuration.name_in(stack)
    return job.processing_job_request(
        job_name=job_name,
        model=model,
        endpoint=model,
        image_uri=image,
        role_arn=platform_outputs["trainingRoleArn"],
        capture_uri=f"s3://{bucket}/capture/{model}",
        statistics_uri=statistics,
        constraints_uri=constraints,
        output_uri=f"s3://{bucket}/drift/{model}/{job_name}",
        start=start,
        end=end,
        outputs=(PREDICTION,),
        minimum_rows=configuration.monitor.minimum_rows,
        instance_type=configuration.pipeline.processing_instance_type,
    )


def report(read: Callable[[str], Any]) -> dict[str, Any]:
    """What a drift job found, put together from its files; `read` gives the content of a JSON file by its name.

    {"rows", "violations" (Model Monitor's form), "features" (name, distance, threshold, violated, and the shares of the
    baseline and of the window by bin, for charts), "distances" and "thresholds" by feature}.
    """
    features = read("distances.json")
    return {
        "rows": read("statistics.json")["dataset"]["item_count"],
        "violations": read("constraint_violations.json")["violations"],
        "features": features,
        "distances": {feature["name"]: feature["distance"] for feature in features},
        "thresholds": {feature["name"]: feature["threshold"] for feature in features},
    }
