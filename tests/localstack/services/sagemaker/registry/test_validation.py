"""Packages that are validated by transform jobs which really run (API reference of CreateModelPackage)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.cloud

ROLE = "arn:aws:iam::000000000000:role/serving"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"

SERVE = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass
    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200 if self.path == "/ping" else 404)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(500 if b"bad" in body else 200, body.upper())
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def sagemaker(serving: Any, archive: Callable[..., bytes]) -> Any:
    serving.image(serve=SERVE)
    s3 = serving.aws("s3")
    s3.put_object(Bucket="job-data", Key="validated/model.tar.gz", Body=archive(model__txt="weights"))
    s3.put_object(Bucket="job-data", Key="validated/good/a.csv", Body=b"abc")
    s3.put_object(Bucket="job-data", Key="validated/bad/a.csv", Body=b"bad")
    return serving.client()


def profile(name: str, data: str) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://job-data/validated/{data}/"}}
    return {
        "ProfileName": name,
        "TransformJobDefinition": {
            "TransformInput": {"DataSource": source, "ContentType": "text/csv"},
            "TransformOutput": {"S3OutputPath": f"s3://job-data/validated/out/{name}"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        },
    }


def register(sagemaker: Any, validated: dict[str, Any], **more: Any) -> str:
    name = f"package-{uuid.uuid4().hex[:8]}"
    container = {"Image": IMAGE, "ModelDataUrl": "s3://job-data/validated/model.tar.gz"}
    sagemaker.create_model_package(
        ModelPackageName=name,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ValidationSpecification={"ValidationRole": ROLE, "ValidationProfiles": [validated]},
        **more,
    )
    return name


def settled(sagemaker: Any, name: str) -> Any:
    deadline = time.monotonic() + 120
    while True:
        described = sagemaker.describe_model_package(ModelPackageName=name)
        if described["ModelPackageStatus"] in ("Completed", "Failed"):
            return described
        assert described["ModelPackageStatus"] in ("Pending", "InProgress")
        assert time.monotonic() < deadline, described
        time.sleep(0.05)


def test_a_package_is_completed_when_its_transform_job_is(serving: Any, sagemaker: Any) -> None:
    unique = uuid.uuid4().hex[:6]
    name = register(sagemaker, profile(f"one-{unique}", "good"))
    found = settled(sagemaker, name)
    assert found["ModelPackageStatus"] == "Completed", found
    statuses = found["ModelPackageStatusDetails"]["ValidationStatuses"]
    assert statuses == [{"Name": f"one-{unique}", "Status": "Completed"}]
    made = serving.aws("s3").get_object(Bucket="job-data", Key=f"validated/out/one-{unique}/a.csv.out")
    assert made["Body"].read().strip() == b"ABC"
    jobs = sagemaker.list_transform_jobs(NameContains=f"{name}-one")["TransformJobSummaries"]
    assert [each["TransformJobStatus"] for each in jobs] == ["Completed"]
    assert sagemaker.list_models(NameContains=name)["Models"] == [], "the model of the validation is gone"


@pytest.mark.parametrize(("data", "reason"), [("bad", ""), ("none", "No S3 objects found")])
def test_a_package_fails_with_its_transform_job(sagemaker: Any, data: str, reason: str) -> None:
    found = settled(sagemaker, register(sagemaker, profile("tried", data)))
    assert found["ModelPackageStatus"] == "Failed"
    (status,) = found["ModelPackageStatusDetails"]["ValidationStatuses"]
    assert (status["Name"], status["Status"]) == ("tried", "Failed")
    assert status["FailureReason"]
    assert reason in status["FailureReason"]


def test_validation_can_be_skipped(sagemaker: Any) -> None:
    """SkipModelValidation All."""
    name = register(sagemaker, profile("bad", "bad"), SkipModelValidation="All")
    found = settled(sagemaker, name)
    assert found["ModelPackageStatus"] == "Completed"
    assert found["ModelPackageStatusDetails"]["ValidationStatuses"] == []
    assert sagemaker.list_transform_jobs(NameContains=name)["TransformJobSummaries"] == []
