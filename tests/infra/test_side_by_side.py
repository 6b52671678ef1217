"""Three stacks of the same programs on one local cloud: dev and staging in one region, prod in another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from cookiecutter.main import cookiecutter

from penstock_deploy import Deployment, Result

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "infra" / "projects"
REGIONS = {"dev": "us-east-1", "prod": "eu-west-1", "staging": "us-east-1"}
"""Beside dev, prod is in another region, where it registers its own models; staging deploys those of dev."""

WHOLE = ("foundation", "datalake", "featurestore", "training", "infra")
PARTS = {"dev": WHOLE, "prod": ("foundation", "featurestore"), "staging": WHOLE}
"""`infra` is a model repository's own project."""

type Stacks = dict[str, dict[str, Deployment]]


def client(environment: dict[str, str], service: str, region: str = "us-east-1") -> Any:
    return boto3.client(
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=region,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def succeeded(result: Result) -> Result:
    assert result.ok, "\n".join(result.diagnostics)
    return result


def settings(stack: str, project: str, provider: str) -> dict[str, str]:
    """What differs from the committed stack file: the account is one, so the identity provider is too; and all may go."""
    name = "flight-delays" if project == "infra" else f"penstock-{project}"
    found = {"aws:region": REGIONS[stack], f"{name}:protect": "false", f"{name}:forceDestroy": "true"}
    if project == "foundation" and stack != "dev":
        found[f"{name}:githubOidcProviderArn"] = provider
    if project == "foundation" and stack == "prod":
        found |= {f"{name}:registryStack": "", f"{name}:network": "true"}
    return found


@pytest.fixture(scope="module")
def up(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """The foundations of all three, and everything of two, side by side."""
    baked = tmp_path_factory.mktemp("baked")
    repository = Path(cookiecutter(str(ROOT / "templates/model"), no_input=True, output_dir=str(baked)))
    stacks: Stacks = {stack: {} for stack in REGIONS}
    provider = ""
    for stack in REGIONS:
        for project in PARTS[stack]:
            deployment = Deployment(
                repository / project if project == "infra" else PROJECTS / project,
                stack,
                environment={**environment, "GITHUB_TOKEN": "a-token-of-nobody"},
                configuration=settings(stack, project, provider),
            )
            succeeded(deployment.up())
            stacks[stack][project] = deployment
        provider = provider or deployment_of(stacks, stack)["oidcProviderArn"]
    return stacks


def deployment_of(stacks: Stacks, stack: str) -> dict[str, Any]:
    """The outputs of a stack's foundation."""
    return dict(stacks[stack]["foundation"].outputs())


def test_each_is_in_its_own_region_and_sees_its_own(up: Stacks, environment: dict[str, str]) -> None:
    for stack, region in REGIONS.items():
        outputs = deployment_of(up, stack)
        assert outputs["region"] == region
        assert f":{region}:" in outputs["dataKeyArn"]
        if "featurestore" not in up[stack]:
            continue
        store = up[stack]["featurestore"].outputs()["offlineStoreUri"].split("/")[2]
        assert store.startswith(f"penstock-{stack}-")
        where = client(environment, "s3").get_bucket_location(Bucket=store)["LocationConstraint"] or "us-east-1"
        assert where == region
        key = client(environment, "s3").get_bucket_encryption(Bucket=store)["ServerSideEncryptionConfiguration"][
            "Rules"
        ][0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        assert key == outputs["dataKeyArn"], "the feature store's reference is to the foundation of its own stack"


def test_no_name_is_taken_twice(up: Stacks) -> None:
    """What is unique in an account or the world differs between stacks and regions."""
    for output in ("artifactBucket", "logBucket", "planRoleArn", "deployRoleArn", "permissionsBoundaryArn"):
        assert len({deployment_of(up, stack)[output] for stack in REGIONS}) == 3, output
    assert len({deployment_of(up, stack)["oidcProviderArn"] for stack in REGIONS}) == 1


def test_staging_deploys_from_the_registry_of_dev(up: Stacks) -> None:
    staging, dev, prod = (deployment_of(up, stack) for stack in ("staging", "dev", "prod"))
    assert (staging["registryStack"], staging["registryBucket"]) == ("dev", dev["artifactBucket"])
    assert (prod["registryStack"], prod["registryBucket"]) == ("prod", prod["artifactBucket"])


def test_a_models_things_are_there_once_for_each_stack(up: Stacks, environment: dict[str, str]) -> None:
    sagemaker = client(environment, "sagemaker")
    for stack in ("dev", "staging"):
        outputs = up[stack]["infra"].outputs()
        assert outputs["pipeline"] == outputs["modelPackageGroup"] == f"flight-delays-{stack}"
        assert all(group.startswith(f"flight-delays-{stack}-") for group in outputs["featureGroups"])
        definition = sagemaker.describe_pipeline(PipelineName=outputs["pipeline"])["PipelineDefinition"]
        defaults = {each["Name"]: each.get("DefaultValue") for each in json.loads(definition)["Parameters"]}
        assert defaults["ModelName"] == f"flight-delays-{stack}", "jobs publish to, and register in, their own stack"
        assert defaults["RawBucket"].startswith(f"penstock-{stack}-raw")
    groups = {each["FeatureGroupName"] for each in sagemaker.list_feature_groups()["FeatureGroupSummaries"]}
    assert groups == {group for stack in ("dev", "staging") for group in up[stack]["infra"].outputs()["featureGroups"]}


def test_what_happens_in_one_stack_is_told_for_that_stack_alone(up: Stacks, environment: dict[str, str]) -> None:
    events = client(environment, "events")
    patterns = {
        stack: events.describe_rule(Name=up[stack]["training"].outputs()["approvalRuleArn"].rsplit("/", 1)[-1])
        for stack in ("dev", "staging")
    }
    for happened in ("dev", "staging"):
        for model in ("flight-delays", "flight-delays-long-haul"):
            event = {
                "id": "1",
                "account": "000000000000",
                "source": "aws.sagemaker",
                "time": "2026-11-21T00:00:00Z",
                "region": "us-east-1",
                "resources": [],
                "detail-type": "SageMaker Model Package State Change",
                "detail": {
                    "ModelPackageGroupName": f"{model}-{happened}",
                    "ModelApprovalStatus": "Approved",
                    "ModelPackageStatus": "Completed",
                },
            }
            told = {
                stack
                for stack, rule in patterns.items()
                if events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"]
            }
            assert told == {happened}, model


def test_only_production_has_a_network(up: Stacks, environment: dict[str, str]) -> None:
    outputs = deployment_of(up, "prod")
    assert deployment_of(up, "dev")["vpcId"] == ""
    ec2 = client(environment, "ec2", "eu-west-1")
    subnets = ec2.describe_subnets(SubnetIds=outputs["privateSubnetIds"])["Subnets"]
    assert {subnet["AvailabilityZone"] for subnet in subnets} == {"eu-west-1a", "eu-west-1b"}
    doors = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [outputs["vpcId"]]}])["VpcEndpoints"]
    assert {door["ServiceName"].removeprefix("com.amazonaws.eu-west-1.") for door in doors} == {
        "ecr.api",
        "ecr.dkr",
        "logs",
        "monitoring",
        "s3",
        "sagemaker.api",
        "sagemaker.featurestore-runtime",
        "sagemaker.runtime",
        "sts",
    }


def test_nothing_changes_by_itself(up: Stacks) -> None:
    for deployments in up.values():
        for deployment in deployments.values():
            assert succeeded(deployment.refresh()).changes == []
    for stack in REGIONS:
        assert succeeded(up[stack]["foundation"].preview()).changes == []


def test_a_registry_in_another_region_stops_before_anything_changes(up: Stacks, environment: dict[str, str]) -> None:
    provider = deployment_of(up, "dev")["oidcProviderArn"]
    configuration = settings("prod", "foundation", provider) | {"penstock-foundation:registryStack": "dev"}
    result = Deployment(PROJECTS / "foundation", "prod", environment=environment, configuration=configuration).preview()
    assert not result.ok
    assert "the stack dev is in us-east-1 and prod in eu-west-1" in "\n".join([*result.errors, *result.diagnostics])


def test_one_goes_and_the_others_stay(up: Stacks, environment: dict[str, str]) -> None:
    for project in reversed(PARTS["prod"]):
        succeeded(up["prod"][project].destroy())
        assert up["prod"][project].resources() == []
    buckets = [bucket["Name"] for bucket in client(environment, "s3").list_buckets()["Buckets"]]
    assert not any(bucket.startswith("penstock-prod-") for bucket in buckets)
    assert deployment_of(up, "dev")["artifactBucket"] in buckets
    for stack in ("staging", "dev"):
        for project in reversed(PARTS[stack]):
            succeeded(up[stack][project].destroy())
    assert client(environment, "s3").list_buckets()["Buckets"] == []
    assert client(environment, "iam").list_roles()["Roles"] == []
    assert client(environment, "budgets").describe_budgets(AccountId="000000000000")["Budgets"] == []
    ec2 = client(environment, "ec2", "eu-west-1")
    assert [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]] == []
