"""What is judged, and how a finding looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What Pulumi writes for a value that is not known before the resource exists."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource as a program asks for it; `inputs` by their names on the wire (camelCase)."""

    type: str
    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A resource that a policy refuses: why, and what to do about it."""

    policy: str
    type: str
    name: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.policy}: {self.type} {self.name}: {self.message}. {self.remedy}"


type Policy = Callable[[Sequence[Resource]], Iterator[Finding]]


def finding(policy: str, resource: Resource, message: str, remedy: str) -> Finding:
    """The finding of a policy about a resource."""
    return Finding(policy=policy, type=resource.type, name=resource.name, message=message, remedy=remedy)


def statements(document: object) -> list[dict[str, Any]]:
    """The statements of a policy document given as JSON; none when it is not known yet.

    Raises ValueError when the text is known and is no policy document.
    """
    if not isinstance(document, str) or UNKNOWN in document:
        return []
    content = json.loads(document)
    found = content.get("Statement", [])
    return [found] if isinstance(found, dict) else list(found)


def texts(value: object) -> list[str]:
    """One text or a list of them, as IAM allows both."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(item) for item in value]  # type: ignore[attr-defined]
