"""What must hold before a stack on AWS is worked on: its own account, and production that is meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.ci.conftest import Penstock

from penstock_ci import guard, stacks
from penstock_ci.errors import UserError
from penstock_ci.projects import Project
from penstock_ci.target import Target

OWN, OTHER = "111111111111", "222222222222"
DEPLOYER = f"arn:aws:sts::{OWN}:assumed-role/penstock-prod-deploy-delays-1a2b3c4d/GitHubActions"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Whose the credentials are, and what bootstrap recorded in their account (None: nothing)."""
    settings: dict[str, Any] = {"account": OWN, "arn": f"arn:aws:iam::{OWN}:user/alice", "record": None}
    monkeypatch.setattr(Target, "account", lambda self: settings["account"])
    monkeypatch.setattr(Target, "identity", lambda self: settings["arn"])
    monkeypatch.setattr("penstock_ci.bootstrap.recorded_stacks", lambda target: settings["record"])
    return settings


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    return Project("p", tmp_path)


def configured(project: Project, stack: str, **values: Any) -> None:
    lines = [f"  {key.replace('_', ':')}: {json.dumps(value)}" for key, value in values.items()]
    (project.folder / f"Pulumi.{stack}.yaml").write_text("\n".join(["config:", *lines]) + "\n")


def on_aws(stack: str, **environment: str) -> Target:
    return Target("aws", stack, environment, "eu-west-1")


@pytest.mark.parametrize("ids", [[OWN], [OTHER, OWN], OWN, json.dumps([OWN]), [int(OWN)]])
def test_the_stacks_own_account_is_let_through(project: Project, ids: object) -> None:
    configured(project, "prod", aws_allowedAccountIds=ids)
    guard.account(on_aws("prod"), project)


def test_another_account_is_refused(project: Project, credentials: dict[str, Any]) -> None:
    configured(project, "prod", aws_allowedAccountIds=[OWN])
    credentials["account"] = OTHER
    with pytest.raises(UserError, match=f"'prod' belongs to AWS account {OWN}, but the credentials are of {OTHER}"):
        guard.account(on_aws("prod"), project)
    configured(project, "prod", aws_forbiddenAccountIds=[OTHER])
    with pytest.raises(UserError, match="forbids"):
        guard.account(on_aws("prod"), project)
    configured(project, "prod", aws_allowedAccountIds=["production"])
    with pytest.raises(UserError, match="production is no account id"):
        guard.account(on_aws("prod"), project)


def test_the_account_of_a_role_that_the_provider_takes_counts(project: Project) -> None:
    role = {"roleArn": f"arn:aws:iam::{OTHER}:role/deployer"}
    for key, value in (("aws_assumeRole", role), ("aws_assumeRoles", [role])):
        configured(project, "prod", aws_allowedAccountIds=[OTHER], **{key: value})
        guard.account(on_aws("prod"), project)
        configured(project, "prod", aws_allowedAccountIds=[OWN], **{key: value})
        with pytest.raises(UserError, match=f"but the credentials are of {OTHER}"):
            guard.account(on_aws("prod"), project)


def test_the_record_of_bootstrap_names_the_accounts_stacks(project: Project, credentials: dict[str, Any]) -> None:
    credentials["record"] = ("prod", "staging")
    guard.account(on_aws("prod"), project)
    with pytest.raises(UserError, match=rf"'dev' was not bootstrapped in AWS account {OWN} \(prod, staging were\)"):
        guard.account(on_aws("dev"), project)
    configured(project, "dev", aws_allowedAccountIds=[OWN])
    guard.account(on_aws("dev"), project)


def test_only_production_must_say_where_it_belongs(project: Project) -> None:
    guard.account(on_aws("dev"), project)
    with pytest.raises(UserError, match="nothing says that the stack 'prod' belongs to AWS account") as refused:
        guard.account(on_aws("prod"), project)
    assert f'aws:allowedAccountIds: ["{OWN}"] in Pulumi.prod.yaml' in refused.value.fix


def test_the_local_cloud_is_not_asked(project: Project) -> None:
    configured(project, "local", aws_allowedAccountIds=[OTHER], policy_environment="production")
    local = Target("local", "local", {}, "us-east-1")
    guard.account(local, project)
    guard.production(local, project, meant=False, action="up")


def test_every_door_to_a_stack_on_aws_is_guarded(project: Project, credentials: dict[str, Any]) -> None:
    configured(project, "dev", aws_allowedAccountIds=[OTHER])
    with pytest.raises(UserError, match="belongs to AWS account"):
        stacks.open_stack(project, on_aws("dev", PATH="/nonexistent"))


def test_production_must_be_meant(project: Project) -> None:
    guard.production(on_aws("dev"), project, meant=False, action="up")
    guard.production(on_aws("prod"), project, meant=True, action="up")
    with pytest.raises(UserError, match="up of p changes production: the stack 'prod'") as refused:
        guard.production(on_aws("prod"), project, meant=False, action="up")
    assert "--yes-production" in refused.value.fix
    configured(project, "dev", policy_environment="production")
    with pytest.raises(UserError, match="changes production"):
        guard.production(on_aws("dev"), project, meant=False, action="destroy")


def test_cis_environment_may(project: Project, credentials: dict[str, Any]) -> None:
    in_actions = on_aws("prod", GITHUB_ACTIONS="true")
    with pytest.raises(UserError, match="changes production"):
        guard.production(in_actions, project, meant=False, action="up")
    credentials["arn"] = DEPLOYER
    guard.production(in_actions, project, meant=False, action="up")
    with pytest.raises(UserError, match="changes production"):
        guard.production(on_aws("prod"), project, meant=False, action="up")


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (DEPLOYER, True),
        (DEPLOYER.replace("prod-deploy", "prod-train"), True),
        (DEPLOYER.replace("penstock-prod-deploy-delays-1a2b3c4d", "penstock-platform-acme-platform"), True),
        (DEPLOYER.replace("prod-deploy", "staging-deploy"), False),
        (DEPLOYER.replace("prod-deploy", "prod-plan"), False),
        (DEPLOYER.replace("prod-deploy", "prod-serving"), False),
        (DEPLOYER.replace("penstock-prod-deploy-delays-1a2b3c4d", "penstock-plan-platform-acme-platform"), False),
        (f"arn:aws:iam::{OWN}:user/penstock-prod-deploy-x", False),
        (f"arn:aws:iam::{OWN}:root", False),
    ],
)
def test_whose_session_is_cis(arn: str, expected: bool) -> None:
    assert guard.is_ci_session(arn, "prod") is expected


@pytest.mark.parametrize("verb", ["up", "destroy"])
def test_the_command_stops_before_anything(
    penstock: Penstock, project: Project, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(stacks, "open_stack", lambda *rest: opened.append("opened"))
    monkeypatch.setattr("penstock_ci.operation.resolve", on_aws)
    configured(project, "prod", aws_allowedAccountIds=[OTHER])
    outcome = penstock(verb, str(project.folder), "--stack", "prod", "--yes", "--yes-production")
    assert (outcome.code, opened) == (2, [])
    assert f"the stack 'prod' belongs to AWS account {OTHER}, but the credentials are of {OWN}" in outcome.err
    configured(project, "prod", aws_allowedAccountIds=[OWN])
    outcome = penstock(verb, str(project.folder), "--stack", "prod", "--yes")
    assert (outcome.code, opened) == (2, [])
    assert "changes production" in outcome.err
    assert "--yes-production" in outcome.err
