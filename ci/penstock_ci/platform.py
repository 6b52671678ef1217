"""What the platform's stacks export: buckets, roles, keys, the image repository."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock_ci.errors import UserError
from penstock_ci.projects import platform, platform_project
from penstock_ci.stacks import open_stack
from penstock_ci.target import LOCAL_STACK

if TYPE_CHECKING:
    from penstock_ci.target import Target


def outputs(target: Target) -> dict[str, Any]:
    """The outputs of the platform's stacks in one dictionary (their names are distinct).

    Raises:
        UserError: a platform stack has never been brought up.
    """
    merged: dict[str, Any] = {}
    for project in platform():
        found = open_stack(project, target).outputs()
        if not found:
            raise UserError(
                f"the platform is not up on the stack '{target.stack}': '{project.name}' has no outputs",
                f"bring it up: penstock up --all --stack {target.stack}",
            )
        merged |= found
    return merged


@dataclass(frozen=True)
class Registry:
    """The stack that registers the models a stack deploys, and its account; empty where the foundation is not up."""

    stack: str
    account: str


@functools.cache
def registry(target: Target) -> Registry:
    """Whose models a stack deploys: the foundation's `registryStack`, by default its own."""
    if target.stack == LOCAL_STACK:
        return Registry(target.stack, "")
    found = open_stack(platform_project("foundation"), target).outputs()
    return Registry(str(found.get("registryStack") or target.stack), str(found.get("registryAccount") or ""))
