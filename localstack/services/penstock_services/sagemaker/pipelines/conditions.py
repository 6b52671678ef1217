"""The conditions of a Condition step."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from penstock_services.sagemaker.pipelines.expressions import Values, resolve
from penstock_services.sagemaker.pipelines.references import ExpressionError

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
TYPES = (*_COMPARISONS, "In", "Not", "Or")


def operands(condition: Any) -> Iterator[Any]:
    """The values of a condition that may be expressions; ExpressionError for a malformed condition."""
    kind = condition.get("Type") if isinstance(condition, dict) else None
    if isinstance(kind, str) and kind in _COMPARISONS:
        yield _member(condition, "LeftValue")
        yield _member(condition, "RightValue")
    elif kind == "In":
        yield _member(condition, "QueryValue")
        yield from _list(condition, "Values")
    elif kind == "Not":
        yield from operands(_negated(condition))
    elif kind == "Or":
        for each in _list(condition, "Conditions"):
            yield from operands(each)
    else:
        message = f"condition type {kind!r} is unknown; there are {', '.join(TYPES)}"
        raise ExpressionError(message)


def evaluate(condition: dict[str, Any], values: Values) -> bool:
    """Whether the condition holds; ExpressionError where its values cannot be compared."""
    kind = condition["Type"]
    if kind == "Not":
        return not evaluate(_negated(condition), values)
    if kind == "Or":
        return any(evaluate(each, values) for each in condition["Conditions"])
    if kind == "In":
        query = resolve(condition["QueryValue"], values)
        return any(_compare("Equals", query, resolve(each, values)) for each in condition["Values"])
    left, right = resolve(condition["LeftValue"], values), resolve(condition["RightValue"], values)
    return _compare(kind, left, right)


def evaluate_all(conditions: list[dict[str, Any]], values: Values) -> bool:
    """Whether every condition holds."""
    return all(evaluate(each, values) for each in conditions)


def _compare(kind: str, left: Any, right: Any) -> bool:
    if _sort(left) != _sort(right):
        message = f"{kind} cannot compare {left!r} with {right!r}"
        raise ExpressionError(message)
    return bool(_COMPARISONS[kind](left, right))


def _sort(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    message = f"a condition compares strings, numbers and booleans, not {value!r}"
    raise ExpressionError(message)


def _member(condition: dict[str, Any], name: str) -> Any:
    if condition.get(name) is None:
        message = f"condition {condition['Type']} needs {name}"
        raise ExpressionError(message)
    return condition[name]


def _list(condition: dict[str, Any], name: str) -> list[Any]:
    value = _member(condition, name)
    if not isinstance(value, list) or not value:
        message = f"condition {condition['Type']} needs a list of {name}"
        raise ExpressionError(message)
    return value


def _negated(condition: dict[str, Any]) -> Any:
    """The condition within a Not: ``Condition`` as the SDK writes it, ``Expression`` as the JSON schema has it."""
    return condition["Expression"] if "Expression" in condition else _member(condition, "Condition")
