"""Export jobs: a real PDF in S3."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def sagemaker(serving: Any) -> Any:
    return serving.client()


@pytest.fixture
def name(sagemaker: Any, content: Any) -> str:
    name = f"card-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model_card(ModelCardName=name, Content=json.dumps(content), ModelCardStatus="Draft")
    sagemaker.update_model_card(ModelCardName=name, Content="{}")
    return name


def export(sagemaker: Any, name: str, path: str, **more: Any) -> Any:
    job = f"export-{uuid.uuid4().hex[:8]}"
    arn = sagemaker.create_model_card_export_job(
        ModelCardName=name, ModelCardExportJobName=job, OutputConfig={"S3OutputPath": path}, **more
    )["ModelCardExportJobArn"]
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:model-card/{name}/export-job/{job}"
    for _ in range(1200):
        described = sagemaker.describe_model_card_export_job(ModelCardExportJobArn=arn)
        if described["Status"] != "InProgress":
            return described
        time.sleep(0.05)
    pytest.fail(f"{described}")


def test_a_version_becomes_a_pdf(serving: Any, sagemaker: Any, name: str) -> None:
    job = export(sagemaker, name, "s3://job-data/cards/", ModelCardVersion=1)
    assert job["Status"] == "Completed", job
    assert job["ModelCardVersion"] == 1
    place = f"s3://job-data/cards/{name}/{job['ModelCardExportJobName']}.pdf"
    assert job["ExportArtifacts"] == {"S3ExportArtifacts": place}
    found = serving.aws("s3").get_object(Bucket="job-data", Key=place.removeprefix("s3://job-data/"))
    assert found["ContentType"] == "application/pdf"
    body = found["Body"].read()
    assert body.startswith(b"%PDF-")
    assert body.rstrip().endswith(b"%%EOF")
    latest = export(sagemaker, name, "s3://job-data/cards")
    assert latest["ModelCardVersion"] == 2, "without a version, the latest"
    listed = sagemaker.list_model_card_export_jobs(ModelCardName=name)["ModelCardExportJobSummaries"]
    assert [each["ModelCardExportJobName"] for each in listed] == [
        latest["ModelCardExportJobName"],
        job["ModelCardExportJobName"],
    ]
    only = sagemaker.list_model_card_export_jobs(
        ModelCardName=name, ModelCardExportJobNameContains=job["ModelCardExportJobName"], StatusEquals="Completed"
    )
    assert len(only["ModelCardExportJobSummaries"]) == 1


def test_an_export_that_cannot_be_written_fails(sagemaker: Any, name: str) -> None:
    job = export(sagemaker, name, "s3://there-is-no-such-bucket/cards")
    assert job["Status"] == "Failed"
    assert "NoSuchBucket" in job["FailureReason"]
    assert "ExportArtifacts" not in job


def test_what_is_not_exported(sagemaker: Any, name: str) -> None:
    asked = {"ModelCardExportJobName": "job", "OutputConfig": {"S3OutputPath": "s3://job-data/cards"}}
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.create_model_card_export_job(ModelCardName="none", **asked)
    with pytest.raises(ClientError, match="has no version 9"):
        sagemaker.create_model_card_export_job(ModelCardName=name, ModelCardVersion=9, **asked)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_model_card_export_job(
            ModelCardExportJobArn=f"arn:aws:sagemaker:us-east-1:000000000000:model-card/{name}/export-job/job"
        )


def test_an_export_that_was_running_at_a_kill_is_failed(serving: Any, sagemaker: Any, name: str) -> None:
    job = export(sagemaker, name, "s3://job-data/cards")
    serving.kill()
    database = serving.state_dir / "sagemaker" / "records.sqlite"
    import sqlite3

    with sqlite3.connect(database) as connection:
        connection.execute(
            "UPDATE resources SET status='InProgress', record=json_set(record, '$.Status', 'InProgress') WHERE kind=? AND key=?",
            ("ModelCardExportJob", job["ModelCardExportJobArn"].split(":model-card/")[1]),
        )
    connection.close()
    serving.start()
    described = serving.client().describe_model_card_export_job(ModelCardExportJobArn=job["ModelCardExportJobArn"])
    assert described["Status"] == "Failed"
    assert "stopped while this job was running" in described["FailureReason"]
