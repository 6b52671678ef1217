"""The model registry: versions, approval, listing, policies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

SPECIFICATION = {
    "Containers": [{"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


def register(sagemaker: Any, group: str, **more: Any) -> str:
    answer = sagemaker.create_model_package(ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION, **more)
    return str(answer["ModelPackageArn"])


def test_versions_are_numbered_and_never_given_twice(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="numbers")
    arns = [register(sagemaker, "numbers") for _ in range(3)]
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2", "3"]
    sagemaker.delete_model_package(ModelPackageName=arns[2])
    assert register(sagemaker, "numbers").endswith("model-package/numbers/4")
    described = sagemaker.describe_model_package(ModelPackageName=arns[0])
    assert described["ModelPackageVersion"] == 1
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["ModelPackageStatus"] == "Completed"


def test_approval_and_metadata(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="approval")
    first = register(sagemaker, "approval", CustomerMetadataProperties={"commit": "abc", "seed": "7"})
    second = register(sagemaker, "approval")
    sagemaker.update_model_package(
        ModelPackageArn=first,
        ModelApprovalStatus="Approved",
        ApprovalDescription="fine",
        CustomerMetadataProperties={"deployed": "yes"},
        CustomerMetadataPropertiesToRemove=["seed"],
    )
    described = sagemaker.describe_model_package(ModelPackageName=first)
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["ApprovalDescription"] == "fine"
    assert described["CustomerMetadataProperties"] == {"commit": "abc", "deployed": "yes"}

    def listed(**filters: Any) -> list[str]:
        answer = sagemaker.list_model_packages(ModelPackageGroupName="approval", **filters)
        return [package["ModelPackageArn"] for package in answer["ModelPackageSummaryList"]]

    assert listed() == [first, second], "oldest first, as documented"
    assert listed(SortOrder="Descending", MaxResults=1) == [second]
    assert listed(ModelApprovalStatus="Approved") == [first]
    batch = sagemaker.batch_describe_model_package(ModelPackageArnList=[second, second + "0"])
    assert list(batch["ModelPackageSummaries"]) == [second]
    assert list(batch["BatchDescribeModelPackageErrorMap"]) == [second + "0"]


def test_a_version_that_does_not_exist(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="empty")
    arn = "arn:aws:sagemaker:us-east-1:000000000000:model-package/empty/9"
    with pytest.raises(ClientError, match="model-package/empty/9 does not exist"):
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")


def test_a_group_with_versions_is_not_deleted(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="full")
    arn = register(sagemaker, "full")
    with pytest.raises(ClientError, match="ConflictException"):
        sagemaker.delete_model_package_group(ModelPackageGroupName="full")
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName="full")
    with pytest.raises(ClientError, match="does not exist"):
        register(sagemaker, "full")


def test_group_policy(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="policy")
    with pytest.raises(ClientError, match="Cannot find resource policy"):
        sagemaker.get_model_package_group_policy(ModelPackageGroupName="policy")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    sagemaker.put_model_package_group_policy(ModelPackageGroupName="policy", ResourcePolicy=policy)
    assert sagemaker.get_model_package_group_policy(ModelPackageGroupName="policy")["ResourcePolicy"] == policy
    sagemaker.delete_model_package_group_policy(ModelPackageGroupName="policy")
    with pytest.raises(ClientError, match="Cannot find resource policy"):
        sagemaker.get_model_package_group_policy(ModelPackageGroupName="policy")
