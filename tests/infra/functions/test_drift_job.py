"""The scheduled drift job: when it starts, and that it is the job of `penstock drift`."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes import Pages, Parameters, SageMaker

from penstock_infra.functions import drift_job
from penstock_infra.releases import LIVE_VERSION
from penstock_pipelines.monitoring import job as pipelines_job

END = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
BEGIN = datetime(2026, 11, 19, 6, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/flights/3"
JOB = {
    "model": "flights",
    "hours": 24,
    "bucket": "artifacts",
    "role_arn": "arn:aws:iam::123456789012:role/training",
    "instance_type": "ml.m5.large",
    "minimum_rows": 200,
    "volume_key_arn": "arn:volume",
    "output_key_arn": "arn:output",
    "tags": {"Project": "flights"},
}
PACKAGE = {
    "DriftCheckBaselines": {
        "ModelDataQuality": {
            "Statistics": {"S3Uri": "s3://artifacts/b/statistics.json"},
            "Constraints": {"S3Uri": "s3://artifacts/b/constraints.json"},
        }
    },
    "InferenceSpecification": {"Containers": [{"Image": "image@sha256:1"}]},
}
LIVE = {f"/penstock/dev/flights/{LIVE_VERSION}": ARN}


class Objects:
    """S3 with these keys."""

    def __init__(self, *keys: str) -> None:
        self.keys = sorted(keys)

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str, Delimiter: str) -> Any:
        folders = {Prefix + key.removeprefix(Prefix).split("/")[0] + "/" for key in self.keys if key.startswith(Prefix)}
        return Pages("CommonPrefixes", [{"Prefix": folder} for folder in sorted(folders)]).paginate()

    def list_objects_v2(self, Bucket: str, Prefix: str, StartAfter: str, MaxKeys: int) -> dict[str, Any]:
        found = [{"Key": key} for key in self.keys if key.startswith(Prefix) and key > StartAfter]
        return {"Contents": found[:MaxKeys]} if found else {}


def captured(hour: str, variant: str = "AllTraffic") -> str:
    return f"capture/flights/flights/{variant}/{hour}/12-00-000.jsonl"


def start(sagemaker: SageMaker, ssm: Parameters, *keys: str) -> dict[str, Any]:
    return drift_job.start(sagemaker, ssm, Objects(*keys), "dev", JOB, END)


def sagemaker(package: dict[str, Any] | None = None) -> SageMaker:
    found = SageMaker()
    found.packages[ARN] = PACKAGE if package is None else package
    return found


def test_it_starts_the_job_of_the_window_once() -> None:
    client = sagemaker()
    started = start(client, Parameters(**LIVE), captured("2026/11/19/10"))
    assert started == {"started": "flights-drift-20261120-060000"}
    again = start(client, Parameters(**LIVE), captured("2026/11/19/10"))
    assert again["reason"] == "flights-drift-20261120-060000 was started before"
    assert len(client.jobs) == 1


def test_the_parameter_is_the_one_that_deploy_writes() -> None:
    assert drift_job.LIVE_VERSION == LIVE_VERSION


def test_its_request_is_that_of_penstock_drift() -> None:
    """But for keys and tags, which a pull request's laptop does not have at hand."""
    client = sagemaker()
    start(client, Parameters(**LIVE), captured("2026/11/19/10"))
    (asked,) = client.jobs.values()
    assert asked["ProcessingOutputConfig"].pop("KmsKeyId") == "arn:output"
    assert asked["ProcessingResources"]["ClusterConfig"].pop("VolumeKmsKeyId") == "arn:volume"
    assert asked == pipelines_job.processing_job_request(
        job_name="flights-drift-20261120-060000",
        model="flights",
        endpoint="flights",
        image_uri="image@sha256:1",
        role_arn=str(JOB["role_arn"]),
        capture_uri="s3://artifacts/capture/flights",
        statistics_uri="s3://artifacts/b/statistics.json",
        constraints_uri="s3://artifacts/b/constraints.json",
        output_uri="s3://artifacts/drift/flights/flights-drift-20261120-060000",
        start=BEGIN,
        end=END,
        minimum_rows=200,
        tags={"Project": "flights"},
    )


def test_names_of_jobs_stay_within_sagemakers_63_characters() -> None:
    assert drift_job.job_stem("flights-dev") == "flights-dev"
    stems = [drift_job.job_stem(f"{'x' * 40}-{stack}") for stack in ("dev", "prod")]
    assert all(len(f"{stem}-drift-20261120-060000") <= 63 for stem in stems)
    assert stems[0] != stems[1], "two stacks' jobs of one second are two"


@pytest.mark.parametrize(
    ("hours", "is_there"),
    [
        (("2026/11/19/05",), False),
        (("2026/11/19/06",), True),
        (("2026/11/20/06",), True),
        (("2026/11/20/07",), False),
        (("2026/11/18/23", "2026/11/19/23"), True),
        ((), False),
    ],
)
def test_without_captured_requests_there_is_nothing_to_compare(hours: tuple[str, ...], is_there: bool) -> None:
    client = sagemaker()
    keys = [captured(hour) for hour in hours] + ["capture/flights-two/flights-two/AllTraffic/2026/11/19/10/1.jsonl"]
    done = start(client, Parameters(**LIVE), *keys)
    assert bool(client.jobs) is is_there
    if not is_there:
        assert done["reason"].startswith("nothing was captured from 2026-11-19T06:00:00+00:00")


def test_any_variants_captures_count() -> None:
    client = sagemaker()
    start(client, Parameters(**LIVE), captured("2026/11/01/10"), captured("2026/11/19/10", "Challenger"))
    assert client.jobs


def test_it_runs_in_the_network_where_there_is_one() -> None:
    client = sagemaker()
    job = {**JOB, "subnet_ids": ["subnet-1", "subnet-2"], "security_group_id": "sg-1"}
    drift_job.start(client, Parameters(**LIVE), Objects(captured("2026/11/19/10")), "dev", job, END)
    (asked,) = client.jobs.values()
    assert asked["NetworkConfig"] == {"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}}


def test_nothing_live_and_no_baseline_are_reasons_not_errors() -> None:
    assert start(sagemaker(), Parameters(), captured("2026/11/19/10"))["reason"] == (
        "nothing of flights is live in the stack dev"
    )
    done = start(sagemaker({}), Parameters(**LIVE), captured("2026/11/19/10"))
    assert done["reason"] == f"{ARN} was registered without a baseline"


def test_the_functions_need_nothing_but_the_standard_library_and_boto3() -> None:
    """Lambda brings no more, and neither Penstock nor Pulumi is there."""
    import ast
    import sys

    from penstock_infra import function_code, functions
    from penstock_infra.functions import endpoints, idle_endpoints, nightly_off, ttl_cleaner

    allowed = {*sys.stdlib_module_names, "boto3", "botocore", functions.__name__}
    for module in (drift_job, endpoints, idle_endpoints, nightly_off, ttl_cleaner):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.ImportFrom):
                assert node.module in allowed or str(node.module).split(".")[0] in allowed, node.module
            elif isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= allowed
    assert sorted(function_code.needed("nightly_off")) == ["endpoints", "nightly_off"]
    with pytest.raises(ValueError, match=r"there is no function 'nightly_on'; known: .*nightly_off"):
        function_code.archive("nightly_on")
