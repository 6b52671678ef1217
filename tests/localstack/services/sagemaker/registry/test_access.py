"""The registry of one account as another account reaches it: as far as the resource policy of the group says."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

OWNER, OTHER, THIRD = "111111111111", "222222222222", "333333333333"
ROLE = f"arn:aws:iam::{OTHER}:role/serving"
SPECIFICATION = {
    "Containers": [{"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}

type Statement = dict[str, Any]


@dataclass
class Shared:
    """A group with one version in the owner's account, and clients of both accounts."""

    owner: Any
    other: Any
    third: Any
    group: str
    group_arn: str
    version: str

    def allow(self, *statements: Statement) -> None:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.owner.put_model_package_group_policy(ModelPackageGroupName=self.group, ResourcePolicy=policy)

    def statement(self, *actions: str, **changes: Any) -> Statement:
        """That the other account may do the actions with the group and its versions, changed by `changes`."""
        versions = self.group_arn.replace("model-package-group/", "model-package/") + "/*"
        return {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
            "Action": [f"sagemaker:{action}" for action in actions],
            "Resource": [self.group_arn, versions],
        } | changes

    def model(self, client: Any) -> str:
        name = f"model-{uuid.uuid4().hex[:8]}"
        client.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": self.version})
        return name


@pytest.fixture
def shared(services: Any) -> Shared:
    owner, other, third = (services.client(account=account) for account in (OWNER, OTHER, THIRD))
    group = f"shared-{uuid.uuid4().hex[:8]}"
    arn = owner.create_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    version = owner.create_model_package(ModelPackageGroupName=group, InferenceSpecification=SPECIFICATION)
    return Shared(owner, other, third, group, arn, version["ModelPackageArn"])


USES: dict[str, Callable[[Any, Shared], Any]] = {
    "DescribeModelPackageGroup": lambda client, it: client.describe_model_package_group(
        ModelPackageGroupName=it.group_arn
    ),
    "ListModelPackages": lambda client, it: client.list_model_packages(ModelPackageGroupName=it.group_arn),
    "DescribeModelPackage": lambda client, it: client.describe_model_package(ModelPackageName=it.version),
    "CreateModel": lambda client, it: it.model(client),
    "CreateModelPackage": lambda client, it: client.create_model_package(
        ModelPackageGroupName=it.group_arn, InferenceSpecification=SPECIFICATION
    ),
    "UpdateModelPackage": lambda client, it: client.update_model_package(
        ModelPackageArn=it.version, ModelApprovalStatus="Approved"
    ),
    "DeleteModelPackage": lambda client, it: client.delete_model_package(ModelPackageName=it.version),
}
ON_THE_GROUP = ("DescribeModelPackageGroup", "ListModelPackages", "CreateModelPackage")


@pytest.mark.parametrize("operation", USES)
def test_nothing_is_shared_without_a_policy(shared: Shared, operation: str) -> None:
    with pytest.raises(ClientError) as refused:
        USES[operation](shared.other, shared)
    arn = shared.group_arn if operation in ON_THE_GROUP else shared.version
    assert refused.value.response["Error"] == {
        "Code": "AccessDeniedException",
        "Message": f"User: arn:aws:iam::{OTHER}:root is not authorized to perform: sagemaker:{operation} on resource: "
        f"{arn} because no resource-based policy allows the sagemaker:{operation} action",
    }
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("operation", USES)
def test_what_the_policy_allows_and_nothing_more(shared: Shared, operation: str) -> None:
    shared.allow(shared.statement(operation))
    with pytest.raises(ClientError, match=f"{THIRD}:root is not authorized"):
        USES[operation](shared.third, shared)
    for each, use in USES.items():
        if each != operation:
            with pytest.raises(ClientError, match=f"no resource-based policy allows the sagemaker:{each} action"):
                use(shared.other, shared)
    USES[operation](shared.other, shared)


def test_another_account_sees_the_owners_versions_and_makes_models_of_its_own(shared: Shared) -> None:
    shared.allow(shared.statement("Describe*", "ListModelPackages", "CreateModel"))
    here = shared.owner.describe_model_package(ModelPackageName=shared.version)
    there = shared.other.describe_model_package(ModelPackageName=shared.version)
    assert {**there, "ResponseMetadata": None} == {**here, "ResponseMetadata": None}
    listed = shared.other.list_model_packages(ModelPackageGroupName=shared.group_arn)["ModelPackageSummaryList"]
    assert [each["ModelPackageArn"] for each in listed] == [shared.version]
    model = shared.other.describe_model(ModelName=shared.model(shared.other))
    assert model["ModelArn"].split(":")[4] == OTHER
    assert model["PrimaryContainer"]["ModelPackageName"] == shared.version
    with pytest.raises(ClientError, match=f":{OTHER}:model-package-group/{shared.group} does not exist"):
        shared.other.describe_model_package_group(ModelPackageGroupName=shared.group)


def test_who_may_make_a_model_may_serve_it_as_long_as_that_is_allowed(shared: Shared) -> None:
    """An endpoint asks for no more than the model did; one that is begun after the grant is gone is refused."""
    shared.allow(shared.statement("CreateModel"))
    name = shared.model(shared.other)
    variant = {"VariantName": "all", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    shared.other.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    shared.other.create_endpoint(EndpointName=name, EndpointConfigName=name)
    shared.owner.delete_model_package_group_policy(ModelPackageGroupName=shared.group)
    with pytest.raises(ClientError, match="no resource-based policy allows the sagemaker:CreateModel action"):
        shared.other.create_endpoint(EndpointName=f"{name}-2", EndpointConfigName=name)


def test_an_approval_and_a_registration_from_elsewhere_are_the_owners(shared: Shared) -> None:
    shared.allow(shared.statement("UpdateModelPackage", "CreateModelPackage"))
    shared.other.update_model_package(ModelPackageArn=shared.version, ModelApprovalStatus="Approved")
    assert shared.owner.describe_model_package(ModelPackageName=shared.version)["ModelApprovalStatus"] == "Approved"
    second = shared.other.create_model_package(
        ModelPackageGroupName=shared.group_arn, InferenceSpecification=SPECIFICATION
    )["ModelPackageArn"]
    assert second == shared.version.removesuffix("/1") + "/2"
    listed = shared.owner.list_model_packages(ModelPackageGroupName=shared.group)["ModelPackageSummaryList"]
    assert {each["ModelPackageArn"] for each in listed} == {shared.version, second}
    assert shared.other.list_model_packages(ModelPackageType="Both")["ModelPackageSummaryList"] == []


GRANTS = {
    "by account id": {"Principal": {"AWS": OTHER}},
    "to one of several": {"Principal": {"AWS": [f"arn:aws:iam::{THIRD}:root", f"arn:aws:iam::{OTHER}:root"]}},
    "to everyone": {"Principal": "*"},
    "to everyone of AWS": {"Principal": {"AWS": "*"}},
    "to all but another": {"Principal": None, "NotPrincipal": {"AWS": THIRD}},
    "every action": {"Action": "*"},
    "in any case, by a pattern": {"Action": "SageMaker:describemodelpackag?"},
    "all but another action": {"Action": None, "NotAction": "sagemaker:UpdateModelPackage"},
    "any resource": {"Resource": "*"},
    "by a pattern of groups": {"Resource": "arn:aws:sagemaker:*:*:model-package/shared-*"},
    "all but other resources": {"Resource": None, "NotResource": "arn:aws:sagemaker:*:*:model-package/other/*"},
}
REFUSALS = {
    "another account": {"Principal": {"AWS": f"arn:aws:iam::{THIRD}:root"}},
    "a role of the account": {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:role/deploy"}},
    "a service": {"Principal": {"Service": "sagemaker.amazonaws.com"}},
    "all but the account": {"Principal": None, "NotPrincipal": {"AWS": OTHER}},
    "another action": {"Action": ["sagemaker:DescribeModel"]},
    "all but the action": {"Action": None, "NotAction": ["sagemaker:Describe*"]},
    "brackets are no pattern": {"Action": "sagemaker:[D]escribeModelPackage"},
    "the group, not its versions": {"Resource": "arn:aws:sagemaker:*:*:model-package-group/*"},
    "another region": {"Resource": "arn:aws:sagemaker:eu-west-1:*"},
    "patterns of resources heed case": {"Resource": "arn:aws:sagemaker:*:*:model-package/SHARED-*"},
    "a condition": {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
}


def changed(shared: Shared, changes: dict[str, Any]) -> Statement:
    statement = shared.statement("DescribeModelPackage") | changes
    return {element: value for element, value in statement.items() if value is not None}


@pytest.mark.parametrize("changes", GRANTS.values(), ids=GRANTS)
def test_grants(shared: Shared, changes: dict[str, Any]) -> None:
    shared.allow(changed(shared, changes))
    assert shared.other.describe_model_package(ModelPackageName=shared.version)["ModelPackageVersion"] == 1


@pytest.mark.parametrize("changes", REFUSALS.values(), ids=REFUSALS)
def test_what_grants_nothing(shared: Shared, changes: dict[str, Any]) -> None:
    shared.allow(changed(shared, changes))
    with pytest.raises(ClientError, match="no resource-based policy allows"):
        shared.other.describe_model_package(ModelPackageName=shared.version)


@pytest.mark.parametrize("more", [{}, {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}])
def test_a_deny_is_stronger(shared: Shared, more: dict[str, Any]) -> None:
    denied = shared.statement("DescribeModelPackage", Effect="Deny", **more)
    shared.allow(shared.statement("*"), denied)
    with pytest.raises(ClientError, match="with an explicit deny in a resource-based policy"):
        shared.other.describe_model_package(ModelPackageName=shared.version)
    assert shared.other.list_model_packages(ModelPackageGroupName=shared.group_arn)["ModelPackageSummaryList"]
    shared.owner.describe_model_package(ModelPackageName=shared.version)


def test_one_statement_that_is_no_list(shared: Shared) -> None:
    policy = json.dumps({"Statement": shared.statement("DescribeModelPackage")})
    shared.owner.put_model_package_group_policy(ModelPackageGroupName=shared.group, ResourcePolicy=policy)
    assert shared.other.describe_model_package(ModelPackageName=shared.version)["ModelPackageVersion"] == 1


def test_a_policy_that_is_taken_back_shares_nothing(shared: Shared) -> None:
    shared.allow(shared.statement("*"))
    shared.other.describe_model_package(ModelPackageName=shared.version)
    shared.owner.delete_model_package_group_policy(ModelPackageGroupName=shared.group)
    with pytest.raises(ClientError, match="no resource-based policy allows"):
        shared.other.describe_model_package(ModelPackageName=shared.version)


def test_what_is_not_there_is_told_to_those_who_may_look(shared: Shared) -> None:
    missing = shared.version.removesuffix("/1") + "/9"
    elsewhere = shared.version.replace(f"/{shared.group}/", "/nowhere/")
    with pytest.raises(ClientError, match="no resource-based policy allows"):
        shared.other.describe_model_package(ModelPackageName=elsewhere)
    shared.allow(shared.statement("*"))
    with pytest.raises(ClientError, match=f"ModelPackage {missing} does not exist"):
        shared.other.describe_model_package(ModelPackageName=missing)
    with pytest.raises(ClientError, match=f"ModelPackage {missing} does not exist"):
        shared.other.create_model(
            ModelName="none", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": missing}
        )


def test_a_version_in_another_region_does_not_exist(shared: Shared, services: Any) -> None:
    shared.allow(shared.statement("*", Resource="*"))
    far = services.client(account=OTHER, region="eu-west-1")
    with pytest.raises(ClientError, match=f"ModelPackage {shared.version} does not exist"):
        far.create_model(ModelName="far", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": shared.version})


def test_several_are_described_each_by_its_policy(shared: Shared) -> None:
    shared.allow(shared.statement("BatchDescribeModelPackage"))
    hidden = shared.version.replace(f"/{shared.group}/", "/hidden/")
    answer = shared.other.batch_describe_model_package(ModelPackageArnList=[shared.version, hidden])
    assert list(answer["ModelPackageSummaries"]) == [shared.version]
    assert answer["BatchDescribeModelPackageErrorMap"][hidden]["ErrorCode"] == "AccessDeniedException"
