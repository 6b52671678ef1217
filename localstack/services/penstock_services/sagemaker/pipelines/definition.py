"""Pipeline definitions: the JSON grammar of version 2020-12-01, parsed and checked.

A definition that parses can be executed: its step types run here, its references lead somewhere and there is no cycle.
What is wrong is said with the name of the step.
"""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.pipelines import property_paths
from penstock_services.sagemaker.pipelines.expressions import is_expression, references
from penstock_services.sagemaker.pipelines.parameters import Parameter, ParameterError, declared
from penstock_services.sagemaker.pipelines.references import (
    EXPERIMENT_MEMBERS,
    CurrentItemReference,
    ExpressionError,
    IterationOutputReference,
    ParameterReference,
    PropertyFileReference,
    PropertyReference,
    Reference,
)
from penstock_services.sagemaker.pipelines.step import Definition, Step
from penstock_services.sagemaker.pipelines.step_kinds import CONDITION
from penstock_services.sagemaker.pipelines.step_parsing import DefinitionError, steps_of, wrong

VERSION = "2020-12-01"
_MLFLOW_MEMBERS = ("MlflowResourceArn", "MlflowExperimentName")
_DEFAULT_EXPERIMENT = {
    "ExperimentName": {"Get": "Execution.PipelineName"},
    "TrialName": {"Get": "Execution.PipelineExecutionId"},
}
_PARSED = 16


def validate(definition: str) -> None:
    """Raise ValidationException for a definition that cannot be executed."""
    try:
        parse(definition)
    except DefinitionError as error:
        raise ServiceError("ValidationException", f"Unable to parse pipeline definition. {error}") from None


@functools.lru_cache(_PARSED)
def parse(text: str) -> Definition:
    """The definition of a JSON text, or DefinitionError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        message = f"It is not valid JSON: {error}"
        raise DefinitionError(message) from None
    except RecursionError:
        raise _too_deep() from None
    try:
        return _parse(document)
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> DefinitionError:
    return DefinitionError("It is nested too deeply.")


def _parse(document: Any) -> Definition:
    if not isinstance(document, dict):
        message = "Expecting start of Json Object."
        raise DefinitionError(message)
    if document.get("Version") != VERSION:
        message = f"Version must be '{VERSION}', not {document.get('Version')!r}."
        raise DefinitionError(message)
    try:
        parameters = declared([] if document.get("Parameters") is None else document["Parameters"])
    except ParameterError as error:
        raise DefinitionError(str(error)) from None
    given = document.get("Steps")
    if not isinstance(given, list) or not given:
        message = "Steps must be a list of at least one step."
        raise DefinitionError(message)
    found = list(steps_of(given, None))
    _check_names(found)
    experiment = _configuration(
        document, "PipelineExperimentConfig", EXPERIMENT_MEMBERS, parameters, _DEFAULT_EXPERIMENT
    )
    mlflow = _configuration(document, "MlflowConfig", _MLFLOW_MEMBERS, parameters, None)
    definition = Definition(parameters, {step.name: step for step in found}, experiment, mlflow)
    for step in found:
        _check_step(definition, step, {})
        for each in step.body:
            _check_step(definition, each, {inner.name: inner for inner in step.body})
    ordered = _ordered(definition)
    return Definition(parameters, ordered, experiment, mlflow)


def _check_names(steps: list[Step]) -> None:
    bodies = [each.name for step in steps for each in step.body]
    repeated = [name for name, count in Counter([*(step.name for step in steps), *bodies]).items() if count > 1]
    if repeated:
        message = f"Step names must be unique; repeated: {', '.join(repeated)}."
        raise DefinitionError(message)
    for body in bodies:
        for step in steps:
            if re.fullmatch(re.escape(body) + r"-\d+", step.name):
                raise wrong(step.name, f"its name is that of an iteration of the ForEach body step '{body}'")


def _configuration(
    document: dict[str, Any],
    member: str,
    members: tuple[str, ...],
    parameters: dict[str, Parameter],
    default: dict[str, Any] | None,
) -> dict[str, Any] | None:
    """PipelineExperimentConfig or MlflowConfig: null turns it off."""
    if member not in document:
        return default
    given = document[member]
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) - set(members):
        message = f"{member} may hold {' and '.join(members)}."
        raise DefinitionError(message)
    for name, value in given.items():
        if value is not None and not isinstance(value, str) and not is_expression(value):
            message = f"{name} of {member} must be a text or an expression, not {value!r}."
            raise DefinitionError(message)
    try:
        for reference in references(given):
            if isinstance(reference, ParameterReference) and reference.name not in parameters:
                message = f"{member} refers to parameter '{reference.name}', which is not declared."
                raise DefinitionError(message)
            if isinstance(reference, PropertyReference | PropertyFileReference):
                message = f"{member} cannot refer to a step ('{reference.step}')."
                raise DefinitionError(message)
    except ExpressionError as error:
        message = f"{member}: {error}."
        raise DefinitionError(message) from None
    return given


def _check_step(definition: Definition, step: Step, siblings: dict[str, Step]) -> None:
    """Every step and parameter that a step names is there; ``siblings`` are the steps of the same ForEach body."""
    reachable = {**definition.steps, **siblings}
    for needed in sorted(step.needs):
        if needed not in reachable:
            raise wrong(step.name, f"it depends on step '{needed}', which does not exist")
    for reference in references([step.own, step.extra]):
        problem = _reference_problem(definition, reference, reachable, siblings)
        if problem is not None:
            raise wrong(step.name, problem)
    if step.type == "Cleanup":
        for source in step.arguments["Resources"]["S3"]:
            if source["StepName"] not in step.needs:
                raise wrong(step.name, f"it cleans up step '{source['StepName']}', which its DependsOn does not name")


def _reference_problem(
    definition: Definition, reference: Reference, reachable: dict[str, Step], siblings: dict[str, Step]
) -> str | None:
    if isinstance(reference, ParameterReference):
        missing = reference.name not in definition.parameters
        return f"it refers to parameter '{reference.name}', which is not declared" if missing else None
    if isinstance(reference, CurrentItemReference):
        return None if siblings else "ForEach.CurrentItem is only there in the body of a ForEach step"
    if isinstance(reference, IterationOutputReference):
        return "IterationOutput is only there in the Selector of a ForEach step"
    if isinstance(reference, PropertyFileReference):
        if reference.name not in reachable[reference.step].property_files:
            return f"it refers to property file '{reference.name}', which step '{reference.step}' lacks"
        return None
    if isinstance(reference, PropertyReference):
        return property_paths.problem(reachable[reference.step], reference.path)
    return None


def _ordered(definition: Definition) -> dict[str, Step]:
    """The steps in an order that respects what they wait for; DefinitionError where there is none."""
    steps = definition.steps
    nested: dict[str, set[str]] = {name: set() for name in steps}
    for step in steps.values():
        for ancestor in ancestors(steps, step):
            nested[ancestor].add(step.name)
    waiting: dict[str, set[str]] = {}
    for step in steps.values():
        above = set(ancestors(steps, step))
        needs = set(step.needs) - above
        for dependency in step.dependencies:
            if dependency.named and dependency.step not in above and steps[dependency.step].type == CONDITION:
                needs |= nested[dependency.step]
        waiting[step.name] = needs | above
    for step in steps.values():
        _order_of_body(step)
    order: list[str] = []
    while waiting:
        free = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        if not free:
            raise DefinitionError(_cycle(waiting))
        order += free
        for name in free:
            del waiting[name]
    return {name: steps[name] for name in order}


def _order_of_body(step: Step) -> None:
    waiting = {each.name: set(each.needs) for each in step.body}
    while waiting:
        free = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        if not free:
            raise wrong(step.name, _cycle(waiting).rstrip("."))
        for name in free:
            del waiting[name]


def _cycle(waiting: dict[str, set[str]]) -> str:
    return f"The steps {', '.join(sorted(waiting))} depend on one another in a cycle."


def ancestors(steps: dict[str, Step], step: Step) -> list[str]:
    """The Condition steps that a step is nested in, the nearest first."""
    found: list[str] = []
    branch = step.branch
    while branch is not None:
        found.append(branch.condition)
        branch = steps[branch.condition].branch
    return found
