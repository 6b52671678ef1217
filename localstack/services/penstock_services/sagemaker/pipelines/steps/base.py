"""What a step type does when its step starts, runs and is stopped."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.arguments import typed
from penstock_services.sagemaker.pipelines.definition import OPERATIONS, Step
from penstock_services.sagemaker.pipelines.expressions import Values, resolve

_ALPHANUMERIC = string.ascii_letters + string.digits
_NAME_LENGTH = 63
_UNIQUE_LENGTH = 10

Ending = Literal["Succeeded", "Failed", "Stopped"]


class StepError(Exception):
    """A step that cannot go on; the text is its FailureReason."""


@dataclass(frozen=True)
class Ended:
    """How a step has ended. ``properties`` is what expressions of later steps see."""

    status: Ending
    properties: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None
    outcome: bool | None = None


@dataclass(frozen=True)
class Begun:
    """A step that has been started: its Metadata, and either the ``handle`` to ask by or how it has ended at once."""

    metadata: dict[str, Any]
    handle: str | None = None
    ended: Ended | None = None


@dataclass(frozen=True)
class Run:
    """What a step type works with: the step, its execution's id, and the values of expressions. ``resource_name`` is
    the name for the job or model that the step makes."""

    context: Context
    step: Step
    execution_id: str
    resource_name: str
    values: Values

    def arguments(self) -> dict[str, Any]:
        """The step's arguments, resolved and in the types of the operation that they are for."""
        resolved = resolve(self.step.arguments, self.values)
        return typed(OPERATIONS[self.step.type][0], resolved)

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """A SageMaker operation; what it refuses fails the step in AWS's words."""
        try:
            return self.context.call(operation, request)
        except ServiceError as error:
            message = f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error.message}"
            raise StepError(message) from None


class StepType(Protocol):
    """One step type."""

    def begin(self, run: Run) -> Begun:
        """Start the step. StepError and ExpressionError fail it."""

    def poll(self, context: Context, handle: str) -> Ended | None:
        """How what runs under ``handle`` has ended, or None while it runs."""

    def stop(self, context: Context, handle: str) -> None:
        """Ask what runs under ``handle`` to stop."""


class Immediate:
    """A step type whose steps end as soon as they have begun."""

    def poll(self, _context: Context, _handle: str) -> Ended | None:
        """Never asked: there is no handle."""
        return None

    def stop(self, _context: Context, _handle: str) -> None:
        """Never asked: there is no handle."""


def resource_name(execution_id: str, step: Step) -> str:
    """The name of a step's job or model, as AWS forms it: ``pipelines-<execution id>-<step name>-<10 characters>``,
    or with the prefix that the step's arguments give."""
    unique = "".join(secrets.choice(_ALPHANUMERIC) for _ in range(_UNIQUE_LENGTH))
    _, named = OPERATIONS.get(step.type, ("", ""))
    prefix = step.arguments.get(named)
    start = prefix if isinstance(prefix, str) else "pipelines"
    room = _NAME_LENGTH - len(execution_id) - _UNIQUE_LENGTH - 2
    if not isinstance(prefix, str):
        room -= len(start) + 1
        start = f"{start}-{execution_id}-{step.name.replace('_', '-')[:room].strip('-')}"
    else:
        start = f"{start[:room].strip('-')}-{execution_id}"
    return f"{start}-{unique}"
