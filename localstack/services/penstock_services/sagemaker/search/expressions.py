"""Whether a record satisfies a search expression.

Source: SearchExpression, Filter and NestedFilters in the API reference.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.search import properties

Record = dict[str, Any]
Test = Callable[[Record], bool]
_MOST = 50
_ORDERED = ("GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")
_TEXT_ONLY = ("In", "Contains")
# Properties on which Contains may be used more than once.
_REPEATABLE = {
    "Experiment": ("DisplayName", "ExperimentName", "Tags"),
    "Trial": ("DisplayName", "TrialName", "Tags"),
    "TrialComponent": ("DisplayName", "TrialComponentName", "Tags", "InputArtifacts", "OutputArtifacts"),
}


def compiled(shape: str, expression: Record | None) -> Test:
    """The test of an expression over records of a shape; raises ServiceError for one that AWS refuses."""
    if expression is None:
        return lambda _: True
    if _size(expression) > _MOST:
        raise _invalid(f"A SearchExpression can have at most {_MOST} filters, nested filters and subexpressions.")
    if _contains(expression, shape) > 1:
        raise _invalid("'CONTAINS' operator usage limit of 1 exceeded.")
    return _expression(shape, expression)


def _size(expression: Record) -> int:
    """How many filters, nested filters and subexpressions there are at every depth."""
    inner = expression.get("SubExpressions", [])
    nested = expression.get("NestedFilters", [])
    return len(expression.get("Filters", [])) + len(nested) + len(inner) + sum(_size(each) for each in inner)


def _contains(expression: Record, shape: str) -> int:
    """How often Contains is used where only once is allowed."""
    filters = [*expression.get("Filters", [])]
    for nested in expression.get("NestedFilters", []):
        filters += nested["Filters"]
    free = _REPEATABLE.get(shape, ())
    number = sum(
        1 for each in filters if each.get("Operator") == "Contains" and each["Name"].partition(".")[0] not in free
    )
    return number + sum(_contains(inner, shape) for inner in expression.get("SubExpressions", []))


def _expression(shape: str, expression: Record) -> Test:
    tests = [_filter(shape, each) for each in expression.get("Filters", [])]
    tests += [_nested(shape, each) for each in expression.get("NestedFilters", [])]
    tests += [_expression(shape, each) for each in expression.get("SubExpressions", [])]
    if not tests:
        raise _invalid("A SearchExpression must have at least one filter, nested filter or subexpression.")
    if expression.get("Operator") == "Or":
        return lambda record: any(test(record) for test in tests)
    return lambda record: all(test(record) for test in tests)


def _nested(shape: str, nested: Record) -> Test:
    """Satisfied if a single object of the named list satisfies all filters."""
    path = nested["NestedPropertyName"]
    if properties.type_of(shape, path) is None:
        raise _unknown(shape, path)
    tests = []
    for each in nested["Filters"]:
        name = each["Name"]
        _checked(shape, name if name.startswith(f"{path}.") else f"{path}.{name}")
        tests.append(_filter(shape, {**each, "Name": name.removeprefix(f"{path}.")}, below=path))

    def test(record: Record) -> bool:
        return any(all(each(item) for each in tests) for item in _items(record, path))

    return test


def _items(record: Record, path: str) -> list[Record]:
    value: Any = record
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def _filter(shape: str, given: Record, below: str = "") -> Test:
    name, operator, wanted = given["Name"], given.get("Operator", "Equals"), given.get("Value")
    kind = _checked(shape, f"{below}.{name}" if below else name)
    if operator in ("Exists", "NotExists"):
        if wanted is not None:
            raise _invalid(f"The operator {operator} takes no value.")
        exists = operator == "Exists"
        return lambda record: bool(properties.values(record, name)) == exists
    if wanted is None:
        raise _invalid(f"The filter on {name} needs a value.")
    if operator in _TEXT_ONLY and kind not in ("string", "any", "structure", "map"):
        raise _invalid(f"The operator {operator} is only supported for text properties: {name} is {kind}.")
    if operator in _ORDERED and kind == "string":
        raise _invalid(f"The operator {operator} is not supported for text properties such as {name}.")
    compare = _comparison(kind, operator, wanted, name)
    if operator == "NotEquals":
        return lambda record: not any(map(compare, properties.values(record, name)))
    return lambda record: any(map(compare, properties.values(record, name)))


def _checked(shape: str, name: str) -> str:
    kind = properties.type_of(shape, name)
    if kind is None:
        raise _unknown(shape, name)
    return kind


def _comparison(kind: str, operator: str, wanted: str, name: str) -> Callable[[Any], bool]:
    if operator == "In":
        allowed = {each.strip() for each in wanted.split(",")}
        return lambda value: str(value) in allowed
    if operator == "Contains":
        return lambda value: wanted in str(value)
    if kind == "boolean":
        return lambda value: str(value).lower() == wanted.lower()
    if kind == "timestamp":
        return _ordered(operator, _moment(wanted, name))
    number = _number(wanted)
    if kind in ("integer", "long", "float", "double"):
        if number is None:
            raise _invalid(f"The value of {name} must be a number, not '{wanted}'.")
        return _ordered(operator, number)
    if operator in _ORDERED:
        if number is None:
            raise _invalid(f"The value of {name} must be a number for the operator {operator}, not '{wanted}'.")
        return _ordered(operator, number, whole=number.is_integer() and "." not in wanted)
    # "any": what is a number on both sides is compared as numbers.
    return lambda value: str(value) == wanted or (number is not None and _number(value) == number)


def _ordered(operator: str, wanted: float, *, whole: bool = False) -> Callable[[Any], bool]:
    """A comparison of numbers; ``whole``: a value's fraction does not count, as for hyperparameters against integers."""

    def compare(value: Any) -> bool:
        number = _number(value)
        if number is None:
            return False
        if whole:
            number = float(int(number))
        if operator == "GreaterThan":
            return number > wanted
        if operator == "GreaterThanOrEqualTo":
            return number >= wanted
        if operator == "LessThan":
            return number < wanted
        if operator == "LessThanOrEqualTo":
            return number <= wanted
        return number == wanted

    return compare


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _moment(text: str, name: str) -> float:
    """Seconds since the epoch; a time without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        number = _number(text)
        if number is not None:
            return number
        raise _invalid(f"The value of {name} must be a time such as 2026-01-31T12:00:00, not '{text}'.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _unknown(shape: str, name: str) -> ServiceError:
    return _invalid(f"{name} is not a property by which {shape} can be searched.")


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
