"""The parameters that a definition declares, and the values that an execution gives them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from penstock_services.errors import ServiceError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}
TYPES = tuple(_PYTHON_TYPES)


class ParameterError(ValueError):
    """A declaration that is wrong: the text says which parameter, and why."""


@dataclass(frozen=True)
class Parameter:
    """A declared parameter; ``default`` is None where a value must be given."""

    name: str
    type: str
    default: Any
    allowed: tuple[Any, ...] | None

    def parse(self, text: str) -> Any:
        """A value given as text, in the parameter's type; ValueError says what is wrong."""
        value = typed(self.type, text)
        if self.allowed is not None and value not in self.allowed:
            message = f"{text!r} is none of {', '.join(map(str, self.allowed))}"
            raise ValueError(message)
        return value


def typed(kind: str, text: str) -> Any:
    """A text in one of the four types; ValueError says what is wrong."""
    if kind in ("Integer", "Float") and not _NUMBER.fullmatch(text.strip()):
        message = f"{text!r} is no number"
        raise ValueError(message)
    if kind == "Integer":
        return int(text)
    if kind == "Float":
        number = float(text)
        if not math.isfinite(number):
            message = f"{text!r} is no finite number"
            raise ValueError(message)
        return number
    if kind == "Boolean":
        if text.lower() not in {"true", "false"}:
            message = f"{text!r} is neither true nor false"
            raise ValueError(message)
        return text.lower() == "true"
    return text


def declared(given: Any) -> dict[str, Parameter]:
    """The parameters of a definition, by name; ParameterError for a wrong declaration."""
    if not isinstance(given, list):
        message = "Parameters must be a list."
        raise ParameterError(message)
    parameters: dict[str, Parameter] = {}
    for each in given:
        name = each.get("Name") if isinstance(each, dict) else None
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            message = f"A parameter needs a Name of letters, digits, '-' and '_', not {name!r}."
            raise ParameterError(message)
        if name in parameters:
            message = f"Parameter '{name}' is declared more than once."
            raise ParameterError(message)
        parameters[name] = _parameter(name, each)
    return parameters


def _parameter(name: str, given: dict[str, Any]) -> Parameter:
    kind, default, allowed = given.get("Type"), given.get("DefaultValue"), given.get("EnumValues")
    if not isinstance(kind, str) or kind not in _PYTHON_TYPES:
        message = f"Parameter '{name}' has type {kind!r}; there are {', '.join(_PYTHON_TYPES)}."
        raise ParameterError(message)
    if allowed is not None and (not isinstance(allowed, list) or not allowed):
        message = f"EnumValues of parameter '{name}' must be a list."
        raise ParameterError(message)
    unknown = set(given) - {"Name", "Type", "DefaultValue", "EnumValues"}
    if unknown:
        message = f"Parameter '{name}' has the unknown member '{min(unknown)}'."
        raise ParameterError(message)
    values = [*([] if default is None else [default]), *(allowed or [])]
    for value in values:
        if not isinstance(value, _PYTHON_TYPES[kind]) or (kind != "Boolean" and isinstance(value, bool)):
            message = f"Value {value!r} of parameter '{name}' is not of type {kind}."
            raise ParameterError(message)
    if default is not None and allowed is not None and default not in allowed:
        message = f"DefaultValue {default!r} of parameter '{name}' is none of its EnumValues."
        raise ParameterError(message)
    return Parameter(name, kind, default, None if allowed is None else tuple(allowed))


def values_of(pipeline: str, parameters: dict[str, Parameter], given: list[dict[str, str]]) -> dict[str, Any]:
    """The typed value of every declared parameter; ValidationException names what does not fit."""
    values = {name: parameter.default for name, parameter in parameters.items()}
    unknown = [each["Name"] for each in given if each["Name"] not in parameters]
    if unknown:
        known = f"it has {', '.join(parameters)}" if parameters else "it has none"
        raise _invalid(f"Pipeline '{pipeline}' has no parameters [{', '.join(unknown)}]; {known}.")
    names = [each["Name"] for each in given]
    if len(set(names)) < len(names):
        raise _invalid(f"Parameters must be given once each: [{', '.join(names)}].")
    for each in given:
        parameter = parameters[each["Name"]]
        try:
            values[parameter.name] = parameter.parse(each["Value"])
        except ValueError as error:
            raise _invalid(
                f"Value '{each['Value']}' of parameter '{parameter.name}' is not valid for type {parameter.type}: {error}."
            ) from None
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise _invalid(f"Parameters [{', '.join(missing)}] have no default value and must be given.")
    return values


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
