"""Trust in GitHub's workflows: one repository, and one environment or its pull requests."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.infra.policy.samples import document, said

from penstock_policy import Resource, trust

GITHUB = f"arn:aws:iam::123456789012:oidc-provider/{trust.HOST}"
GOOD = ["repo:acme/fl:environment:prod", "repo:acme@1/fl@2:environment:prod"]


def trusting(sub: object, **operators: Any) -> Resource:
    exact = {f"{trust.HOST}:aud": "sts.amazonaws.com", f"{trust.HOST}:sub": sub, f"{trust.HOST}:repository_id": "2"}
    conditions = {"StringEquals": exact, **operators}
    return document(
        trust.ROLE,
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": GITHUB},
            "Condition": conditions,
        },
    )


PASSING = {
    "one repository and environment": trusting(GOOD),
    "pull requests of one repository": trusting("repo:acme/fl:pull_request"),
    "another provider": document(trust.ROLE, {"Effect": "Allow", "Principal": {"Federated": "cognito"}}),
    "a service": document(trust.ROLE, {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}),
}
FAILING = {
    "all of an organisation": ("is wider", trusting("repo:acme/*")),
    "every branch": ("is wider", trusting("repo:acme/fl:ref:refs/heads/main")),
    "every environment": ("is wider", trusting("repo:acme/fl:environment:*")),
    "two repositories": ("more than one repository", trusting([GOOD[0], "repo:acme/other:environment:prod"])),
    "two environments": ("more than one", trusting([GOOD[0], "repo:acme/fl:environment:dev"])),
    "no sub": ("does not name exact subjects", trusting(None)),
    "a pattern for sub": (
        "does not name exact subjects",
        trusting(None, StringLike={f"{trust.HOST}:sub": "repo:acme/fl:*"}),
    ),
    "sub only if there": (
        "does not name exact subjects",
        trusting(
            None,
            StringEquals={f"{trust.HOST}:aud": "sts.amazonaws.com", f"{trust.HOST}:repository_id": "2"},
            StringEqualsIfExists={f"{trust.HOST}:sub": GOOD},
        ),
    ),
    "a vacuous condition": ("ForAllValues", trusting(GOOD, **{"ForAllValues:StringLike": {"x": ["*"]}})),
    "another audience": (
        "made for others",
        trusting(
            GOOD,
            StringEquals={f"{trust.HOST}:sub": GOOD, f"{trust.HOST}:aud": "x", f"{trust.HOST}:repository_id": "2"},
        ),
    ),
    "whoever has the repository's name": (
        "does not name the repository's id",
        trusting(GOOD, StringEquals={f"{trust.HOST}:sub": GOOD, f"{trust.HOST}:aud": "sts.amazonaws.com"}),
    ),
}


@pytest.mark.parametrize("case", PASSING)
def test_passes(case: str) -> None:
    assert said(trust.one_repository_and_environment([PASSING[case]])) == []


@pytest.mark.parametrize("case", FAILING)
def test_refused(case: str) -> None:
    message, role = FAILING[case]
    (found,) = said(trust.one_repository_and_environment([role]))
    assert re.search(message, found)


def test_a_role_without_any_condition() -> None:
    role = document(trust.ROLE, {"Effect": "Allow", "Principal": {"Federated": GITHUB}})
    assert len(said(trust.one_repository_and_environment([role]))) == 3
