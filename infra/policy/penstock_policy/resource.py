"""What is judged, and how a finding looks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What Pulumi writes for a value that is not known before the resource exists."""

SECRET = "[secret]"  # noqa: S105 - no secret, but what is shown in the place of one
"""What stands where a value may not be shown."""

type Operation = Literal["create", "update", "replace", "delete", "same"]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource as a program asks for it.

    Attributes:
        type: Pulumi's type token: `aws:s3/bucket:Bucket`.
        name: The resource's name in the program.
        urn: Its whole name in Pulumi; empty where the caller has none.
        inputs: By their names on the wire (camelCase).
        protect: The resource option; None where the caller does not know it (what needs it is then not judged).
        operation: What is planned for it; None where nothing is planned or the caller does not know.
        changed: The paths of the properties that are the reason of the operation.
    """

    type: str
    name: str
    urn: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    protect: bool | None = None
    operation: Operation | None = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A resource that a policy refuses: why, and what to do about it."""

    policy: str
    type: str
    name: str
    message: str
    remedy: str
    urn: str = ""

    def __str__(self) -> str:
        return f"{self.policy}: {self.type} {self.name}: {self.message}. {self.remedy}"


def finding(policy: str, resource: Resource, message: str, remedy: str) -> Finding:
    """The finding of a policy about a resource."""
    return Finding(
        policy=policy, type=resource.type, name=resource.name, message=message, remedy=remedy, urn=resource.urn
    )


def of_type(resources: Sequence[Resource], *types: str) -> Iterator[Resource]:
    """The resources of these types that are to be there afterwards: what goes away breaks no rule any more."""
    return (resource for resource in resources if resource.type in types and resource.operation != "delete")


def is_known(value: object) -> bool:
    """Whether a value is there to be judged: neither a secret nor something that only the cloud will say."""
    return not (isinstance(value, str) and (UNKNOWN in value or value == SECRET))


def mapping(value: object) -> Mapping[str, Any]:
    """A nested object of a resource's inputs; empty when it is absent or not known yet."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Mapping[str, Any]]:
    """A list of nested objects; empty when it is absent or not known yet."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []


def statements(document: object) -> list[dict[str, Any]]:
    """The statements of a policy document given as JSON; none when it is not known yet.

    Raises ValueError when the text is known and is no policy document.
    """
    if not isinstance(document, str) or not is_known(document):
        return []
    try:
        content = json.loads(document)
    except ValueError as error:
        raise ValueError(f"a policy document is no JSON: {error}: {document[:60]!r}") from None
    found = content.get("Statement", []) if isinstance(content, dict) else []
    return [found] if isinstance(found, dict) else [statement for statement in found if isinstance(statement, dict)]


def texts(value: object) -> list[str]:
    """One text or a list of them, as IAM allows both."""
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def everyone(principal: object) -> bool:
    """Whether a statement's Principal is the whole world."""
    if isinstance(principal, dict):
        return any("*" in texts(names) for names in principal.values())
    return "*" in texts(principal)
