"""What a step type does when its step starts, runs and is stopped."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.pipelines import retry_policies
from penstock_services.sagemaker.pipelines.arguments import typed
from penstock_services.sagemaker.pipelines.expressions import resolve, text_of
from penstock_services.sagemaker.pipelines.parameters import typed as typed_value
from penstock_services.sagemaker.pipelines.step import Step
from penstock_services.sagemaker.pipelines.step_kinds import KINDS
from penstock_services.sagemaker.pipelines.values import ExecutionValues

_ALPHANUMERIC = string.ascii_letters + string.digits
_NAME_LENGTH = 63
_SHORT_NAME_LENGTH = 32
_UNIQUE_LENGTH = 10

Ending = Literal["Succeeded", "Failed", "Stopped"]


class StepError(Exception):
    """A step that cannot go on; the text is its FailureReason. ``exception_type`` is that of the retry policies."""

    def __init__(self, message: str, exception_type: str | None = None) -> None:
        super().__init__(message)
        self.exception_type = exception_type


@dataclass(frozen=True)
class Ended:
    """How a step has ended. ``properties`` is what expressions of later steps see, ``metadata`` replaces what the step has
    said of itself at its start. ``exception_type`` tells a retry policy what kind of failure it was; ``final``: the
    execution fails even if it is being stopped."""

    status: Ending
    properties: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None
    outcome: bool | None = None
    metadata: dict[str, Any] | None = None
    exception_type: str | None = None
    final: bool = False


@dataclass(frozen=True)
class Begun:
    """A step that has been started: its Metadata, and either the ``handle`` to ask by or how it has ended at once.

    ``arn`` is the resource whose state-change events say that it is worth asking. ``expanded`` are the steps that a
    ForEach step runs.
    """

    metadata: dict[str, Any]
    handle: str | None = None
    ended: Ended | None = None
    arn: str | None = None
    expanded: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Run:
    """What a step type works with. ``resource_name`` is the name for the job or model that the step makes; ``settle`` says
    from any thread how the step has ended."""

    context: Context
    step: Step
    execution: dict[str, Any]
    resource_name: str
    values: ExecutionValues
    settle: Callable[[Ended], None] = lambda _ended: None

    @property
    def execution_arn(self) -> str:
        """The execution's ARN."""
        arn: str = self.execution["PipelineExecutionArn"]
        return arn

    def arguments(self) -> dict[str, Any]:
        """The step's arguments, resolved and in the types of the operation that they are for."""
        resolved: dict[str, Any] = resolve(self.step.arguments, self.values)
        operation = KINDS[self.step.type].operation
        if operation is None:
            return resolved
        request = typed(operation, resolved)
        experiment = self.execution.get("PipelineExperimentConfig")
        if experiment and "ExperimentConfig" in load("sagemaker").inputs(operation):
            request["ExperimentConfig"] = {**request.get("ExperimentConfig", {}), **experiment}
        return request

    def extra(self) -> dict[str, Any]:
        """What the step holds beside its arguments, resolved."""
        resolved: dict[str, Any] = resolve(self.step.extra, self.values)
        return resolved

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """A SageMaker operation; what it refuses fails the step in AWS's words."""
        try:
            return self.context.call(operation, request)
        except ServiceError as error:
            message = f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error.message}"
            raise StepError(message, retry_policies.of_refusal(error.code, error.status)) from None


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
    named = KINDS[step.type].named
    prefix = step.arguments.get(named) if named else None
    length = _SHORT_NAME_LENGTH if named in ("HyperParameterTuningJobName", "AutoMLJobName") else _NAME_LENGTH
    if isinstance(prefix, str):
        room = length - len(execution_id) - _UNIQUE_LENGTH - 2
        start = prefix[:room].strip("-")
        return "-".join([*([start] if start else []), execution_id, unique])
    beginning = "pipelines" if length == _NAME_LENGTH else ""
    fixed = "-".join([*([beginning] if beginning else []), execution_id])
    room = length - len(fixed) - _UNIQUE_LENGTH - 2
    middle = step.name.replace("_", "-")[:room].strip("-")
    return "-".join(part for part in (fixed, middle, unique) if part)


def output_values(step: Step, given: dict[str, Any]) -> dict[str, Any]:
    """The declared output parameters out of what a Lambda function or a callback gave, in their declared types.

    ValueError for one that is missing or of another type.
    """
    values: dict[str, Any] = {}
    for output in step.outputs.values():
        if given.get(output.name) is None:
            message = f"output parameter '{output.name}' is missing"
            raise ValueError(message)
        value = given[output.name]
        if isinstance(value, dict | list):
            message = f"output parameter '{output.name}' must be a text, a number or a boolean"
            raise ValueError(message)
        try:
            values[output.name] = typed_value(output.type, text_of(value))
        except ValueError as error:
            message = f"output parameter '{output.name}' is not of type {output.type}: {error}"
            raise ValueError(message) from None
    return values


def output_list(values: dict[str, Any]) -> list[dict[str, str]]:
    """Output parameters as a step's Metadata has them."""
    return [{"Name": name, "Value": text_of(value)} for name, value in values.items()]
