"""The expressions of a pipeline definition, resolved when a step starts.

``{"Get": "Parameters.X"}``, ``{"Get": "Execution.PipelineName"}``, ``{"Get": "Steps.S.<path>"}`` (into the Describe
response of the step's resource), ``{"Std:Join": {"On", "Values"}}`` and ``{"Std:JsonGet": {"PropertyFile" | "S3Uri",
"Path"}}``. In a path ``.name`` and ``['name']`` go into an object, or to the item of a list whose name member has that
value; ``[0]`` goes to an item by index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Path = tuple[str | int, ...]

GET, JOIN, JSON_GET = "Get", "Std:Join", "Std:JsonGet"
EXECUTION_VARIABLES = frozenset(
    {
        "PipelineName",
        "PipelineArn",
        "PipelineExecutionId",
        "PipelineExecutionArn",
        "StartDateTime",
        "CurrentDateTime",
        "TrainingJobName",
        "ProcessingJobName",
    }
)
_STEP = re.compile(r"Steps\.([A-Za-z0-9_-]+)(.*)", re.DOTALL)
_PROPERTY_FILE = re.compile(r"\.PropertyFiles\.([^.\[\]]+)")
_TOKEN = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")


class ExpressionError(ValueError):
    """An expression that has no value: what it is, and why."""


@dataclass(frozen=True)
class ParameterReference:
    """``Parameters.<name>``."""

    name: str


@dataclass(frozen=True)
class ExecutionReference:
    """``Execution.<name>``."""

    name: str


@dataclass(frozen=True)
class PropertyReference:
    """``Steps.<step>.<path>``."""

    step: str
    path: Path


@dataclass(frozen=True)
class PropertyFileReference:
    """``Steps.<step>.PropertyFiles.<name>``."""

    step: str
    name: str


Reference = ParameterReference | ExecutionReference | PropertyReference | PropertyFileReference


class Values(Protocol):
    """Where the values come from while a step is being started."""

    def parameter(self, name: str) -> Any:
        """The execution's value of a parameter, of the parameter's type."""

    def execution(self, name: str) -> str:
        """An execution variable."""

    def properties(self, step: str) -> dict[str, Any]:
        """The Describe response of what the step has made."""

    def property_file(self, step: str, name: str) -> Any:
        """The parsed JSON of a step's property file."""

    def json_at(self, uri: str) -> Any:
        """The parsed JSON of an S3 object."""


def is_expression(value: Any) -> bool:
    """Whether a value of the definition is an expression."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {GET, JOIN, JSON_GET}


def parse_path(text: str) -> Path:
    """A path such as ``a.b[0]['c']`` in its parts; a leading ``$`` is allowed."""
    text = text.removeprefix("$").removeprefix(".") if text.startswith("$") else text
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            message = f"the path {text!r} is not valid at {text[position:]!r}"
            raise ExpressionError(message)
        name, index, single, double = found.groups()
        parts.append(int(index) if index is not None else name or (single if single is not None else double))
        position = found.end()
    return tuple(parts)


def parse_reference(text: Any) -> Reference:
    """The operand of ``Get``."""
    if isinstance(text, str):
        kind, _, rest = text.partition(".")
        if kind == "Parameters" and rest:
            return ParameterReference(rest)
        if kind == "Execution" and rest in EXECUTION_VARIABLES:
            return ExecutionReference(rest)
        if kind == "Execution":
            message = f"{text!r} is no execution variable; there are {', '.join(sorted(EXECUTION_VARIABLES))}"
            raise ExpressionError(message)
        found = _STEP.fullmatch(text)
        if found is not None:
            step, path = found.groups()
            file = _PROPERTY_FILE.fullmatch(path)
            if file is not None:
                return PropertyFileReference(step, file.group(1))
            return PropertyReference(step, parse_path(path.removeprefix(".")))
    message = f"{text!r} is no reference; expected Parameters.<name>, Execution.<name> or Steps.<name>.<path>"
    raise ExpressionError(message)


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


def path_text(path: Path) -> str:
    """A path as it is written."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if re.fullmatch(r"[\w-]+", part) else f"['{part}']"
    return text.removeprefix(".")


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
        return values.execution(reference.name)
    if isinstance(reference, PropertyFileReference):
        message = f"a property file is read by {JSON_GET}, not by {GET}"
        raise ExpressionError(message)
    return follow(values.properties(reference.step), reference.path, f"step {reference.step!r}")


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
