"""Trust in GitHub's workflows, judged by a small evaluator of IAM's conditions: emulators do not enforce them."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from penstock_infra.oidc import AUDIENCE, HOST, WorkflowTrust
from penstock_infra.repository import Repository
from penstock_policy import Resource, trust

PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{HOST}"
REPOSITORY = Repository.parse("acme@1001/flight-delays@2002")
DEPLOY = WorkflowTrust(repository=REPOSITORY, environment="deploy", workflow="deploy.yml")
PLAN = WorkflowTrust(repository=REPOSITORY, workflow="pull-request.yml")


def allows(document: dict[str, Any], claims: dict[str, str]) -> bool:
    """Whether AWS would let a token with these claims take the role."""
    operators = {
        "StringEquals": lambda want, got: want == got,
        "StringLike": lambda want, got: fnmatch.fnmatchcase(got, want),
    }
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        held = [
            any(operators[operator](want, claims[key]) for want in wanted) if key in claims else False
            for operator, keys in statement["Condition"].items()
            for key, wanted in keys.items()
        ]
        if all(held):
            return True
    return False


def token(**changes: str | None) -> dict[str, str]:
    """The claims of a deployment from main of a new repository; None takes a claim away."""
    claims: dict[str, str | None] = {
        "aud": AUDIENCE,
        "sub": "repo:acme@1001/flight-delays@2002:environment:deploy",
        "repository_id": "2002",
        "job_workflow_ref": "acme/flight-delays/.github/workflows/deploy.yml@refs/heads/main",
        **changes,
    }
    return {f"{HOST}:{name}": value for name, value in claims.items() if value is not None}


PULL_REQUEST: dict[str, str | None] = {
    "sub": "repo:acme@1001/flight-delays@2002:pull_request",
    "job_workflow_ref": "acme/flight-delays/.github/workflows/pull-request.yml@refs/pull/7/merge",
}


@pytest.mark.parametrize("sub", ["repo:acme/flight-delays:environment:deploy", token()[f"{HOST}:sub"]])
def test_both_forms_of_sub(sub: str) -> None:
    assert allows(DEPLOY.document(PROVIDER).as_dict(), token(sub=sub))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "https://github.com/acme"},
        {"sub": "repo:acme@1001/flight-delays@2002:environment:train"},
        {"sub": "repo:acme@1001/flight-delays@2002:ref:refs/heads/main"},
        {"sub": "repo:acme@1001/flight-delays@2002:environment:deploy-too"},
        {"sub": "repo:acme@9/flight-delays@2002:environment:deploy"},
        {"sub": "repo:evil/flight-delays:environment:deploy"},
        {"repository_id": "9"},
        {"job_workflow_ref": "acme/flight-delays/.github/workflows/other.yml@refs/heads/main"},
        {"job_workflow_ref": "acme/flight-delays/.github/workflows/deploy.yml@refs/heads/mine"},
        {"aud": None},
        {"sub": None},
        {"repository_id": None},
        {"job_workflow_ref": None},
    ],
)
def test_everything_else_is_refused(change: dict[str, str | None]) -> None:
    assert not allows(DEPLOY.document(PROVIDER).as_dict(), token(**change))


def test_pull_requests() -> None:
    document = PLAN.document(PROVIDER).as_dict()
    assert allows(document, token(**PULL_REQUEST))
    assert not allows(document, token())
    assert not allows(document, token(**{**PULL_REQUEST, "job_workflow_ref": token()[f"{HOST}:job_workflow_ref"]}))


def test_ids_are_demanded() -> None:
    without = WorkflowTrust(repository=Repository.parse("acme/flight-delays"), workflow="deploy.yml", environment="x")
    with pytest.raises(ValueError, match="gh api repos/acme/flight-delays"):
        without.document(PROVIDER)


@given(
    environment=st.one_of(st.none(), st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True)),
    owner=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,20}", fullmatch=True),
    name=st.from_regex(r"[A-Za-z0-9._-]{1,30}", fullmatch=True),
)
def test_never_wider_than_the_policy_allows(environment: str | None, owner: str, name: str) -> None:
    made = WorkflowTrust(
        repository=Repository.parse(f"{owner}@1/{name}@2"), environment=environment, workflow="x.yml"
    ).document(PROVIDER)

    role = Resource(type=trust.ROLE, name="role", inputs={"assumeRolePolicy": json.dumps(made.as_dict())})
    assert list(trust.one_repository_and_environment([role])) == []


@pytest.mark.parametrize("environment", ["*", "dev*", "", "a b", "a:b"])
def test_environments_are_names(environment: str) -> None:
    with pytest.raises(ValidationError):
        WorkflowTrust(repository=REPOSITORY, environment=environment, workflow="deploy.yml")


@pytest.mark.parametrize("text", ["acme", "acme/", "/x", "acme/*", "acme@x/y@2", "acme/x y", "https://github.com/a/b"])
def test_not_a_repository(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a repository: write OWNER@OWNER_ID"):
        Repository.parse(text)


def test_models_of_a_repository() -> None:
    assert REPOSITORY.model_matchers("dev", "x-") == ["x-flight-delays-dev", {"wildcard": "x-flight-delays-*-dev"}]
    named = Repository.parse("acme@1/mono@2#churn,delays")
    assert named.model_matchers("dev") == ["churn-dev", "delays-dev"]
