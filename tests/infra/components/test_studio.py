"""Studio: the domain's guards, teams of people with spaces, their role, and Git repositories."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from penstock_infra.components.code_repository import CodeRepository, CodeRepositoryArguments
from penstock_infra.components.studio_domain import StudioDomain, StudioDomainArguments
from penstock_infra.components.studio_role import StudioRole, StudioRoleArguments
from penstock_infra.components.studio_team import StudioTeam, StudioTeamArguments
from penstock_infra.isolation import Network
from penstock_infra.placement import Placement
from penstock_infra.team import Team, each_in_one

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
ROLE = "arn:aws:iam::123456789012:role/studio"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
TRACKING = "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-app/app-ABCD1234EFGH"
NETWORK = Network(vpc_id="vpc-1", subnet_ids=("subnet-1", "subnet-2"), security_group_id="sg-1")
EXAMPLES: dict[str, dict[str, Any]] = {
    "CodeRepository": {"repository": "flight-delays", "url": "https://github.com/acme/flight-delays"},
    "StudioDomain": {"network": NETWORK, "role_arn": ROLE, "key_arn": KEY},
    "StudioRole": {
        "permissions_boundary_arn": BOUNDARY,
        "team": "pricing",
        "read_buckets": ("clean", "curated"),
        "artifact_bucket": "artifacts",
        "offline_store_bucket": "features",
        "training_role_arn": "arn:aws:iam::123456789012:role/training",
        "image_repository_arn": "arn:aws:ecr:eu-central-1:123456789012:repository/models",
        "key_arns": (KEY,),
        "tracking_arn": TRACKING,
        "network": NETWORK,
    },
    "StudioTeam": {
        "team": {"name": "pricing", "members": ("ana", "ben")},
        "domain_id": "d-1",
        "role_arn": ROLE,
        "security_group_id": "sg-1",
    },
}


def domain(run_program: Any, placement: Placement, **changes: Any) -> Any:
    arguments = StudioDomainArguments(placement=placement, **{**EXAMPLES["StudioDomain"], **changes})
    return run_program(lambda: StudioDomain("example", arguments)).one("aws:sagemaker/domain:Domain")


def test_a_domain_is_encrypted_protected_and_cut_off_from_the_internet(run_program: Any, placement: Placement) -> None:
    made = domain(run_program, placement)
    assert made.inputs["kmsKeyId"] == KEY
    assert made.inputs["appNetworkAccessType"] == "VpcOnly"
    assert (made.inputs["vpcId"], made.inputs["subnetIds"]) == ("vpc-1", ["subnet-1", "subnet-2"])
    assert made.inputs["defaultUserSettings"]["securityGroups"] == ["sg-1"]
    assert made.inputs["defaultSpaceSettings"] == {"executionRole": ROLE, "securityGroups": ["sg-1"]}
    assert made.inputs["authMode"] == "IAM"
    assert made.inputs["retentionPolicy"] == {"homeEfsFileSystem": "Retain"}
    assert made.inputs["tags"] == placement.tags.as_dict()
    assert made.protect


def test_a_domain_that_may_go_takes_its_files_along(run_program: Any, placement: Placement) -> None:
    made = domain(run_program, placement.model_copy(update={"force_destroy": True, "protect": False}), isolated=False)
    assert made.inputs["retentionPolicy"] == {"homeEfsFileSystem": "Delete"}
    assert made.inputs["appNetworkAccessType"] == "PublicInternetOnly"
    assert not made.protect


def test_people_are_told_apart_idle_apps_end_and_outputs_are_not_shared(run_program: Any, placement: Placement) -> None:
    inputs = domain(run_program, placement, idle_minutes=120, repository_urls=("https://example.com/a",)).inputs
    settings = inputs["defaultUserSettings"]
    assert inputs["domainSettings"] == {"executionRoleIdentityConfig": "USER_PROFILE_NAME"}
    assert settings["jupyterLabAppSettings"] == {
        "appLifecycleManagement": {"idleSettings": {"lifecycleManagement": "ENABLED", "idleTimeoutInMinutes": 120}},
        "codeRepositories": [{"repositoryUrl": "https://example.com/a"}],
    }
    assert settings["sharingSettings"] == {"notebookOutputOption": "Disabled"}
    assert inputs["tagPropagation"] == "ENABLED", "spaces and apps cost: their tags say whom"


@pytest.mark.parametrize("changes", [{"idle_minutes": 5}, {"disk_gb": 1}, {"largest_disk_gb": 20_000}])
def test_a_domain_within_awss_limits(placement: Placement, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        StudioDomainArguments(placement=placement, **{**EXAMPLES["StudioDomain"], **changes})


def test_a_team_has_profiles_of_one_role_and_a_space(run_program: Any, placement: Placement) -> None:
    run = run_program(lambda: StudioTeam("example", StudioTeamArguments(placement=placement, **EXAMPLES["StudioTeam"])))
    users = run.of("aws:sagemaker/userProfile:UserProfile")
    assert sorted(user.inputs["userProfileName"] for user in users) == ["ana", "ben"]
    expected = placement.tags.as_dict()
    for user in users:
        assert user.inputs["domainId"] == "d-1"
        assert user.inputs["userSettings"] == {"executionRole": ROLE, "securityGroups": ["sg-1"]}
        assert user.inputs["tags"] == expected
    space = run.one("aws:sagemaker/space:Space").inputs
    assert space["spaceSharingSettings"] == {"sharingType": "Shared"}
    assert space["ownershipSettings"] == {"ownerUserProfileName": "ana"}
    assert space["spaceSettings"]["appType"] == "JupyterLab"
    assert space["tags"] == expected


def role_of(run_program: Any, placement: Placement, **changes: Any) -> tuple[Any, dict[str, Any]]:
    arguments = StudioRoleArguments(placement=placement, **{**EXAMPLES["StudioRole"], **changes})
    run = run_program(lambda: StudioRole("example", arguments))
    policy = json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    return run.one("aws:iam/role:Role").inputs, {item["Sid"]: item for item in policy["Statement"]}


def test_a_role_writes_below_its_teams_prefix_and_deletes_no_data(run_program: Any, placement: Placement) -> None:
    role, may = role_of(run_program, placement)
    assert role["name"].startswith("penstock-prod-studio-pricing-")
    assert role["permissionsBoundary"] == BOUNDARY
    assert may["WriteBelowOwnPrefix"]["Resource"] == ["arn:aws:s3:::artifacts/studio/pricing/*"]
    actions = {action for item in may.values() for action in item["Action"]}
    forbidden = {"s3:DeleteObject", "sagemaker:UpdateModelPackage", "sagemaker:CreateEndpoint", "sagemaker:PutRecord"}
    assert not actions & forbidden
    assert may["PassTrainingRole"]["Resource"] == ["arn:aws:iam::123456789012:role/training"]
    assert may["PassTrainingRole"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": ["sagemaker.amazonaws.com"]}
    }


def test_jobs_and_apps_from_notebooks_are_limited_and_stay_in_the_network(
    run_program: Any, placement: Placement
) -> None:
    _, may = role_of(run_program, placement, limits={"instance_types": ("ml.m5.large",), "longest_run_hours": 2})
    assert may["StartJobs"]["Condition"] == {
        "Null": {
            "sagemaker:InstanceTypes": ["false"],
            "sagemaker:VpcSubnets": ["false"],
            "sagemaker:VpcSecurityGroupIds": ["false"],
        },
        "ForAllValues:StringEquals": {
            "sagemaker:InstanceTypes": ["ml.m5.large"],
            "sagemaker:VpcSecurityGroupIds": ["sg-1"],
        },
        "NumericLessThanEqualsIfExists": {"sagemaker:MaxRuntimeInSeconds": ["7200"]},
    }
    assert may["OpenApps"]["Condition"] == {
        "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": ["ml.m5.large", "system"]}
    }


def test_spaces_of_others_are_left_alone(run_program: Any, placement: Placement) -> None:
    _, may = role_of(run_program, placement)
    assert set(may["KeepOwnSpaces"]["Action"]) == {
        "sagemaker:CreateSpace", "sagemaker:DeleteSpace", "sagemaker:UpdateSpace"
    }  # fmt: skip
    (owner,) = may["KeepOwnSpaces"]["Condition"]["ArnLike"]["sagemaker:OwnerUserProfileArn"]
    assert owner.endswith(":user-profile/${sagemaker:DomainId}/${sagemaker:UserProfileName}")


def test_tags_are_given_and_never_changed(run_program: Any, placement: Placement) -> None:
    """Costs are counted by them."""
    _, may = role_of(run_program, placement)
    tagging = [item for item in may.values() if "sagemaker:AddTags" in item["Action"]]
    assert [item["Condition"] for item in tagging] == [
        {
            "StringEquals": {
                "sagemaker:TaggingAction": ["CreateApp", "CreateProcessingJob", "CreateSpace", "CreateTrainingJob"]
            }
        }
    ]
    assert not [item for item in may.values() if "sagemaker:DeleteTags" in item["Action"]]


def test_experiments_are_of_one_server(run_program: Any, placement: Placement) -> None:
    _, may = role_of(run_program, placement)
    assert may["LogExperiments"]["Resource"] == may["OpenExperiments"]["Resource"] == [TRACKING]
    _, without = role_of(run_program, placement, tracking_arn=None, network=None, team=None)
    assert not {"LogExperiments", "OpenExperiments", "JoinTheNetwork"} & set(without)
    assert without["WriteBelowOwnPrefix"]["Resource"] == ["arn:aws:s3:::artifacts/studio/shared/*"]


def test_a_repository_with_and_without_a_secret(run_program: Any, placement: Placement) -> None:
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:AmazonSageMaker-git"
    for given in (None, secret):
        arguments = CodeRepositoryArguments(placement=placement, secret_arn=given, **EXAMPLES["CodeRepository"])
        run = run_program(lambda arguments=arguments: CodeRepository("example", arguments))
        inputs = run.one("aws:sagemaker/codeRepository:CodeRepository").inputs
        assert inputs["codeRepositoryName"] == "penstock-prod-flight-delays"
        assert inputs["gitConfig"].get("secretArn") == given
        assert inputs["gitConfig"]["repositoryUrl"] == "https://github.com/acme/flight-delays"
        assert inputs["tags"] == placement.tags.as_dict()


@pytest.mark.parametrize("url", ["http://github.com/a/b", "https://user:token@github.com/a/b", "git@github.com:a/b"])
def test_an_address_with_a_password_or_in_clear_is_refused(placement: Placement, url: str) -> None:
    with pytest.raises(ValidationError):
        CodeRepositoryArguments(placement=placement, repository="a", url=url)


def test_teams_as_a_stack_file_writes_them() -> None:
    assert Team.model_validate("pricing = ana, ben") == Team(name="pricing", members=("ana", "ben"))


@pytest.mark.parametrize(
    ("text", "told"),
    [("pricing", "write NAME=PERSON,PERSON"), ("pricing=Ana", "pattern"), ("pricing=ana,ana", "names ana twice")],
)
def test_a_team_that_cannot_be(text: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Team.model_validate(text)


def test_nobody_is_in_two_teams() -> None:
    teams = (Team.model_validate("pricing=ana"), Team.model_validate("fraud=ben,ana"))
    with pytest.raises(ValueError, match="the same person twice: ana"):
        each_in_one(teams)
    with pytest.raises(ValueError, match="the same team twice: pricing"):
        each_in_one((teams[0], teams[0].model_copy(update={"members": ("eve",)})))
    assert each_in_one(teams[:1]) == teams[:1]
