"""The training project with everything switched on: what it makes, exports and refuses."""

from __future__ import annotations

import functools
import json
import runpy
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from penstock_infra.components.permissions_boundary import boundary
from penstock_infra.configuration import TrainingSettings
from penstock_infra.errors import ConfigurationError
from penstock_infra.isolation import present
from penstock_infra.placement import Placement
from penstock_infra.platform import DataLake, FeatureStore, Foundation, Outputs
from penstock_infra.tags import Tags
from penstock_policy import Resource, check

TRAINING = Path(__file__).parents[2] / "infra" / "projects" / "training"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/"


def outputs(project: type[Outputs], **known: Any) -> dict[str, Any]:
    """All outputs of a project: those that matter here, and some text for each of the others."""
    return {to_camel(field.name): f"some-{field.name}" for field in fields(project)} | known


FOUNDATION = outputs(
    Foundation,
    dataKeyArn=f"{KEY}data",
    artifactKeyArn=f"{KEY}artifacts",
    permissionsBoundaryArn="arn:aws:iam::123456789012:policy/boundary",
    vpcId="vpc-1",
    privateSubnetIds=["subnet-1", "subnet-2"],
    securityGroupId="sg-1",
)
STACKS = {
    "organization/penstock-foundation/prod": FOUNDATION,
    "organization/penstock-datalake/prod": outputs(DataLake),
    "organization/penstock-featurestore/prod": outputs(FeatureStore, offlineStoreUri="s3://features/offline-store"),
}
BASE = {"owner": "ml-platform", "costCenter": "1000", "repositories": '["acme@1001/flight-delays@2002"]'}
EVERYTHING = {
    "experimentTracking": "server",
    "networkIsolation": "true",
    "monthlySpendLimit": "500",
    "spark": "true",
    "studioTeams": '["pricing=ana,ben", "fraud=eve"]',
    "instanceTypes": '["ml.m5.large"]',
}


def program(run_program: Any, **settings: str) -> Any:
    return run_program(
        functools.partial(runpy.run_path, str(TRAINING), run_name="__main__"),
        project="penstock-training",
        stack="prod",
        config={f"penstock-training:{key}": value for key, value in (BASE | settings).items()},
        stacks=STACKS,
        environment={"GITHUB_TOKEN": "a-token-of-nobody"},
    )


@pytest.fixture(scope="module")
def everything(run_program: Any) -> Any:
    return program(run_program, **EVERYTHING)


def policy_of(run: Any, role: str) -> dict[str, Any]:
    policies = [item for item in run.of("aws:iam/rolePolicy:RolePolicy") if item.name == role]
    assert len(policies) == 1
    return {item["Sid"]: item for item in json.loads(policies[0].inputs["policy"])["Statement"]}


def test_everything_keeps_every_policy(everything: Any) -> None:
    found = check([Resource(type=item.type, name=item.name, inputs=item.inputs) for item in everything.resources])
    assert [str(finding) for finding in found] == []


def test_everything_is_exported(everything: Any) -> None:
    exports = everything.exports
    assert exports["trackingServerArn"].endswith(":mlflow-tracking-server/penstock-prod-experiments")
    assert exports["jobSubnetIds"] == ["subnet-1", "subnet-2"]
    assert exports["jobSecurityGroupId"] == "sg-1"
    assert exports["studioDomainId"].startswith("d-")
    assert exports["sparkApplicationId"] == "00abcdefgh"
    assert ":role/penstock-prod-spark-" in exports["sparkRoleArn"]


def test_everything_that_holds_data_is_protected(everything: Any) -> None:
    assert {item.type.rsplit(":", 1)[-1] for item in everything.resources if item.protect} == {
        "Domain",
        "MlflowTrackingServer",
        "Repository",
    }


def test_all_roles_stay_below_the_boundary_and_within_iams_quotas(everything: Any) -> None:
    tags = Tags(project="penstock", environment="prod", owner="o", cost_center="c")
    placement = Placement(account="123456789012", region="eu-central-1", stack="prod", tags=tags)
    ceiling = {action for item in boundary(placement).as_dict()["Statement"] for action in item["Action"]}
    policies = everything.of("aws:iam/rolePolicy:RolePolicy")
    assert len(policies) > 8
    for policy in policies:
        assert len(policy.inputs["policy"]) <= 10_240, policy.name
        used = {action for item in json.loads(policy.inputs["policy"])["Statement"] for action in item["Action"]}
        assert used <= ceiling, policy.name
    assert len(json.dumps(boundary(placement).as_dict(), separators=(",", ":"))) <= 6_144


def test_jobs_run_in_the_network_on_allowed_instances_only(everything: Any, run_program: Any) -> None:
    condition = policy_of(everything, "training")["StartJobs"]["Condition"]
    assert condition["ForAllValues:StringEquals"] == {
        "sagemaker:InstanceTypes": ["ml.m5.large"],
        "sagemaker:VpcSecurityGroupIds": ["sg-1"],
    }
    assert condition["Null"]["sagemaker:VpcSubnets"] == ["false"]
    assert "JoinTheNetwork" in policy_of(everything, "training")
    alone = policy_of(program(run_program), "training")
    assert "JoinTheNetwork" not in alone
    assert "sagemaker:VpcSubnets" not in alone["StartJobs"]["Condition"]["Null"]
    assert "ml.m5.xlarge" in alone["StartJobs"]["Condition"]["ForAllValues:StringEquals"]["sagemaker:InstanceTypes"]


def test_no_other_statement_lets_jobs_start(everything: Any) -> None:
    """What is allowed twice is limited by neither."""
    for role in ("training", "studio", "studio-pricing", "studio-fraud"):
        starts = [
            sid
            for sid, item in policy_of(everything, role).items()
            if {"sagemaker:CreateTrainingJob", "sagemaker:CreateProcessingJob"} & set(item["Action"])
        ]
        assert starts == ["StartJobs"], role


def test_jobs_may_log_to_the_server_that_there_is(everything: Any, run_program: Any) -> None:
    statement = policy_of(everything, "training")["LogExperiments"]
    assert statement["Resource"] == [everything.exports["trackingServerArn"]]
    assert not [action for action in statement["Action"] if "Delete" in action]
    assert "LogExperiments" not in policy_of(program(run_program), "training")


def test_the_spend_limit_stops_training_and_studio(everything: Any) -> None:
    roles = everything.one("aws:budgets/budgetAction:BudgetAction").inputs["definition"]["iamActionDefinition"]["roles"]
    assert [role.rsplit("-", 1)[0] for role in roles] == [
        "penstock-prod-training",
        "penstock-prod-studio",
        "penstock-prod-studio-pricing",
        "penstock-prod-studio-fraud",
    ]


def test_every_team_has_its_own_role(everything: Any) -> None:
    roles = {
        user.name: user.inputs["userSettings"]["executionRole"]
        for user in everything.of("aws:sagemaker/userProfile:UserProfile")
    }
    assert ":role/penstock-prod-studio-pricing-" in roles["pricing-ana"]
    assert roles["pricing-ana"] == roles["pricing-ben"] != roles["fraud-eve"]
    assert len(everything.of("aws:sagemaker/space:Space")) == 2


def test_off_makes_none_of_it(run_program: Any) -> None:
    run = program(run_program)
    types = {item.type for item in run.resources}
    assert not [type_ for type_ in types if type_.startswith(("aws:budgets", "aws:emrserverless"))]
    assert not [type_ for type_ in types if type_.startswith("aws:sagemaker")]
    assert run.exports["trackingServerArn"] == run.exports["studioDomainId"] == ""


def test_isolation_without_a_network_is_refused() -> None:
    assert present("vpc-1", "vpcId") == "vpc-1"
    for nothing in ("", []):
        with pytest.raises(ConfigurationError, match="exports no vpcId: set penstock-foundation:network"):
            present(nothing, "vpcId")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"studioTeams": '["pricing=ana"]'}, "a Studio domain lies in a VPC; set networkIsolation"),
        ({"networkIsolation": "true", "studioVpcId": "vpc-2"}, "are the foundation's with networkIsolation"),
        ({"studioTeams": '["pricing"]', "networkIsolation": "true"}, "write NAME=PERSON,PERSON"),
        ({"studioTeams": '["a=ana", "b=ana"]', "networkIsolation": "true"}, "the same person twice: ana"),
        ({"experimentTracking": "app", "networkIsolation": "true"}, "reach a server of MLflow, but no app"),
        ({"experimentTracking": "wandb"}, "Input should be 'off', 'app' or 'server'"),
        ({"instanceTypes": '["m5.large"]'}, "String should match pattern"),
        ({"sparkMostCpus": "1"}, "greater than or equal to 4"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        TrainingSettings.from_values(BASE | settings, project="penstock-training", stack="prod")
