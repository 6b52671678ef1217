"""Job definitions of the kinds that Pulumi's AWS provider lacks, made by the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from penstock_infra import job_definition
from penstock_infra.job_definition import JobDefinitionProvider

ARN = "arn:aws:sagemaker:eu-central-1:123456789012:model-quality-job-definition/d"
REQUEST: dict[str, Any] = {
    "RoleArn": "arn:aws:iam::123456789012:role/monitoring",
    "ModelQualityAppSpecification": {"ImageUri": "image", "ProblemType": "Regression"},
    "ModelQualityJobInput": {
        "EndpointInput": {"EndpointName": "delays", "LocalPath": "/opt", "ProbabilityThresholdAttribute": 0.5},
        "GroundTruthS3Input": {"S3Uri": "s3://labels"},
    },
    "ModelQualityJobOutputConfig": {
        "MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://reports", "LocalPath": "/opt"}}]
    },
    "JobResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}},
}
DEFINITION: dict[str, Any] = {
    "kind": "ModelQuality",
    "name": "d",
    "region": "eu-central-1",
    "request": REQUEST,
    "tags": {"Owner": "ana"},
}
CREATED = {"JobDefinitionName": "d", **REQUEST, "Tags": [{"Key": "Owner", "Value": "ana"}]}


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """SageMaker's answers; what it is asked is checked against its own API."""
    client = boto3.client("sagemaker", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(job_definition, "_client", lambda _definition: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_it_is_made_as_asked_with_whole_numbers_and_without_what_is_not_set(sagemaker: Stubber) -> None:
    sagemaker.add_response("create_model_quality_job_definition", {"JobDefinitionArn": ARN}, CREATED)
    cluster = {"InstanceCount": 1.0, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20.0, "VolumeKmsKeyId": None}
    given = {**REQUEST, "NetworkConfig": None, "JobResources": {"ClusterConfig": cluster}}
    made = JobDefinitionProvider().create({**DEFINITION, "request": given})
    assert (made.id, (made.outs or {})["arn"]) == ("d", ARN)


def test_one_of_its_name_is_the_one_that_was_to_be_made(sagemaker: Stubber) -> None:
    sagemaker.add_client_error("create_model_quality_job_definition", "ResourceInUse")
    described = {**REQUEST, "JobDefinitionName": "d", "JobDefinitionArn": ARN, "CreationTime": 1.0}
    sagemaker.add_response("describe_model_quality_job_definition", described, {"JobDefinitionName": "d"})
    made = JobDefinitionProvider().create(DEFINITION)
    assert (made.id, (made.outs or {})["arn"]) == ("d", ARN)


@pytest.mark.parametrize(
    ("kind", "operation"),
    [("ModelBias", "delete_model_bias_job_definition"), ("ModelExplainability", "delete_model_explainability_job_definition")],
)  # fmt: skip
def test_each_kind_has_operations_of_its_own(sagemaker: Stubber, kind: str, operation: str) -> None:
    sagemaker.add_response(operation, {}, {"JobDefinitionName": "d"})
    JobDefinitionProvider().delete("d", {**DEFINITION, "kind": kind})


def test_one_that_is_gone_is_found_gone_and_needs_no_deletion(sagemaker: Stubber) -> None:
    for operation in ("describe_model_quality_job_definition", "delete_model_quality_job_definition"):
        sagemaker.add_client_error(operation, "ResourceNotFound")
    assert not JobDefinitionProvider().read("d", DEFINITION).id
    JobDefinitionProvider().delete("d", DEFINITION)


def test_other_errors_are_told(sagemaker: Stubber) -> None:
    sagemaker.add_client_error("delete_model_quality_job_definition", "AccessDeniedException")
    with pytest.raises(Exception, match="AccessDeniedException"):
        JobDefinitionProvider().delete("d", DEFINITION)


@pytest.mark.parametrize("change", [{"name": "e"}, {"request": {}}, {"tags": {}}, {"region": "eu-west-1"}])
def test_every_change_replaces_and_the_new_one_comes_first(change: dict[str, Any]) -> None:
    provider = JobDefinitionProvider()
    state = {**DEFINITION, "arn": ARN}
    assert provider.diff("d", state, DEFINITION).changes is False
    found = provider.diff("d", state, {**DEFINITION, **change})
    assert (found.changes, found.replaces, found.delete_before_replace) == (True, list(change), False)
