"""What models may do while they serve, and what the deploying role may do with their endpoints."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock_infra.components.ci_role import CiRole, CiRoleArguments, Duty
from penstock_infra.components.serving_role import ServingRole, ServingRoleArguments
from penstock_infra.isolation import Network
from penstock_infra.oidc import WorkflowTrust
from penstock_infra.placement import Placement
from penstock_infra.repository import Repository

KEY = "arn:aws:kms:eu-central-1:123456789012:key/data"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
HERE = "eu-central-1:123456789012"


def by_sid(run: Any) -> dict[str, dict[str, Any]]:
    policy = json.loads(run.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


@pytest.fixture
def serving(run_program: Any, placement: Placement) -> Any:
    """The serving role's statements."""

    def run(**changes: Any) -> dict[str, dict[str, Any]]:
        arguments = ServingRoleArguments(
            placement=placement,
            permissions_boundary_arn=BOUNDARY,
            artifact_bucket="artifacts",
            image_repository_arn=f"arn:aws:ecr:{HERE}:repository/models",
            key_arns=(KEY,),
            **changes,
        )
        return by_sid(run_program(lambda: ServingRole("serving", arguments)))

    return run


def test_it_asks_the_alarms_of_endpoints_alone(serving: Any) -> None:
    statement = serving()["WatchDeployments"]
    assert statement["Action"] == ["cloudwatch:DescribeAlarms"]
    assert statement["Resource"] == [f"arn:aws:cloudwatch:{HERE}:alarm:penstock-endpoint-*-prod-*"]


def test_it_tells_the_topics_of_async_answers_alone(serving: Any) -> None:
    statement = serving()["TellOfAsyncAnswers"]
    assert statement["Action"] == ["sns:Publish"]
    assert statement["Resource"] == [f"arn:aws:sns:{HERE}:penstock-prod-async-*"]


def test_it_writes_answers_and_captures_nowhere_else(serving: Any) -> None:
    written = {
        resource
        for statement in serving().values()
        if "s3:PutObject" in statement["Action"]
        for resource in statement["Resource"]
    }
    assert written == {f"arn:aws:s3:::artifacts/{folder}/*" for folder in ("async", "batch", "capture")}


def test_it_joins_a_network_only_where_there_is_one(serving: Any) -> None:
    def interfaces(**changes: Any) -> bool:
        return any("ec2:CreateNetworkInterface" in statement["Action"] for statement in serving(**changes).values())

    network = Network(vpc_id="vpc-1", subnet_ids=("subnet-a",), security_group_id="sg-1")
    assert interfaces(network=network)
    assert not interfaces()


@pytest.fixture
def deploying(run_program: Any, placement: Placement) -> dict[str, dict[str, Any]]:
    """The deploying role's statements."""
    arguments = CiRoleArguments(
        placement=placement,
        permissions_boundary_arn=BOUNDARY,
        duty=Duty.DEPLOY,
        trust=WorkflowTrust(
            repository=Repository.parse("acme@1001/flight-delays@2002"), environment="deploy", workflow="deploy.yml"
        ),
        provider_arn="arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
        artifact_bucket="artifacts",
        key_arns=(KEY,),
    )
    return by_sid(run_program(lambda: CiRole("deploy", arguments)))


@pytest.mark.parametrize(
    ("sid", "resources"),
    [
        ("KeepEndpointAlarms", [f"arn:aws:cloudwatch:{HERE}:alarm:penstock-endpoint-*-prod-*"]),
        ("ScaleEndpoints", [f"arn:aws:application-autoscaling:{HERE}:scalable-target/*"]),
        ("KeepAnswerTopics", [f"arn:aws:sns:{HERE}:penstock-prod-async-*"]),
        ("ScheduleTransforms", [f"arn:aws:scheduler:{HERE}:schedule/default/penstock-prod-transform-*"]),
        ("PassScheduleRole", ["arn:aws:iam::123456789012:role/penstock-prod-transform-schedule-*"]),
        ("AskThroughObjects", ["arn:aws:s3:::artifacts/async/*", "arn:aws:s3:::artifacts/batch/*"]),
    ],
)
def test_deploying_reaches_what_belongs_to_endpoints_alone(
    sid: str, resources: list[str], deploying: dict[str, dict[str, Any]]
) -> None:
    assert deploying[sid]["Resource"] == resources


def test_deploying_makes_no_role_but_auto_scalings_own(deploying: dict[str, dict[str, Any]]) -> None:
    roles = [item for item in deploying.values() if any(action.startswith("iam:Create") for action in item["Action"])]
    (only,) = roles
    assert only["Action"] == ["iam:CreateServiceLinkedRole"]
    assert only["Condition"] == {
        "StringEquals": {"iam:AWSServiceName": ["sagemaker.application-autoscaling.amazonaws.com"]}
    }
    assert only["Resource"][0].endswith("/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
