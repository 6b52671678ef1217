"""Trust in GitHub's workflows: one repository, and one environment or its pull requests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock_policy.resource import Finding, Resource, finding, mapping, of_type, statements, texts
from penstock_policy.settings import UNSPECIFIED, Settings

ROLE = "aws:iam/role:Role"
HOST = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
SUBJECT = re.compile(
    r"repo:(?P<owner>[A-Za-z0-9-]+)(@\d+)?/(?P<name>[A-Za-z0-9._-]+)(@\d+)?"
    r":(?P<context>environment:[A-Za-z0-9._-]+|pull_request)"
)


def one_repository_and_environment(
    resources: Sequence[Resource],
    settings: Settings = UNSPECIFIED,  # noqa: ARG001 - every policy's signature
) -> Iterator[Finding]:
    """Every role that trusts GitHub demands the audience and names exact subjects of one repository and context."""
    for role in of_type(resources, ROLE):
        for statement in statements(role.inputs.get("assumeRolePolicy")):
            principal = statement.get("Principal")
            federated = texts(principal.get("Federated")) if isinstance(principal, dict) else []
            if statement.get("Effect") == "Allow" and any(HOST in provider for provider in federated):
                for message in _faults(mapping(statement.get("Condition"))):
                    yield finding(
                        "one_repository_and_environment",
                        role,
                        message,
                        "Demand StringEquals on aud, repository_id and sub: repo:OWNER/NAME:environment:ENVIRONMENT",
                    )


def _faults(conditions: Mapping[str, Any]) -> Iterator[str]:
    exact = mapping(conditions.get("StringEquals"))
    if texts(exact.get(f"{HOST}:aud")) != [AUDIENCE]:
        yield "it takes tokens made for others (aud)"
    if any(operator.startswith("ForAllValues:") for operator in conditions):
        yield "ForAllValues is true when the claim is absent"
    if not texts(exact.get(f"{HOST}:repository_id")):
        yield "it does not name the repository's id, which outlives its name"
    subjects = texts(exact.get(f"{HOST}:sub"))
    if not subjects:
        yield "it does not name exact subjects (sub)"
        return
    matches = [SUBJECT.fullmatch(subject) for subject in subjects]
    if wide := [subject for subject, match in zip(subjects, matches, strict=True) if match is None]:
        yield f"{', '.join(wide)} is wider than one repository and environment"
    if len({(match["owner"], match["name"], match["context"]) for match in matches if match}) > 1:
        yield "it trusts more than one repository or environment"
