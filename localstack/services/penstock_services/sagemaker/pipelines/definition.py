"""Pipeline definitions: the JSON grammar of version 2020-12-01, parsed and checked.

A definition that parses can be executed: its step types run here, its references lead somewhere and there is no cycle.
What is wrong is said with the name of the step.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.pipelines import conditions
from penstock_services.sagemaker.pipelines.arguments import problems
from penstock_services.sagemaker.pipelines.duration import duration_seconds
from penstock_services.sagemaker.pipelines.expressions import (
    ExpressionError,
    ParameterReference,
    PropertyFileReference,
    PropertyReference,
    references,
)

VERSION = "2020-12-01"
CONDITION, FAIL = "Condition", "Fail"

# Step types that run here: the operation that makes the step's resource, and the member that names it.
OPERATIONS: dict[str, tuple[str, str]] = {
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "Training": ("CreateTrainingJob", "TrainingJobName"),
    "Model": ("CreateModel", "ModelName"),
    "RegisterModel": ("CreateModelPackage", "ModelPackageName"),
}
RUNNING_TYPES = (*OPERATIONS, CONDITION, FAIL)
OTHER_TYPES = frozenset(
    {
        "Tuning",
        "Transform",
        "Lambda",
        "Callback",
        "QualityCheck",
        "ClarifyCheck",
        "EMR",
        "EMRServerless",
        "AutoML",
        "EndpointConfig",
        "Endpoint",
        "InferenceComponent",
        "Lineage",
        "Job",
        "Cleanup",
        "ForEach",
    }
)
_STEP_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_PARAMETER_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}


class DefinitionError(ValueError):
    """A definition that cannot be executed: where, and why."""


@dataclass(frozen=True)
class Parameter:
    """A declared parameter; ``default`` is None where a value must be given."""

    name: str
    type: str
    default: Any
    allowed: tuple[Any, ...] | None

    def parse(self, text: str) -> Any:
        """A value given as text, in the parameter's type; ValueError says what is wrong."""
        if self.type == "Integer":
            value: Any = int(text)
        elif self.type == "Float":
            value = float(text)
        elif self.type == "Boolean":
            if text.lower() not in {"true", "false"}:
                message = f"{text!r} is neither true nor false"
                raise ValueError(message)
            value = text.lower() == "true"
        else:
            value = text
        if self.allowed is not None and value not in self.allowed:
            message = f"{text!r} is none of {', '.join(map(str, self.allowed))}"
            raise ValueError(message)
        return value


@dataclass(frozen=True)
class PropertyFile:
    """JSON that a Processing step writes: the output that holds it, and its path below that output."""

    name: str
    output: str
    path: str


@dataclass(frozen=True)
class Branch:
    """Where a nested step stands: within the Condition step ``condition``, among its IfSteps or ElseSteps."""

    condition: str
    taken_if: bool


@dataclass(frozen=True)
class Step:
    """One step. ``needs`` are the steps that must have succeeded before: named by DependsOn or referred to."""

    name: str
    type: str
    arguments: dict[str, Any]
    needs: frozenset[str]
    branch: Branch | None
    display_name: str | None
    description: str | None
    property_files: dict[str, PropertyFile] = field(default_factory=dict)
    cache: dict[str, Any] | None = None


@dataclass(frozen=True)
class Definition:
    """A checked definition; ``steps`` holds nested steps too, in the order of the text."""

    parameters: dict[str, Parameter]
    steps: dict[str, Step]


def validate(definition: str) -> None:
    """Raise ValidationException for a definition that cannot be executed."""
    try:
        parse(definition)
    except DefinitionError as error:
        raise ServiceError("ValidationException", f"Unable to parse pipeline definition. {error}") from None


def parse(text: str) -> Definition:
    """The definition of a JSON text, or DefinitionError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        message = f"It is not valid JSON: {error}"
        raise DefinitionError(message) from None
    if not isinstance(document, dict):
        message = "Expecting start of Json Object."
        raise DefinitionError(message)
    if document.get("Version") != VERSION:
        message = f"Version must be '{VERSION}', not {document.get('Version')!r}."
        raise DefinitionError(message)
    if document.get("MlflowConfig") is not None:
        message = "MlflowConfig is not served by the local cloud; leave it out."
        raise DefinitionError(message)
    parameters = _parameters(document.get("Parameters") or [])
    steps = document.get("Steps")
    if not isinstance(steps, list) or not steps:
        message = "Steps must be a list of at least one step."
        raise DefinitionError(message)
    found = list(_steps(steps, None))
    repeated = [name for name, count in Counter(step.name for step in found).items() if count > 1]
    if repeated:
        message = f"Step names must be unique; repeated: {', '.join(repeated)}."
        raise DefinitionError(message)
    definition = Definition(parameters, {step.name: step for step in found})
    _check_references(definition)
    _check_cycles(definition)
    return definition


def _parameters(given: Any) -> dict[str, Parameter]:
    if not isinstance(given, list):
        message = "Parameters must be a list."
        raise DefinitionError(message)
    parameters: dict[str, Parameter] = {}
    for each in given:
        name = each.get("Name") if isinstance(each, dict) else None
        if not isinstance(name, str) or not _PARAMETER_NAME.fullmatch(name):
            message = f"A parameter needs a Name of letters, digits, '-' and '_', not {name!r}."
            raise DefinitionError(message)
        if name in parameters:
            message = f"Parameter '{name}' is declared more than once."
            raise DefinitionError(message)
        kind, default, allowed = each.get("Type"), each.get("DefaultValue"), each.get("EnumValues")
        if kind not in _PYTHON_TYPES:
            message = f"Parameter '{name}' has type {kind!r}; there are {', '.join(_PYTHON_TYPES)}."
            raise DefinitionError(message)
        if allowed is not None and not isinstance(allowed, list):
            message = f"EnumValues of parameter '{name}' must be a list."
            raise DefinitionError(message)
        values = [*([] if default is None else [default]), *(allowed or [])]
        for value in values:
            if not isinstance(value, _PYTHON_TYPES[kind]) or (kind != "Boolean" and isinstance(value, bool)):
                message = f"Value {value!r} of parameter '{name}' is not of type {kind}."
                raise DefinitionError(message)
        if default is not None and allowed is not None and default not in allowed:
            message = f"DefaultValue {default!r} of parameter '{name}' is none of its EnumValues."
            raise DefinitionError(message)
        parameters[name] = Parameter(name, kind, default, None if allowed is None else tuple(allowed))
    return parameters


def _steps(given: list[Any], branch: Branch | None) -> Iterator[Step]:
    for each in given:
        name = each.get("Name") if isinstance(each, dict) else None
        if not isinstance(name, str) or not _STEP_NAME.fullmatch(name):
            message = f"A step needs a Name of letters, digits, '-' and '_', not {name!r}."
            raise DefinitionError(message)
        step = _step(name, each, branch)
        yield step
        if step.type == CONDITION:
            for member, taken_if in (("IfSteps", True), ("ElseSteps", False)):
                nested = step.arguments.get(member) or []
                if not isinstance(nested, list):
                    raise _wrong(name, f"{member} must be a list")
                yield from _steps(nested, Branch(name, taken_if))


def _step(name: str, given: dict[str, Any], branch: Branch | None) -> Step:
    kind = given.get("Type")
    if kind in OTHER_TYPES:
        raise _wrong(
            name, f"type '{kind}' is not served by the local cloud, which runs {', '.join(RUNNING_TYPES)} steps"
        )
    if kind not in RUNNING_TYPES:
        raise _wrong(name, f"unknown type {kind!r}; there are {', '.join([*RUNNING_TYPES, *sorted(OTHER_TYPES)])}")
    arguments = given.get("Arguments")
    if not isinstance(arguments, dict):
        raise _wrong(name, "Arguments must be an object")
    try:
        if kind == CONDITION:
            sources: list[Any] = _conditions(name, arguments)
        else:
            sources = [arguments]
            _check_arguments(name, kind, arguments)
        needs = {
            each.step for each in references(sources) if isinstance(each, PropertyReference | PropertyFileReference)
        }
    except ExpressionError as error:
        raise _wrong(name, str(error)) from None
    return Step(
        name=name,
        type=kind,
        arguments=arguments,
        needs=frozenset(needs | set(_depends_on(name, given.get("DependsOn")))),
        branch=branch,
        display_name=given.get("DisplayName"),
        description=given.get("Description"),
        property_files=_property_files(name, kind, given.get("PropertyFiles")),
        cache=_cache(name, given.get("CacheConfig")),
    )


def _conditions(name: str, arguments: dict[str, Any]) -> list[Any]:
    given = arguments.get("Conditions")
    if not isinstance(given, list) or not given:
        raise _wrong(name, "a Condition step needs a list of Conditions")
    return [operand for condition in given for operand in conditions.operands(condition)]


def _check_arguments(name: str, kind: str, arguments: dict[str, Any]) -> None:
    if kind == FAIL:
        if set(arguments) - {"ErrorMessage"}:
            raise _wrong(name, f"Unknown Argument member '{min(set(arguments) - {'ErrorMessage'})}'")
        return
    operation, named = OPERATIONS[kind]
    for problem in problems(operation, arguments, {named}):
        raise _wrong(name, problem)


def _depends_on(name: str, given: Any) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise _wrong(name, "DependsOn must be a list of step names")
    for each in given:
        if isinstance(each, dict):
            raise _wrong(name, "run conditions (DependsOn with a Trigger) are not served by the local cloud")
        if not isinstance(each, str):
            raise _wrong(name, f"DependsOn holds {each!r}, which is no step name")
    return given


def _property_files(name: str, kind: str, given: Any) -> dict[str, PropertyFile]:
    if not given:
        return {}
    if kind != "Processing":
        raise _wrong(name, f"PropertyFiles belong to Processing steps, not to a {kind} step")
    files: dict[str, PropertyFile] = {}
    for each in given if isinstance(given, list) else [given]:
        parts = [each.get(key) if isinstance(each, dict) else None for key in _PROPERTY_FILE_MEMBERS]
        if not all(isinstance(part, str) and part for part in parts):
            raise _wrong(name, f"each of PropertyFiles needs {', '.join(_PROPERTY_FILE_MEMBERS)}")
        file = PropertyFile(*map(str, parts))
        files[file.name] = file
    return files


_PROPERTY_FILE_MEMBERS = ("PropertyFileName", "OutputName", "FilePath")


def _cache(name: str, given: Any) -> dict[str, Any] | None:
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("Enabled"), bool):
        raise _wrong(name, "CacheConfig needs Enabled, true or false")
    if given.get("ExpireAfter") is not None:
        try:
            duration_seconds(str(given["ExpireAfter"]))
        except ValueError as error:
            raise _wrong(name, f"ExpireAfter of CacheConfig: {error}") from None
    return given


def _check_references(definition: Definition) -> None:
    for step in definition.steps.values():
        for needed in sorted(step.needs):
            if needed not in definition.steps:
                raise _wrong(step.name, f"it depends on step '{needed}', which does not exist")
            if needed == step.name:
                raise _wrong(step.name, "it depends on itself")
        for reference in references(_own(step)):
            if isinstance(reference, ParameterReference) and reference.name not in definition.parameters:
                raise _wrong(step.name, f"it refers to parameter '{reference.name}', which is not declared")
            if isinstance(reference, PropertyFileReference):
                files = definition.steps[reference.step].property_files
                if reference.name not in files:
                    message = f"it refers to property file '{reference.name}', which step '{reference.step}' lacks"
                    raise _wrong(step.name, message)


def _own(step: Step) -> Any:
    """The part of a step's arguments that is evaluated with the step itself, not with nested steps."""
    if step.type == CONDITION:
        return [operand for condition in step.arguments["Conditions"] for operand in conditions.operands(condition)]
    return step.arguments


def _check_cycles(definition: Definition) -> None:
    waiting = {
        step.name: set(step.needs) | ({step.branch.condition} if step.branch else set())
        for step in definition.steps.values()
    }
    while waiting:
        free = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        if not free:
            message = f"The steps {', '.join(sorted(waiting))} depend on one another in a cycle."
            raise DefinitionError(message)
        for name in free:
            del waiting[name]


def _wrong(step: str, problem: str) -> DefinitionError:
    return DefinitionError(f"Step '{step}': {problem}.")
