"""Who acts for whom: roles under a boundary, services for one's own account, roles and keys handed on to services alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock_policy.permissions import DOCUMENTS, ROLE
from penstock_policy.resource import Finding, Resource, finding, items, mapping, of_type, statements, texts
from penstock_policy.settings import UNSPECIFIED, Environment, Settings

INLINE = ("aws:iam/groupPolicy:GroupPolicy", "aws:iam/rolePolicy:RolePolicy", "aws:iam/userPolicy:UserPolicy")
SOURCES = frozenset(
    {
        "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths",
        "kms:calleraccount", "kms:viaservice", "kms:encryptioncontext:aws:logs:arn",
    }
)  # fmt: skip
"""Condition keys by which a service says for whom it works."""

SILENT = frozenset(
    {
        "ec2.amazonaws.com",
        "ecs-tasks.amazonaws.com",
        "edgelambda.amazonaws.com",
        "lambda.amazonaws.com",
        "pods.eks.amazonaws.com",
    }
)
"""Services that take a role only for what runs in the role's own account, and that send no source."""

HANDED_ON = {
    "iam:PassRole": ("iam:passedtoservice", "may hand roles to any service", "Demand iam:PassedToService"),
    "kms:CreateGrant": (
        "kms:grantisforawsresource",
        "may lend keys to anybody",
        "Demand kms:GrantIsForAWSResource: true",
    ),
}
"""Actions that hand on what one has: the condition key that keeps it with AWS's services, and what is said without it."""


def bounded(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """In staging and production, every role has a permissions boundary: no policy of its own gives it more."""
    if settings.environment not in (Environment.STAGING, Environment.PRODUCTION):
        return
    for role in of_type(resources, ROLE):
        if not role.inputs.get("permissionsBoundary"):
            yield finding(
                "bounded",
                role,
                "nothing bounds what it may be given",
                "Set permissions_boundary: the platform's policy",
            )


def services_work_for_the_account(
    resources: Sequence[Resource],
    settings: Settings = UNSPECIFIED,  # noqa: ARG001 - every policy's signature
) -> Iterator[Finding]:
    """A service that may take a role or use a resource may so for a named account or source alone (no confused deputy).

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    for resource in of_type(resources, *DOCUMENTS):
        for statement in statements(resource.inputs.get(DOCUMENTS[resource.type])):
            principal = statement.get("Principal")
            services = set(texts(principal.get("Service"))) - SILENT if isinstance(principal, Mapping) else set()
            if statement.get("Effect") == "Allow" and services and not SOURCES & _demanded(statement):
                yield finding(
                    "services_work_for_the_account",
                    resource,
                    f"{', '.join(sorted(services))} may, whoever it works for",
                    "Demand StringEquals on aws:SourceAccount (or ArnLike on aws:SourceArn)",
                )


def handed_on_to_services(
    resources: Sequence[Resource],
    settings: Settings = UNSPECIFIED,  # noqa: ARG001 - every policy's signature
) -> Iterator[Finding]:
    """A role that may pass roles may to named services, and one that may grant keys may to AWS's resources alone.

    Managed policies are not judged: they may be boundaries, which give nothing.
    """
    for resource in of_type(resources, *INLINE, ROLE):
        documents = [resource.inputs.get("policy")] if resource.type != ROLE else []
        documents += [entry.get("policy") for entry in items(resource.inputs.get("inlinePolicies"))]
        for statement in (found for document in documents for found in statements(document)):
            if statement.get("Effect") == "Allow":
                for action in HANDED_ON.keys() & set(texts(statement.get("Action"))):
                    key, message, remedy = HANDED_ON[action]
                    if key not in _demanded(statement):
                        name = statement.get("Sid") or "a statement"
                        yield finding("handed_on_to_services", resource, f"{name} {message}", remedy)


def _demanded(statement: Mapping[str, Any]) -> set[str]:
    """The keys that a statement's conditions demand, in small letters; one that may be absent is none."""
    return {
        str(key).lower()
        for operator, keys in mapping(statement.get("Condition")).items()
        if not str(operator).endswith("IfExists")
        and not str(operator).startswith("ForAllValues:")
        and "Not" not in str(operator)
        and operator != "Null"
        for key in mapping(keys)
    }
