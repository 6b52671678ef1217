"""Development, staging and production: one set of programs, in one account or three, a stack file being all that differs."""

from __future__ import annotations

import functools
import json
import runpy
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from penstock_infra.components.data_key import DataKey, DataKeyArguments
from penstock_infra.components.image_repository import ImageRepository, ImageRepositoryArguments
from penstock_infra.components.log_bucket import LogBucket, LogBucketArguments
from penstock_infra.components.private_bucket import PrivateBucket, PrivateBucketArguments
from penstock_infra.components.serving_role import ServingRole, ServingRoleArguments
from penstock_infra.configuration import FoundationSettings
from penstock_infra.errors import ConfigurationError
from penstock_infra.placement import Placement
from penstock_infra.platform import Foundation
from penstock_infra.registry import Registry
from penstock_policy import Environment, Resource, Settings, check

PROJECTS = Path(__file__).parents[2] / "infra" / "projects"
NAMES = sorted(file.parent.name for file in PROJECTS.glob("*/Pulumi.yaml"))
STACKS = ("dev", "local", "prod", "staging")
OTHERS = ("222222222222", "333333333333", "123456789012")
"""Two other accounts, and the stack's own, which is no other."""

ROOTS = ["arn:aws:iam::222222222222:root", "arn:aws:iam::333333333333:root"]
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"
DEVELOPMENT = {
    "account": "111111111111",
    "region": "eu-central-1",
    "artifactBucket": "penstock-dev-artifacts-1",
    "artifactKeyArn": "arn:aws:kms:eu-central-1:111111111111:key/1",
}
"""What the foundation of development hands on, as far as other stacks read it."""


@pytest.fixture
def foundation(run_program: Any) -> Any:
    """Runs the foundation of a stack by its own stack file, perhaps changed; development is in another account."""

    def run(stack: str, development: dict[str, str] = DEVELOPMENT, **changes: Any) -> Any:
        content = yaml.safe_load((PROJECTS / "foundation" / f"Pulumi.{stack}.yaml").read_text())["config"]
        content |= {f"penstock-foundation:{key}": value for key, value in changes.items()}
        outputs = {to_camel(field.name): "unused" for field in fields(Foundation)} | development
        return run_program(
            functools.partial(runpy.run_path, str(PROJECTS / "foundation"), run_name="__main__"),
            project="penstock-foundation",
            stack=stack,
            config={key: value if isinstance(value, str) else json.dumps(value) for key, value in content.items()},
            stacks={"organization/penstock-foundation/dev": outputs},
        )

    return run


def documents(run: Any, type_: str, key: str = "policy") -> dict[str, list[dict[str, Any]]]:
    """The statements of every policy of a type, by the resource's name."""
    return {item.name: json.loads(item.inputs[key])["Statement"] for item in run.of(type_)}


def trust_of(run: Any) -> dict[str, dict[str, Any]]:
    """The conditions under which GitHub's workflows take each role."""
    return {
        name: statements[0]["Condition"]
        for name, statements in documents(run, "aws:iam/role:Role", "assumeRolePolicy").items()
    }


# -- stack files


@pytest.mark.parametrize("project", NAMES)
def test_every_project_has_every_stack(project: str) -> None:
    assert tuple(sorted(path.name.split(".")[1] for path in (PROJECTS / project).glob("Pulumi.*.yaml"))) == STACKS


@pytest.mark.parametrize("project", NAMES)
@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_what_matters_is_kept(project: str, stack: str) -> None:
    """Neither file turns the safe defaults round: data is protected and never emptied."""
    given = yaml.safe_load((PROJECTS / project / f"Pulumi.{stack}.yaml").read_text())["config"]
    assert not {f"penstock-{project}:{key}" for key in ("protect", "forceDestroy")} & set(given)


@pytest.mark.parametrize(("stack", "kind"), [("staging", Environment.STAGING), ("prod", Environment.PRODUCTION)])
def test_foundations_break_no_policy_of_their_environment(foundation: Any, stack: str, kind: Environment) -> None:
    run = foundation(stack, network=True)
    found = check(
        [Resource(type=item.type, name=item.name, inputs=item.inputs, protect=item.protect) for item in run.resources],
        Settings(environment=kind),
    )
    assert [str(finding) for finding in found] == []


# -- roles: one a repository and environment


def test_each_stack_has_its_own_roles(foundation: Any) -> None:
    for stack, environments in {
        "dev": {"environment:train", "environment:deploy", "pull_request"},
        "staging": {"environment:deploy-staging", "pull_request"},
        "prod": {"environment:deploy-prod", "pull_request"},
    }.items():
        contexts = set()
        for conditions in trust_of(foundation(stack)).values():
            exact = conditions["StringEquals"]
            names, ids = exact["token.actions.githubusercontent.com:sub"]
            context = names.removeprefix("repo:acme/flight-delays:")
            assert ids == f"repo:acme@1001/flight-delays@2002:{context}"
            assert exact["token.actions.githubusercontent.com:repository_id"] == ["2002"]
            contexts.add(context)
        assert contexts == environments, stack


def test_every_repository_has_its_roles_and_they_are_told(foundation: Any) -> None:
    two = ["acme@1001/flight-delays@2002", "acme@1001/prices@3003"]
    run = foundation("dev", repositories=two)
    told = run.exports["ciRoleArns"]
    assert set(told) == {"acme/flight-delays", "acme/prices"}
    assert all(set(roles) == {"plan", "train", "deploy"} for roles in told.values())
    assert run.exports["deployRoleArn"] == told["acme/flight-delays"]["deploy"]
    assert len({arn for roles in told.values() for arn in roles.values()}) == 6


def test_a_role_that_a_stack_has_not_is_told_as_empty(foundation: Any) -> None:
    exports = foundation("prod").exports
    assert exports["trainRoleArn"] == ""
    assert exports["deployRoleArn"]


# -- the registry of another stack


def test_production_reads_the_registry_of_development_and_no_more(foundation: Any) -> None:
    run = foundation("prod")
    assert run.exports["registryStack"] == "dev"
    assert run.exports["registryAccount"] == "111111111111"
    assert run.exports["registryBucket"] == "penstock-dev-artifacts-1"
    policies = documents(run, "aws:iam/rolePolicy:RolePolicy")
    elsewhere = {
        statement["Sid"]: (statement["Action"], statement["Resource"])
        for statement in policies["flight-delays-deploy"]
        if "111111111111" in str(statement["Resource"]) or "penstock-dev" in str(statement["Resource"])
    }
    assert set(elsewhere) == {"ReadRegistry", "ListRegisteredArtifacts", "ReadRegisteredArtifacts", "UseRegistryKey"}
    assert elsewhere["ReadRegistry"] == (
        ["sagemaker:DescribeModelPackage", "sagemaker:DescribeModelPackageGroup", "sagemaker:ListTags"],
        [f"arn:aws:sagemaker:eu-central-1:111111111111:{kind}/*" for kind in ("model-package", "model-package-group")],
    )
    assert elsewhere["ReadRegisteredArtifacts"][1] == ["arn:aws:s3:::penstock-dev-artifacts-1/*"]
    assert elsewhere["UseRegistryKey"] == (
        ["kms:Decrypt", "kms:DescribeKey"],
        ["arn:aws:kms:eu-central-1:111111111111:key/1"],
    )
    assert "111111111111" not in str(policies["flight-delays-plan"]), "to plan, nothing of it is needed"


def test_its_network_leads_to_that_registrys_artifacts(foundation: Any) -> None:
    run = foundation("prod", network=True, networkServices=["athena"])
    assert any(item.name == "network-athena" for item in run.of("aws:ec2/vpcEndpoint:VpcEndpoint"))
    (gateway,) = [item for item in run.of("aws:ec2/vpcEndpoint:VpcEndpoint") if item.name == "network-s3"]
    named = json.loads(gateway.inputs["policy"])["Statement"][0]["Resource"]
    assert "arn:aws:s3:::penstock-dev-artifacts-1/*" in named
    assert run.exports["privateSubnetIds"] == ["subnet-network-eu-central-1a", "subnet-network-eu-central-1b"]
    assert run.exports["vpcId"] == "vpc-network"
    assert run.exports["securityGroupId"] == "sg-penstock-prod-jobs"


def test_a_stack_is_its_own_registry_by_default(foundation: Any) -> None:
    exports = foundation("dev").exports
    assert (exports["registryStack"], exports["registryAccount"]) == ("dev", exports["account"])
    assert exports["registryBucket"] == exports["artifactBucket"]
    assert exports["registryKeyArn"] == exports["artifactKeyArn"]
    assert foundation("dev", registryStack="dev").exports == exports


def test_a_registry_in_another_region_is_refused(foundation: Any) -> None:
    with pytest.raises(Exception, match="the stack dev is in us-west-2 and prod in eu-central-1"):
        foundation("prod", DEVELOPMENT | {"region": "us-west-2"})


def test_either_a_registry_or_a_reader_of_one() -> None:
    values = {"owner": "x", "costCenter": "1", "repositories": '["a@1/b@2"]', "registryStack": "dev"}
    with pytest.raises(ConfigurationError, match="sharedWith is for the stack that registers models"):
        FoundationSettings.from_values(
            values | {"sharedWith": '["222222222222"]'}, project="penstock-foundation", stack="prod"
        )


# -- what other accounts may do with a stack's models


def test_artifacts_are_shared_with_named_accounts_to_read(foundation: Any) -> None:
    run = foundation("dev", sharedWith=list(OTHERS))
    statements = documents(run, "aws:s3/bucketPolicy:BucketPolicy")["artifacts"]
    shared = {item["Sid"]: item for item in statements if item["Effect"] == "Allow"}
    assert {sid: item["Principal"] for sid, item in shared.items()} == {
        "ListByOtherAccounts": {"AWS": ROOTS},
        "ReadByOtherAccounts": {"AWS": ROOTS},
    }
    assert shared["ReadByOtherAccounts"]["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    keys = documents(run, "aws:kms/key:Key")
    (readers,) = [item for item in keys["artifacts"] if item["Principal"] == {"AWS": ROOTS}]
    assert readers["Action"] == ["kms:Decrypt", "kms:DescribeKey"]
    for name in ("data", "messages"):
        assert not any("222222222222" in str(item) for item in keys[name]), "data and messages stay"


def test_nothing_is_shared_by_default(run_program: Any, placement: Placement) -> None:
    """Nor with an account that is the stack's own."""
    for accounts in ((), (placement.account,)):
        bucket = PrivateBucketArguments(placement=placement, purpose="artifacts", key_arn=KEY, reader_accounts=accounts)
        run = run_program(lambda bucket=bucket: PrivateBucket("artifacts", bucket))
        assert [item["Effect"] for item in documents(run, "aws:s3/bucketPolicy:BucketPolicy")["artifacts"]] == ["Deny"]
        key = DataKeyArguments(placement=placement, purpose="a", description="a", reader_accounts=accounts)
        assert len(documents(run_program(lambda key=key: DataKey("key", key)), "aws:kms/key:Key")["key"]) == 2
        images = ImageRepositoryArguments(placement=placement, key_arn=KEY, shared_with=accounts)
        assert not run_program(lambda images=images: ImageRepository("images", images)).has(
            "aws:ecr/repositoryPolicy:RepositoryPolicy"
        )


def test_images_are_shared_to_pull(run_program: Any, placement: Placement) -> None:
    arguments = ImageRepositoryArguments(placement=placement, key_arn=KEY, shared_with=OTHERS)
    run = run_program(lambda: ImageRepository("images", arguments))
    (statement,) = documents(run, "aws:ecr/repositoryPolicy:RepositoryPolicy")["images"]
    assert statement["Principal"] == {"AWS": ROOTS}
    assert statement["Action"] == [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ]


def test_models_of_another_account_are_read_and_run(run_program: Any, placement: Placement) -> None:
    registry = Registry(
        stack="dev",
        account="111111111111",
        artifact_bucket="penstock-dev-artifacts-1",
        artifact_key_arn=DEVELOPMENT["artifactKeyArn"],
    )
    run = run_program(
        lambda: ServingRole(
            "serving",
            ServingRoleArguments(
                placement=placement,
                permissions_boundary_arn="arn:aws:iam::123456789012:policy/boundary",
                artifact_bucket="penstock-prod-artifacts-1",
                registry=registry,
                image_repository_arn="arn:aws:ecr:eu-central-1:123456789012:repository/penstock-prod-models",
                key_arns=(KEY,),
            ),
        )
    )
    said = {item["Sid"]: item for item in documents(run, "aws:iam/rolePolicy:RolePolicy")["serving"]}
    assert "arn:aws:s3:::penstock-dev-artifacts-1/*" in said["ReadModels"]["Resource"]
    assert said["UseRegistryKey"]["Action"] == ["kms:Decrypt", "kms:DescribeKey"]
    assert said["PullImages"]["Resource"] == [
        "arn:aws:ecr:eu-central-1:123456789012:repository/penstock-prod-models",
        "arn:aws:ecr:eu-central-1:111111111111:repository/penstock-dev-models",
    ]
    assert "penstock-dev" not in str(said["CaptureRequests"]), "what is written stays in the stack"


# -- logs of networks


def test_flow_logs_are_delivered_for_this_account_alone(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: LogBucket("logs", LogBucketArguments(placement=placement)))
    said = {item["Sid"]: item for item in documents(run, "aws:s3/bucketPolicy:BucketPolicy")["logs"]}
    for sid in ("FlowLogDelivery", "FlowLogCheck"):
        assert said[sid]["Principal"] == {"Service": ["delivery.logs.amazonaws.com"]}
        assert said[sid]["Condition"]["StringEquals"]["aws:SourceAccount"] == ["123456789012"]
        assert said[sid]["Condition"]["ArnLike"] == {"aws:SourceArn": ["arn:aws:logs:eu-central-1:123456789012:*"]}
    (written,) = said["FlowLogDelivery"]["Resource"]
    assert written.endswith("/AWSLogs/123456789012/*")


# -- what is spent


def test_budgets_are_by_cost_tag(foundation: Any) -> None:
    run = foundation("dev", budgets={"Project=flight-delays": 300})
    counted = {
        item.inputs["costFilters"][0]["values"][0]: item.inputs["limitAmount"]
        for item in run.of("aws:budgets/budget:Budget")
    }
    assert counted == {"user:Environment$dev": "300", "user:Project$flight-delays": "300"}
    assert not foundation("dev", monthlyBudget=0).has("aws:budgets/budget:Budget")


def test_a_budget_for_a_tag_that_nothing_carries_is_refused(foundation: Any) -> None:
    with pytest.raises(ConfigurationError, match="nothing carries the tag of the budget Team=x; tags are Project, "):
        foundation("dev", budgets={"Team=x": 1})
    assert foundation("dev", budgets={"Team=x": 1}, tags={"Team": "x"}).of("aws:budgets/budget:Budget")


def test_messages_have_a_key_that_their_publishers_may_use(foundation: Any) -> None:
    run = foundation("dev")
    keys = documents(run, "aws:kms/key:Key")
    publishers = {
        name: statement["Principal"]["Service"]
        for name, statements in keys.items()
        for statement in statements
        if "Service" in statement["Principal"]
    }
    assert publishers == {
        "data": ["events.amazonaws.com"],
        "messages": ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"],
    }
    assert all(item.inputs["enableKeyRotation"] is True for item in run.of("aws:kms/key:Key"))
    for topic in run.of("aws:sns/topic:Topic"):
        assert topic.inputs["kmsMasterKeyId"] == run.exports["messageKeyArn"]
