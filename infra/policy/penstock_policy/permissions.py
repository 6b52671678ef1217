"""Roles may do named things, on named resources, and are taken by named principals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from penstock_policy.resource import Finding, Resource, everyone, finding, items, statements, texts
from penstock_policy.settings import UNSPECIFIED, Settings

POLICY = "no_wildcard_without_reason"
ROLE = "aws:iam/role:Role"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
DOCUMENTS = {
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": "policy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
    "aws:glue/resourcePolicy:ResourcePolicy": "policy",
    "aws:iam/groupPolicy:GroupPolicy": "policy",
    "aws:iam/policy:Policy": "policy",
    ROLE: "assumeRolePolicy",
    "aws:iam/rolePolicy:RolePolicy": "policy",
    "aws:iam/userPolicy:UserPolicy": "policy",
    "aws:kms/key:Key": "policy",
    "aws:kms/keyPolicy:KeyPolicy": "policy",
    BUCKET_POLICY: "policy",
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": "resourcePolicy",
    "aws:secretsmanager/secret:Secret": "policy",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
    "aws:sns/topic:Topic": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
    "aws:sqs/queue:Queue": "policy",
    "aws:sqs/queuePolicy:QueuePolicy": "policy",
}
"""Types that carry a policy document, and the input that holds it."""

ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
)
MANAGED = {
    ROLE: "managedPolicyArns",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": "policyArns",
}
"""Types that name managed policies in a list, and the input that holds it."""

TOO_WIDE = re.compile(
    r"arn:[a-z-]+:iam::aws:policy/(job-function/)?"
    r"(AdministratorAccess\S*|PowerUserAccess|IAMFullAccess|SystemAdministrator|\w*FullAccess\w*)"
)
REASON = re.compile(r"AnyResource[A-Z][A-Za-z0-9]{7,}")
"""A Sid that says why AWS knows no narrower resource than `*`."""

SENSITIVE = frozenset({"iam", "kms", "secretsmanager", "sts"})
"""Services where all resources of a kind are too much: roles to take, keys to decrypt with, secrets to read."""

NARROWING = (
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "kms:calleraccount",
)
"""Condition keys that make a principal `*` something less than the world. (The source of a service's call is none: the
service can be named.)"""


def no_wildcard_without_reason(resources: Sequence[Resource], settings: Settings = UNSPECIFIED) -> Iterator[Finding]:  # noqa: ARG001 - every policy's signature
    """No `*` in an allowed action; wide resources only where the Sid says why; no principal or managed policy as wide."""
    for resource in resources:
        if resource.operation == "delete":
            continue
        if resource.type in DOCUMENTS:
            yield from _document(resource, resource.inputs.get(DOCUMENTS[resource.type]))
        if resource.type == ROLE:
            for inline in items(resource.inputs.get("inlinePolicies")):
                yield from _document(resource, inline.get("policy"))
        if resource.type in ATTACHMENTS:
            yield from _managed(resource, texts(resource.inputs.get("policyArn")))
        if resource.type in MANAGED:
            yield from _managed(resource, texts(resource.inputs.get(MANAGED[resource.type])))


def _document(resource: Resource, document: object) -> Iterator[Finding]:
    for statement in statements(document):
        if statement.get("Effect") == "Allow":
            yield from _judge(resource, statement)


def _managed(resource: Resource, arns: list[str]) -> Iterator[Finding]:
    for arn in arns:
        if TOO_WIDE.fullmatch(arn):
            yield finding(
                POLICY, resource, f"{arn} allows nearly everything", "Write a policy with the actions that are needed"
            )


def _judge(resource: Resource, statement: dict[str, object]) -> Iterator[Finding]:
    sid = str(statement.get("Sid", ""))
    name = sid or "a statement"
    inverted = [key for key in ("NotAction", "NotResource", "NotPrincipal") if key in statement]
    if inverted:
        yield finding(POLICY, resource, f"{name} allows all but a list ({', '.join(inverted)})", "List what is allowed")
    if wide := [action for action in texts(statement.get("Action")) if "*" in action or "?" in action]:
        yield finding(POLICY, resource, f"{name} allows {', '.join(wide)}", "Name each action")
    if (wide := [arn for arn in texts(statement.get("Resource")) if is_wide(arn)]) and not REASON.fullmatch(sid):
        told = "every resource" if "*" in wide else f"{', '.join(wide)}: all of a kind"
        yield finding(
            POLICY,
            resource,
            f"{name} is for {told}",
            "Name the resources, or say why AWS knows none in the Sid: AnyResource<Reason>",
        )
    judged_by_private = resource.type == BUCKET_POLICY
    if everyone(statement.get("Principal")) and not judged_by_private and not is_narrowed(statement.get("Condition")):
        yield finding(POLICY, resource, f"{name} is for every principal", "Name the accounts, roles or services")


def is_wide(resource: str) -> bool:
    """Whether a resource in a statement means everything, any service or account, or all of a sensitive kind.

    A prefix (`arn:aws:s3:::lake/*`, `arn:aws:sagemaker:us-east-1:123456789012:model/*`) is narrow enough.
    """
    parts = resource.split(":", 5)
    if parts[0] != "arn" or len(parts) < 6:
        return "*" in resource or "?" in resource
    service, account, rest = parts[2], parts[4], parts[5]
    if any(sign in field for field in (service, account) for sign in "*?"):
        return True
    if not rest.strip("*?/"):
        return True
    if service == "s3":
        return rest.startswith(("*", "?"))
    return service in SENSITIVE and not re.split(r"[/:]", rest, maxsplit=1)[-1].strip("*?/")


def is_narrowed(conditions: object) -> bool:
    """Whether a condition that must hold names an account, an organisation or a source."""
    return isinstance(conditions, dict) and any(
        str(key).lower() in NARROWING and all(value != "*" for value in texts(values))
        for operator, keys in conditions.items()
        if isinstance(keys, dict)
        and str(operator).startswith(("StringEquals", "ArnEquals", "StringLike", "ArnLike"))
        and not str(operator).endswith("IfExists")
        for key, values in keys.items()
    )
