"""Roles may do named things, on named resources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from penstock_policy.resource import Finding, Resource, finding, statements, texts

DOCUMENTS = {
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/policy:Policy": "policy",
    "aws:iam/role:Role": "assumeRolePolicy",
    "aws:kms/key:Key": "policy",
    "aws:sqs/queue:Queue": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
}
"""Types that carry a policy document, and the input that holds it."""

ATTACHMENTS = ("aws:iam/rolePolicyAttachment:RolePolicyAttachment",)
TOO_WIDE = re.compile(r"arn:[a-z-]+:iam::aws:policy/(AdministratorAccess|PowerUserAccess|IAMFullAccess|\w+FullAccess)")
REASON = re.compile(r"AnyResource[A-Z][A-Za-z0-9]{7,}")
"""A Sid that says why AWS knows no narrower resource than `*`."""


def no_wildcard_without_reason(resources: Sequence[Resource]) -> Iterator[Finding]:
    """No `*` in an allowed action; resource `*` only where the statement's Sid says why; no managed policy that is as wide."""
    for resource in resources:
        if resource.type in DOCUMENTS:
            for statement in statements(resource.inputs.get(DOCUMENTS[resource.type])):
                if statement.get("Effect") == "Allow":
                    yield from _judge(resource, statement)
        if resource.type in ATTACHMENTS and TOO_WIDE.fullmatch(str(resource.inputs.get("policyArn", ""))):
            yield finding(
                "no_wildcard_without_reason",
                resource,
                f"{resource.inputs['policyArn']} allows nearly everything",
                "Write a policy with the actions that are needed",
            )


def _judge(resource: Resource, statement: dict[str, object]) -> Iterator[Finding]:
    policy = "no_wildcard_without_reason"
    sid = str(statement.get("Sid", ""))
    if "NotAction" in statement or "NotResource" in statement:
        yield finding(policy, resource, f"{sid or 'a statement'} allows all but a list", "List what is allowed")
    if wide := [action for action in texts(statement.get("Action")) if "*" in action]:
        yield finding(policy, resource, f"{sid or 'a statement'} allows {', '.join(wide)}", "Name each action")
    if "*" in texts(statement.get("Resource")) and not REASON.fullmatch(sid):
        yield finding(
            policy,
            resource,
            f"{sid or 'a statement'} is for every resource",
            "Name the resources, or say why AWS knows none in the Sid: AnyResource<Reason>",
        )
