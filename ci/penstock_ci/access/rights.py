"""What a resource allows whom: pure, from its type and inputs.

One right is one action on one resource for one principal; documents are read as IAM evaluates them, statement by statement
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from penstock_policy.permissions import ATTACHMENTS, DOCUMENTS, MANAGED, ROLE
from penstock_policy.resource import is_known, items, mapping, texts

type Kind = Literal["permission", "trust", "attachment", "boundary"]

IDENTITY = {
    "aws:iam/groupPolicy:GroupPolicy": "group",
    "aws:iam/rolePolicy:RolePolicy": "role",
    "aws:iam/userPolicy:UserPolicy": "user",
}
"""Inline policies, and the input that names whose they are."""

MANAGED_POLICY = "aws:iam/policy:Policy"
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
FUNCTION = "aws:lambda/permission:Permission"
LAKE = "aws:lakeformation/permissions:Permissions"
GRANT = "aws:kms/grant:Grant"

_NO_IAM = frozenset(
    {
        "aws:appautoscaling/policy:Policy",
        "aws:autoscaling/policy:Policy",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
    }
)
_LIKE_IAM = re.compile(r"aws:(iam/.*|.*(Policy|Permissions?|PolicyAttachment|Grant))")
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True, kw_only=True, order=True)
class Right:
    """One action on one resource for one principal.

    Attributes:
        kind: A permission, the trust to take a role, a managed policy that is attached, or a permissions boundary.
        who: The role, policy or principal.
        effect: Allow or Deny; a boundary is a Deny of everything else.
        action: One action (`all but ...` for NotAction).
        on: The resource.
        when: The conditions, all of which must hold; empty without any.
    """

    kind: Kind
    who: str
    effect: Literal["Allow", "Deny"]
    action: str
    on: str
    when: str = ""


class Unread(Exception):  # noqa: N818 - no error of the program: what cannot be said yet
    """What a resource allows cannot be read; the message says why."""


def concerns(type_: str) -> bool:
    """Whether resources of this type say who may do what."""
    return (type_ in DOCUMENTS or type_ in READERS or _LIKE_IAM.fullmatch(type_) is not None) and type_ not in _NO_IAM


def rights(type_: str, name: str, inputs: Mapping[str, Any]) -> frozenset[Right]:
    """What a resource of this type with these inputs allows.

    Raises:
        Unread: a value is not known before the resource is made, is hidden, or the type is not one that is understood.
    """
    if not concerns(type_):
        return frozenset()
    if type_ in READERS:
        return frozenset(READERS[type_](name, inputs))
    if type_ in DOCUMENTS:
        return frozenset(_resource_policy(type_, name, inputs))
    raise Unread("this kind of resource is not read: look at it yourself")


def _role(name: str, inputs: Mapping[str, Any]) -> Iterator[Right]:
    role = f"role {_text(inputs.get('name') or inputs.get('namePrefix'), name)}"
    for statement in _statements(inputs.get("assumeRolePolicy")):
        for who, action in product(_principals(statement), _actions(statement)):
            yield Right(kind="trust", who=who, effect=_effect(statement), action=action, on=role, when=_when(statement))
    for inline in items(inputs.get("inlinePolicies")):
        yield from _identity_policy(role, inline.get("policy"))
    yield from _attached(role, inputs.get("managedPolicyArns"))
    if boundary := inputs.get("permissionsBoundary"):
        yield Right(
            kind="boundary", who=role, effect="Deny", action="whatever is not in", on=_text(boundary, "a boundary")
        )


def _inline(noun: str) -> Callable[[str, Mapping[str, Any]], Iterator[Right]]:
    def read(name: str, inputs: Mapping[str, Any]) -> Iterator[Right]:
        yield from _identity_policy(f"{noun} {_text(inputs.get(noun), name)}", inputs.get("policy"))

    return read


def _managed_policy(name: str, inputs: Mapping[str, Any]) -> Iterator[Right]:
    yield from _identity_policy(f"policy {_text(inputs.get('name'), name)}", inputs.get("policy"))


def _attachment(name: str, inputs: Mapping[str, Any]) -> Iterator[Right]:
    for noun in ("role", "user", "group"):
        for holder in [*texts(inputs.get(noun)), *texts(inputs.get(f"{noun}s"))]:
            yield from _attached(f"{noun} {_text(holder, name)}", inputs.get("policyArn"))


def _exclusive(name: str, inputs: Mapping[str, Any]) -> Iterator[Right]:
    yield from _attached(f"role {_text(inputs.get('roleName'), name)}", inputs.get("policyArns"))


def _provider(name: str, inputs: Mapping[str, Any]) -> Iterator[Right]:
    for audience in texts(inputs.get("clientIdLists")):
        yield Right(
            kind="trust",
            who=f"tokens of {_text(inputs.get('url'), name)}",
            effect="Allow",
            action="are looked at by roles' trust",
            on="the account",
            when=f"aud is {audience}",
        )


def _function(name: str, inputs: Mapping[str, Any]) -> Iterator[Right]:
    conditions = {
        key: value
        for key, value in (
            ("aws:SourceArn", inputs.get("sourceArn")),
            ("aws:SourceAccount", inputs.get("sourceAccount")),
            ("aws:PrincipalOrgID", inputs.get("principalOrgId")),
        )
        if value
    }
    yield Right(
        kind="permission",
        who=_text(inputs.get("principal"), name),
        effect="Allow",
        action=_text(inputs.get("action"), "lambda:InvokeFunction"),
        on=f"function {_text(inputs.get('function'), name)}",
        when=" and ".join(f"{key} is {_text(value, 'not known yet')}" for key, value in sorted(conditions.items())),
    )


def _lake(name: str, inputs: Mapping[str, Any]) -> Iterator[Right]:
    targets = [
        f"{key} {json.dumps(inputs[key], sort_keys=True) if isinstance(inputs[key], dict | list) else inputs[key]}"
        for key in ("catalogResource", "dataLocation", "database", "lfTag", "lfTagPolicy", "table", "tableWithColumns")
        if inputs.get(key)
    ]
    if not all(map(is_known, targets)):
        raise Unread("its target is known only when it is made")
    grantable = set(texts(inputs.get("permissionsWithGrantOptions")))
    for permission, target in product(texts(inputs.get("permissions")), targets):
        yield Right(
            kind="permission",
            who=_text(inputs.get("principal"), name),
            effect="Allow",
            action=f"lakeformation {permission}{' (and hand it on)' if permission in grantable else ''}",
            on=target,
        )


def _grant(name: str, inputs: Mapping[str, Any]) -> Iterator[Right]:
    for operation in texts(inputs.get("operations")):
        yield Right(
            kind="permission",
            who=_text(inputs.get("granteePrincipal"), name),
            effect="Allow",
            action=f"kms:{operation}",
            on=_text(inputs.get("keyId"), "a key"),
        )


READERS: dict[str, Callable[[str, Mapping[str, Any]], Iterator[Right]]] = {
    ROLE: _role,
    MANAGED_POLICY: _managed_policy,
    **{type_: _inline(noun) for type_, noun in IDENTITY.items()},
    **dict.fromkeys(ATTACHMENTS, _attachment),
    **dict.fromkeys((type_ for type_ in MANAGED if type_ != ROLE), _exclusive),
    PROVIDER: _provider,
    FUNCTION: _function,
    LAKE: _lake,
    GRANT: _grant,
}
"""How each type that is no resource with a policy of its own is read."""


def _resource_policy(type_: str, name: str, inputs: Mapping[str, Any]) -> Iterator[Right]:
    itself = f"{type_.rsplit(':', 1)[1]} {name}"
    for statement in _statements(inputs.get(DOCUMENTS[type_])):
        resources = [itself if resource == "*" else resource for resource in _resources(statement)] or [itself]
        for who, action, on in product(_principals(statement), _actions(statement), resources):
            yield Right(
                kind="permission", who=who, effect=_effect(statement), action=action, on=on, when=_when(statement)
            )


def _identity_policy(who: str, document: object) -> Iterator[Right]:
    for statement in _statements(document):
        for action, on in product(_actions(statement), _resources(statement)):
            yield Right(
                kind="permission", who=who, effect=_effect(statement), action=action, on=on, when=_when(statement)
            )


def _attached(who: str, arns: object) -> Iterator[Right]:
    for arn in texts(arns):
        yield Right(
            kind="attachment",
            who=who,
            effect="Allow",
            action="what is in the policy",
            on=_text(arn, "a policy of this stack"),
        )


def _statements(document: object) -> list[Mapping[str, Any]]:
    if document is None or document == "":
        return []
    if not is_known(document):
        raise Unread("its policy is known only when it is made")
    if not isinstance(document, str):
        raise Unread("its policy is hidden in the state")
    try:
        content = json.loads(document)
    except ValueError:
        raise Unread("its policy is no JSON") from None
    found = mapping(content).get("Statement", [])
    return [found] if isinstance(found, dict) else items(found)


def _effect(statement: Mapping[str, Any]) -> Literal["Allow", "Deny"]:
    return "Deny" if statement.get("Effect") == "Deny" else "Allow"


def _actions(statement: Mapping[str, Any]) -> list[str]:
    return _either(statement, "Action")


def _resources(statement: Mapping[str, Any]) -> list[str]:
    return _either(statement, "Resource")


def _either(statement: Mapping[str, Any], key: str) -> list[str]:
    """The entries of an element, or what its inverse leaves."""
    if inverse := texts(statement.get(f"Not{key}")):
        return [f"all but {', '.join(sorted(inverse))}"]
    return texts(statement.get(key))


def _principals(statement: Mapping[str, Any]) -> list[str]:
    if "NotPrincipal" in statement:
        return [f"everyone but {json.dumps(statement['NotPrincipal'], sort_keys=True)}"]
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return ["everyone" if entry == "*" else entry for entry in texts(principal)]
    return [
        "everyone" if name == "*" else f"account {name}" if _ACCOUNT.fullmatch(name) else name
        for names in principal.values()
        for name in texts(names)
    ]


def _when(statement: Mapping[str, Any]) -> str:
    """The conditions as one line, the same for the same meaning."""
    return " and ".join(
        sorted(
            f"{key} {operator} {', '.join(sorted(texts(values)))}"
            for operator, keys in mapping(statement.get("Condition")).items()
            for key, values in mapping(keys).items()
        )
    )


def _text(value: object, otherwise: str) -> str:
    """A name that is known, else the resource's name in the program, marked as such."""
    return value if isinstance(value, str) and value and is_known(value) else f"({otherwise})"
