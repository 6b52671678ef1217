"""The expressions of a pipeline definition, resolved when a step starts.

``{"Get": "Parameters.X"}``, ``{"Get": "Execution.PipelineName"}``, ``{"Get": "Steps.S.<path>"}`` (into the Describe
response of the step's resource), ``{"Std:Join": {"On", "Values"}}`` and ``{"Std:JsonGet": {"PropertyFile" | "S3Uri",
"Path"}}``; ``{"Get": "PipelineExperimentConfig.TrialName"}``; within a ForEach step's body ``{"Get":
"ForEach.CurrentItem.<path>"}``, and ``{"Get": "IterationOutput.<body step>.<path>"}`` in its Selector. In a path
``.name`` and ``['name']`` go into an object, or to the item of a list whose name member has that value; ``[0]`` goes
to an item by index.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol

from penstock_services.sagemaker.pipelines.references import (
    CURRENT_ITEM,
    CurrentItemReference,
    ExecutionReference,
    ExperimentReference,
    ExpressionError,
    IterationOutputReference,
    ParameterReference,
    Path,
    PropertyFileReference,
    Reference,
    parse_path,
    parse_reference,
    path_text,
)

GET, JOIN, JSON_GET = "Get", "Std:Join", "Std:JsonGet"


class Values(Protocol):
    """Where the values come from while a step is being started."""

    def parameter(self, name: str) -> Any:
        """The execution's value of a parameter, of the parameter's type."""

    def execution_variable(self, name: str) -> str:
        """An execution variable."""

    def properties(self, step: str) -> dict[str, Any]:
        """The Describe response of what the step has made."""

    def property_file(self, step: str, name: str) -> Any:
        """The parsed JSON of a step's property file."""

    def experiment(self, name: str) -> str:
        """The execution's experiment (``ExperimentName``) or trial (``TrialName``)."""

    def current_item(self) -> Any:
        """The item of the ForEach step's iteration that is being run."""

    def iteration_output(self, step: str) -> dict[str, Any]:
        """What a body step has made in the iteration that a Selector looks at."""

    def json_at(self, uri: str) -> Any:
        """The parsed JSON of an S3 object."""


def is_expression(value: Any) -> bool:
    """Whether a value of the definition is an expression."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {GET, JOIN, JSON_GET}


def references(value: Any) -> Iterator[Reference]:
    """Every reference within a value of the definition; ExpressionError for a malformed expression."""
    if is_expression(value):
        ((kind, operand),) = value.items()
        if kind == GET:
            yield parse_reference(operand)
        elif kind == JOIN:
            yield from references(_join_values(operand))
        else:
            source, _ = _json_get(operand)
            yield from references(source)
    elif isinstance(value, dict):
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def resolve(value: Any, values: Values) -> Any:
    """The value with every expression in it replaced by what it stands for."""
    if is_expression(value):
        ((kind, operand),) = value.items()
        if kind == GET:
            return _get(parse_reference(operand), values)
        if kind == JOIN:
            parts = [text_of(resolve(each, values)) for each in _join_values(operand)]
            return str(operand.get("On", "")).join(parts)
        return _json(operand, values)
    if isinstance(value, dict):
        return {key: resolve(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [resolve(each, values) for each in value]
    return value


def text_of(value: Any) -> str:
    """A primitive value as the text that it has within a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    message = f"{JOIN} takes strings, numbers and booleans, not {value!r}"
    raise ExpressionError(message)


def follow(document: Any, path: Path, where: str) -> Any:
    """What lies at ``path`` in a document; ``where`` names the document in the error."""
    value = document
    for depth, part in enumerate(path):
        found = _part(value, part)
        if found is None:
            message = f"{where} has nothing at {path_text(path[: depth + 1])}"
            raise ExpressionError(message)
        value = found
    return value


def _part(value: Any, part: str | int) -> Any:
    if isinstance(part, int):
        return value[part] if isinstance(value, list) and part < len(value) else None
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and any(key.endswith("Name") and each == part for key, each in item.items()):
                return item
    return None


def _get(reference: Reference, values: Values) -> Any:
    if isinstance(reference, ParameterReference):
        return values.parameter(reference.name)
    if isinstance(reference, ExecutionReference):
        return values.execution_variable(reference.name)
    if isinstance(reference, PropertyFileReference):
        message = f"a property file is read by {JSON_GET}, not by {GET}"
        raise ExpressionError(message)
    if isinstance(reference, ExperimentReference):
        return values.experiment(reference.name)
    if isinstance(reference, CurrentItemReference):
        return _item(values.current_item(), reference.path)
    if isinstance(reference, IterationOutputReference):
        return follow(values.iteration_output(reference.step), reference.path, f"step {reference.step!r}")
    return follow(values.properties(reference.step), reference.path, f"step {reference.step!r}")


def _item(item: Any, path: Path) -> Any:
    """The whole item, or what lies at a path of one that is a JSON object."""
    if not path:
        return item
    document = item
    if isinstance(item, str):
        try:
            document = json.loads(item)
        except ValueError:
            message = f"{CURRENT_ITEM} is {item!r}, which has no members"
            raise ExpressionError(message) from None
    return follow(document, path, CURRENT_ITEM)


def _json(operand: Any, values: Values) -> Any:
    source, path = _json_get(operand)
    if "S3Uri" in operand:
        uri = resolve(source, values)
        return follow(values.json_at(uri), path, uri)
    reference = parse_reference(source[GET])
    if not isinstance(reference, PropertyFileReference):
        message = f"{JSON_GET} reads Steps.<name>.PropertyFiles.<file>, not {source[GET]!r}"
        raise ExpressionError(message)
    document = values.property_file(reference.step, reference.name)
    return follow(document, path, f"property file {reference.name!r} of step {reference.step!r}")


def _join_values(operand: Any) -> list[Any]:
    if not isinstance(operand, dict) or not isinstance(operand.get("Values"), list):
        message = f"{JOIN} needs a list of Values"
        raise ExpressionError(message)
    if not isinstance(operand.get("On", ""), str):
        message = f"On of {JOIN} must be a string"
        raise ExpressionError(message)
    found: list[Any] = operand["Values"]
    return found


def _json_get(operand: Any) -> tuple[Any, Path]:
    """Source expression and path of a JsonGet."""
    if not isinstance(operand, dict) or not isinstance(operand.get("Path"), str):
        message = f"{JSON_GET} needs a Path"
        raise ExpressionError(message)
    sources = [operand[key] for key in ("PropertyFile", "S3Uri") if key in operand]
    if len(sources) != 1:
        message = f"{JSON_GET} needs one of PropertyFile and S3Uri"
        raise ExpressionError(message)
    if "PropertyFile" in operand:
        if not is_expression(sources[0]) or GET not in sources[0]:
            message = f'PropertyFile of {JSON_GET} must be {{"Get": "Steps.<name>.PropertyFiles.<file>"}}'
            raise ExpressionError(message)
        if not isinstance(parse_reference(sources[0][GET]), PropertyFileReference):
            message = f"PropertyFile of {JSON_GET} must be Steps.<name>.PropertyFiles.<file>, not {sources[0][GET]!r}"
            raise ExpressionError(message)
    return sources[0], parse_path(operand["Path"])
