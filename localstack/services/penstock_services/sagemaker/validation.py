"""Requests checked against the model, refused in AWS's own words.

AWS reports every violated constraint of a request in one ``ValidationException``::

    2 validation errors detected: Value 'a b' at 'modelName' failed to satisfy constraint: Member must satisfy
    regular expression pattern: ...; Value null at 'executionRoleArn' failed to satisfy constraint: Member must not be null
"""

from __future__ import annotations

import base64
import binascii
import math
from datetime import datetime
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.model import ServiceModel
from penstock_services.sagemaker.patterns import matches

_INTEGERS = ("integer", "long")
_NUMBERS = ("float", "double")


def validate(model: ServiceModel, shape: str | None, value: Any) -> dict[str, Any]:
    """The request with unknown and null members dropped and timestamps as epoch seconds.

    Raises ServiceError: ``SerializationException`` for a value of the wrong type, ``ValidationException`` for
    violated constraints.
    """
    if not isinstance(value, dict):
        raise ServiceError("SerializationException", "Start of structure expected")
    if shape is None:
        return {}
    found: list[str] = []
    cleaned: dict[str, Any] = _Validator(model, found).structure(shape, value, "")
    if found:
        plural = "error" if len(found) == 1 else "errors"
        message = f"{len(found)} validation {plural} detected: " + "; ".join(found)
        raise ServiceError("ValidationException", message)
    return cleaned


class _Validator:
    """One walk through a request; constraint violations are collected in ``found``."""

    def __init__(self, model: ServiceModel, found: list[str]) -> None:
        self._model = model
        self._found = found

    def structure(self, name: str, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_type(value, "structure")
        shape = self._model.shapes[name]
        cleaned: dict[str, Any] = {}
        for member, reference in shape.get("members", {}).items():
            given = value.get(member)
            if given is not None:
                cleaned[member] = self.any(reference["shape"], given, _below(path, member))
        for member in shape.get("required", []):
            if member not in cleaned:
                self._fail(None, _below(path, member), "Member must not be null")
        if shape.get("union") and len(cleaned) > 1:
            self._fail(value, path, f"Only one of {', '.join(cleaned)} may be set")
        return cleaned

    def any(self, name: str, value: Any, path: str) -> Any:
        shape = self._model.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            return self.structure(name, value, path)
        if kind == "list":
            return self._list(shape, value, path)
        if kind == "map":
            return self._map(shape, value, path)
        if kind == "string":
            return self._string(shape, value, path)
        if kind in _INTEGERS or kind in _NUMBERS:
            return self._number(shape, kind, value, path)
        if kind == "boolean":
            if not isinstance(value, bool):
                raise _wrong_type(value, "Boolean")
            return value
        if kind == "timestamp":
            return _timestamp(value)
        if kind == "blob":
            return _blob(value)
        return value

    def _list(self, shape: dict[str, Any], value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong_type(value, "list")
        self._length(shape, len(value), value, path)
        item = shape["member"]["shape"]
        return [self.any(item, each, f"{path}.{index}.member") for index, each in enumerate(value, 1)]

    def _map(self, shape: dict[str, Any], value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_type(value, "map")
        self._length(shape, len(value), value, path)
        cleaned: dict[str, Any] = {}
        for key, each in value.items():
            inner: list[str] = []
            _Validator(self._model, inner).any(shape["key"]["shape"], key, "key")
            if inner:
                self._fail(value, path, f"Map keys must satisfy constraint: [{_constraint(inner)}]")
            if each is None:
                self._fail(value, path, "Map value must not be null")
                continue
            cleaned[key] = self.any(shape["value"]["shape"], each, f"{path}.{key}.member")
        return cleaned

    def _string(self, shape: dict[str, Any], value: Any, path: str) -> str:
        if not isinstance(value, str):
            raise _wrong_type(value, "String")
        allowed = shape.get("enum")
        if allowed and value not in allowed:
            self._fail(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
        self._length(shape, len(value), value, path)
        pattern = shape.get("pattern")
        if pattern and not matches(pattern, value):
            self._fail(value, path, f"Member must satisfy regular expression pattern: {pattern}")
        return value

    def _number(self, shape: dict[str, Any], kind: str, value: Any, path: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(value, "Integer" if kind in _INTEGERS else "Float")
        if kind in _INTEGERS:
            if isinstance(value, float) and not value.is_integer():
                raise _wrong_type(value, "Integer")
            value = int(value)
        elif not math.isfinite(value):
            raise _wrong_type(value, "Float")
        if "min" in shape and value < shape["min"]:
            self._fail(value, path, f"Member must have value greater than or equal to {shape['min']}")
        if "max" in shape and value > shape["max"]:
            self._fail(value, path, f"Member must have value less than or equal to {shape['max']}")
        number: float = value
        return number

    def _length(self, shape: dict[str, Any], length: int, value: Any, path: str) -> None:
        if "min" in shape and length < shape["min"]:
            self._fail(value, path, f"Member must have length greater than or equal to {shape['min']}")
        if "max" in shape and length > shape["max"]:
            self._fail(value, path, f"Member must have length less than or equal to {shape['max']}")

    def _fail(self, value: Any, path: str, constraint: str) -> None:
        shown = "null" if value is None else f"'{_shown(value)}'"
        self._found.append(f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}")


def _below(path: str, member: str) -> str:
    name = member[:1].lower() + member[1:]
    return f"{path}.{name}" if path else name


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(each)}" for key, each in value.items()) + "}"
    return str(value)


def _constraint(messages: list[str]) -> str:
    return ", ".join(message.split("constraint: ", 1)[1] for message in messages)


def _wrong_type(value: Any, wanted: str) -> ServiceError:
    if isinstance(value, dict):
        message = "Start of structure or map found where not expected."
    elif isinstance(value, list):
        message = "Start of list found where not expected"
    elif wanted in ("structure", "list", "map"):
        message = f"Unexpected field type: a {wanted} was expected"
    else:
        name = "TRUE_VALUE" if value is True else "FALSE_VALUE" if value is False else None
        name = name or ("STRING_VALUE" if isinstance(value, str) else "NUMBER_VALUE")
        message = f"{name} can not be converted to {'an' if wanted == 'Integer' else 'a'} {wanted}"
    return ServiceError("SerializationException", message)


def _timestamp(value: Any) -> float:
    if isinstance(value, bool):
        raise _wrong_type(value, "Timestamp")
    if isinstance(value, int | float):
        return float(value)
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        raise _wrong_type(value, "Timestamp") from None


def _blob(value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(value, "Blob")
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        raise _wrong_type(value, "Blob") from None
    return value
