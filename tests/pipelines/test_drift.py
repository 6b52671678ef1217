"""The request for a drift job."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator

from penstock_pipelines import drift
from penstock_pipelines.configuration import ModelConfiguration
from penstock_pipelines.errors import PipelinesError

OUTPUTS = {"artifactBucket": "artifacts", "trainingRoleArn": "arn:aws:iam::000000000000:role/training"}
WINDOW = {"start": datetime(2026, 11, 21, tzinfo=UTC), "end": datetime(2026, 11, 22, tzinfo=UTC)}


def package() -> dict[str, Any]:
    place = "s3://artifacts/pipelines/tides/e/baseline"
    return {
        "DriftCheckBaselines": {
            "ModelDataQuality": {
                "Statistics": {"S3Uri": f"{place}/statistics.json"},
                "Constraints": {"S3Uri": f"{place}/constraints.json"},
            }
        },
        "InferenceSpecification": {"Containers": [{"Image": "i@sha256:0"}]},
    }


def test_the_request_is_one_that_sagemaker_takes(settings: ModelConfiguration) -> None:
    request = drift.processing_job_request(
        settings, OUTPUTS, package(), stack="dev", job_name="tides-dev-drift-1", **WINDOW
    )
    client = boto3.client("sagemaker", region_name="us-east-1")
    shape = client.meta.service_model.operation_model("CreateProcessingJob").input_shape
    assert not ParamValidator().validate(request, shape).has_errors()
    assert request["AppSpecification"]["ImageUri"] == "i@sha256:0"
    assert request["Environment"]["minimum_rows"] == "200"
    assert request["Environment"]["sagemaker_endpoint_name"] == request["Environment"]["model_name"] == "tides-dev"
    assert request["ProcessingInputs"][0]["S3Input"]["S3Uri"] == "s3://artifacts/capture/tides-dev"


def test_a_version_without_a_baseline(settings: ModelConfiguration) -> None:
    without = {key: value for key, value in package().items() if key != "DriftCheckBaselines"}
    with pytest.raises(PipelinesError, match="no DriftCheckBaselines"):
        drift.processing_job_request(settings, OUTPUTS, without, stack="dev", job_name="x", **WINDOW)


def test_the_report_is_put_together_from_the_jobs_files() -> None:
    feature = {"name": "level", "distance": 0.3, "threshold": 0.15, "violated": True}
    files = {
        "distances.json": [feature],
        "statistics.json": {"dataset": {"item_count": 12}},
        "constraint_violations.json": {"violations": [{"feature_name": "level"}]},
    }
    found = drift.report(files.__getitem__)
    assert found["rows"] == 12
    assert found["distances"] == {"level": 0.3}
    assert found["violations"] == [{"feature_name": "level"}]
