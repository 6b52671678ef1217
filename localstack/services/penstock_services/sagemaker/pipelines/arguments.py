"""A step's Arguments against the API operation that they become the request of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from penstock_services.sagemaker.model import ServiceModel, load
from penstock_services.sagemaker.pipelines.expressions import is_expression, text_of

_INTEGERS = {"integer", "long"}
_FLOATS = {"float", "double"}


def problems(operation: str, arguments: dict[str, Any], supplied: Collection[str]) -> Iterator[str]:
    """What keeps ``arguments`` from being a request of ``operation``, as far as it is known before expressions have
    values; ``supplied`` are the members that the pipeline itself adds."""
    model = load("sagemaker")
    shape = model.input_shape(operation)
    if shape is not None:
        yield from _structure(model, shape, arguments, "", supplied)


def _structure(
    model: ServiceModel, shape: str, value: dict[str, Any], path: str, supplied: Collection[str]
) -> Iterator[str]:
    members = model.members(shape)
    for name, each in value.items():
        if name not in members:
            place = f" in {path}" if path else ""
            yield f"Unknown Argument member '{name}'{place}"
        elif each is not None:
            yield from _any(model, members[name]["shape"], each, f"{path}.{name}" if path else name)
    for name in model.required(shape):
        if value.get(name) is None and name not in supplied:
            yield f"Missing required argument '{f'{path}.{name}' if path else name}'"


def _any(model: ServiceModel, name: str, value: Any, path: str) -> Iterator[str]:
    if is_expression(value):
        return
    shape = model.shapes[name]
    kind = shape["type"]
    if kind in {"structure", "map"} and not isinstance(value, dict):
        yield f"Expecting start of Json Object at {path}"
    elif kind == "list" and not isinstance(value, list):
        yield f"Expecting start of Json Array at {path}"
    elif kind == "structure":
        yield from _structure(model, name, value, path, ())
    elif kind == "map":
        for key, each in value.items():
            yield from _any(model, shape["value"]["shape"], each, f"{path}['{key}']")
    elif kind == "list":
        for index, each in enumerate(value):
            yield from _any(model, shape["member"]["shape"], each, f"{path}[{index}]")
    elif isinstance(value, dict | list):
        yield f"Expecting a value of type {kind} at {path}"
    elif kind == "string" and isinstance(value, str) and shape.get("enum") and value not in shape["enum"]:
        yield f"'{value}' at {path} is none of [{', '.join(shape['enum'])}]"


def typed(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Resolved arguments with primitive values in the types of the operation's model: a parameter of type Integer may
    stand where a string is wanted, and a string that is a number where a number is."""
    model = load("sagemaker")
    shape = model.input_shape(operation)
    cast: dict[str, Any] = _cast(model, shape, arguments) if shape is not None else arguments
    return cast


def _cast(model: ServiceModel, name: str, value: Any) -> Any:
    shape = model.shapes[name]
    kind = shape["type"]
    if kind == "structure" and isinstance(value, dict):
        members = shape.get("members", {})
        return {
            key: _cast(model, members[key]["shape"], each) if key in members else each for key, each in value.items()
        }
    if kind == "map" and isinstance(value, dict):
        return {key: _cast(model, shape["value"]["shape"], each) for key, each in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_cast(model, shape["member"]["shape"], each) for each in value]
    return _cast_primitive(kind, value)


def _cast_primitive(kind: str, value: Any) -> Any:
    try:
        if kind == "string" and isinstance(value, bool | int | float):
            return text_of(value)
        if kind in _INTEGERS and isinstance(value, str):
            return int(value)
        if kind in _FLOATS and isinstance(value, str):
            return float(value)
    except ValueError:
        return value
    if kind == "boolean" and isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return value
