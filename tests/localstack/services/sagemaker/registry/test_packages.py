"""The model registry: versions, approval, listing, policies."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.localstack.services.waiting import until

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
    statement = {
        "Sid": "AddPermModelPackageGroup",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": ["sagemaker:DescribeModelPackageGroup"],
        "Resource": "arn:aws:sagemaker:us-east-1:000000000000:model-package-group/policy",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sagemaker.put_model_package_group_policy(ModelPackageGroupName="policy", ResourcePolicy=policy)
    assert sagemaker.get_model_package_group_policy(ModelPackageGroupName="policy")["ResourcePolicy"] == policy
    sagemaker.delete_model_package_group_policy(ModelPackageGroupName="policy")
    with pytest.raises(ClientError, match="Cannot find resource policy"):
        sagemaker.get_model_package_group_policy(ModelPackageGroupName="policy")


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ("{", "not valid JSON"),
        ("[]", "must have a Statement"),
        ('{"Statement": [{"Effect": "Maybe"}]}', "must have an Effect"),
        ('{"Statement": [{"Effect": "Allow", "Principal": "*"}]}', "must have a Action"),
    ],
)
def test_a_policy_that_is_none(sagemaker: Any, policy: str, text: str) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName=f"bad-{abs(hash(policy))}")
    with pytest.raises(ClientError, match=text):
        sagemaker.put_model_package_group_policy(
            ModelPackageGroupName=f"bad-{abs(hash(policy))}", ResourcePolicy=policy
        )


def test_everything_that_a_version_says_comes_back(sagemaker: Any) -> None:
    """What is given at Create is described unchanged, and nothing else but what AWS's own example shows."""
    sagemaker.create_model_package_group(ModelPackageGroupName="complete")
    uri = {"ContentType": "application/json", "S3Uri": "s3://bucket/report.json"}
    given = {
        "ModelPackageDescription": "the whole",
        "ModelPackageRegistrationType": "Registered",
        "InferenceSpecification": SPECIFICATION,
        "AdditionalInferenceSpecifications": [
            {"Name": "fast", "Description": "compiled", "Containers": [{"Image": "fast-image"}]}
        ],
        "ModelApprovalStatus": "PendingManualApproval",
        "MetadataProperties": {"CommitId": "abc", "Repository": "r", "GeneratedBy": "g", "ProjectId": "p"},
        "ModelMetrics": {
            "ModelQuality": {"Statistics": uri, "Constraints": uri},
            "ModelDataQuality": {"Statistics": uri},
            "Bias": {"Report": uri},
            "Explainability": {"Report": uri},
        },
        "DriftCheckBaselines": {"ModelQuality": {"Statistics": uri}, "Bias": {"ConfigFile": uri}},
        "CustomerMetadataProperties": {"team": "flights"},
        "Domain": "MACHINE_LEARNING",
        "Task": "CLASSIFICATION",
        "SamplePayloadUrl": "s3://bucket/payload.tar.gz",
        "SkipModelValidation": "All",
        "SourceUri": "s3://bucket/mlflow/run",
        "SecurityConfig": {"KmsKeyId": "alias/models"},
        "ModelCard": {
            "ModelCardContent": json.dumps({"intended_uses": {"risk_rating": "Low"}}),
            "ModelCardStatus": "Draft",
        },
        "ModelLifeCycle": {"Stage": "Development", "StageStatus": "PendingApproval", "StageDescription": "new"},
    }
    arn = sagemaker.create_model_package(ModelPackageGroupName="complete", **given)["ModelPackageArn"]
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert {member: described[member] for member in given} == given
    made = {
        "ModelPackageName": "complete/1",
        "ModelPackageGroupName": "complete",
        "ModelPackageVersion": 1,
        "ModelPackageArn": arn,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": False,
        "CreatedBy": {},
    }
    others = {member: described[member] for member in described if member not in given}
    assert {**others, "CreationTime": None, "ResponseMetadata": None} == {
        **made,
        "CreationTime": None,
        "ResponseMetadata": None,
    }


def test_life_cycle_stages(sagemaker: Any) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-staging-construct.html"""
    sagemaker.create_model_package_group(ModelPackageGroupName="stages")
    arn = register(sagemaker, "stages", ModelLifeCycle={"Stage": "Development", "StageStatus": "Approved"})
    staged = {"Stage": "Staging", "StageStatus": "PendingApproval", "StageDescription": "to be loaded"}
    sagemaker.update_model_package(ModelPackageArn=arn, ModelLifeCycle=staged)
    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelLifeCycle"] == staged
    (listed,) = sagemaker.list_model_packages(ModelPackageGroupName="stages")["ModelPackageSummaryList"]
    assert listed["ModelLifeCycle"] == staged
    assert listed["ModelApprovalStatus"] == "PendingManualApproval", "a stage is not an approval"


def test_additional_specifications_are_added(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="additions")
    arn = register(sagemaker, "additions")

    def add(*names: str) -> None:
        added = [{"Name": name, "Containers": [{"Image": "image"}]} for name in names]
        sagemaker.update_model_package(ModelPackageArn=arn, AdditionalInferenceSpecificationsToAdd=added)

    add("a", "b")
    add(*(f"more-{number}" for number in range(13)))
    found = sagemaker.describe_model_package(ModelPackageName=arn)["AdditionalInferenceSpecifications"]
    assert [each["Name"] for each in found][:2] == ["a", "b"]
    with pytest.raises(ClientError, match="at most 15"):
        add("one-too-many")
    with pytest.raises(ClientError, match="unique names"):
        add("a")
    assert len(sagemaker.describe_model_package(ModelPackageName=arn)["AdditionalInferenceSpecifications"]) == 15


def test_a_package_without_a_group_takes_its_step(unhurried: Any) -> None:
    def status() -> str:
        return str(unhurried.describe_model_package(ModelPackageName="timed")["ModelPackageStatus"])

    unhurried.create_model_package(ModelPackageName="timed", InferenceSpecification=SPECIFICATION)
    assert status() == "Pending"
    until(status, lambda value: value == "Completed")


def test_packages_without_a_group(sagemaker: Any) -> None:
    arn = sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=SPECIFICATION)[
        "ModelPackageArn"
    ]
    assert arn.endswith(":model-package/alone")
    described = until(
        lambda: sagemaker.describe_model_package(ModelPackageName="alone"),
        lambda package: package["ModelPackageStatus"] == "Completed",
    )
    assert "ModelApprovalStatus" not in described
    assert "ModelPackageGroupName" not in described
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=SPECIFICATION)
    with pytest.raises(ClientError, match="can only be set for a model package in a group"):
        sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    sagemaker.create_model_package_group(ModelPackageGroupName="beside")
    version = register(sagemaker, "beside")

    def listed(**filters: Any) -> set[str]:
        found = sagemaker.list_model_packages(MaxResults=100, **filters)["ModelPackageSummaryList"]
        return {each["ModelPackageArn"] for each in found}

    assert arn in listed(), "Unversioned is the default"
    assert version not in listed()
    assert version in listed(ModelPackageType="Versioned")
    assert arn not in listed(ModelPackageType="Versioned")
    assert {arn, version} <= listed(ModelPackageType="Both")
    assert listed(ModelPackageType="Both", NameContains="alon") == {arn}


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"ModelPackageName": "both"}, "Both ModelPackageName and ModelPackageGroupName"),
        ({"Tags": [{"Key": "a", "Value": "b"}]}, "uses the tags of the group"),
        ({"CertifyForMarketplace": True}, "does not certify"),
        ({"ModelCard": {"ModelCardContent": "{"}}, "not valid JSON"),
        ({"ModelCard": {"ModelCardContent": '{"model_package_details": {}}'}}, "must not have 'model_package_details'"),
    ],
)
def test_what_is_refused(sagemaker: Any, more: dict[str, Any], text: str) -> None:
    with contextlib.suppress(ClientError):
        sagemaker.create_model_package_group(ModelPackageGroupName="refused")
    with pytest.raises(ClientError, match=text):
        register(sagemaker, "refused", **more)
    assert sagemaker.list_model_packages(ModelPackageGroupName="refused")["ModelPackageSummaryList"] == []


def test_the_card_of_a_package(sagemaker: Any) -> None:
    """ModelPackageModelCard: an archived card's content is not updated; DescribeModelPackage with MetadataOnly."""
    sagemaker.create_model_package_group(ModelPackageGroupName="cards")
    content = {
        "model_overview": {"model_creator": "we"},
        "intended_uses": {"risk_rating": "High", "intended_uses": "x"},
    }
    arn = register(sagemaker, "cards", ModelCard={"ModelCardContent": json.dumps(content), "ModelCardStatus": "Draft"})
    short = sagemaker.describe_model_package(ModelPackageName=arn, IncludedData="MetadataOnly")["ModelCard"]
    assert json.loads(short["ModelCardContent"]) == {"intended_uses": {"risk_rating": "High"}}
    assert short["ModelCardStatus"] == "Draft"
    sagemaker.update_model_package(ModelPackageArn=arn, ModelCard={"ModelCardStatus": "Archived"})
    with pytest.raises(ClientError, match="Model Card is in Archived state"):
        sagemaker.update_model_package(ModelPackageArn=arn, ModelCard={"ModelCardContent": "{}"})
    card = sagemaker.describe_model_package(ModelPackageName=arn)["ModelCard"]
    assert json.loads(card["ModelCardContent"]) == content
    assert card["ModelCardStatus"] == "Archived"


def test_a_policy_goes_with_its_group(sagemaker: Any) -> None:
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sagemaker:*"}]})
    sagemaker.create_model_package_group(ModelPackageGroupName="again")
    sagemaker.put_model_package_group_policy(ModelPackageGroupName="again", ResourcePolicy=policy)
    sagemaker.delete_model_package_group(ModelPackageGroupName="again")
    sagemaker.create_model_package_group(ModelPackageGroupName="again")
    with pytest.raises(ClientError, match="Cannot find resource policy"):
        sagemaker.get_model_package_group_policy(ModelPackageGroupName="again")
