"""The Arguments of a step, checked for its type: against the operation that they become the request of, or as the SDK
writes them where there is none."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from penstock_services.sagemaker.pipelines import conditions
from penstock_services.sagemaker.pipelines.arguments import problems
from penstock_services.sagemaker.pipelines.expressions import is_expression, references
from penstock_services.sagemaker.pipelines.step_kinds import CONDITION, FAIL, FOR_EACH, StepKind

_NO_BODY_TYPES = (CONDITION, FAIL, FOR_EACH)
_MAX_CONCURRENCY, _MAX_ITEMS = 50, 100
_LINEAGE = {"Actions": "CreateAction", "Artifacts": "CreateArtifact", "Contexts": "CreateContext"}


def own(kind_name: str, kind: StepKind, arguments: dict[str, Any]) -> Any:
    """The part of checked arguments that is evaluated with the step itself, not with nested steps; ValueError says what is
    wrong."""
    if kind_name == CONDITION:
        _only(arguments, "Conditions", "IfSteps", "ElseSteps")
        return _conditions(arguments)
    if kind_name == FOR_EACH:
        return _for_each(arguments)
    if kind_name == FAIL:
        _only(arguments, "ErrorMessage")
    elif kind_name == "Lineage":
        _check_lineage(arguments)
    elif kind_name == "Cleanup":
        _check_cleanup(arguments)
    elif kind.operation is not None:
        for problem in problems(kind.operation, arguments, {kind.named} if kind.named else ()):
            raise ValueError(problem)
    return arguments


def _only(arguments: dict[str, Any], *members: str) -> None:
    unknown = set(arguments) - set(members)
    if unknown:
        message = f"Unknown Argument member '{min(unknown)}'"
        raise ValueError(message)


def _conditions(arguments: dict[str, Any]) -> list[Any]:
    given = arguments.get("Conditions")
    if not isinstance(given, list) or not given:
        message = "a Condition step needs a list of Conditions"
        raise ValueError(message)
    return [operand for condition in given for operand in conditions.operands(condition)]


def _for_each(arguments: dict[str, Any]) -> Any:
    _only(arguments, "IterableItems", "MaxConcurrency", "Selector", "ForEachBody")
    items, concurrency = arguments.get("IterableItems"), arguments.get("MaxConcurrency")
    if not is_expression(items) and (not isinstance(items, list) or not 1 <= len(items) <= _MAX_ITEMS):
        message = f"IterableItems must be a reference, or a list of 1 to {_MAX_ITEMS} items"
        raise ValueError(message)
    if isinstance(items, list) and any(
        not is_expression(each) and not isinstance(each, str | int | float) for each in items
    ):
        message = "each of IterableItems must be a reference, a text, a number or a boolean"
        raise ValueError(message)
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or not 1 <= concurrency <= _MAX_CONCURRENCY:
        message = f"MaxConcurrency must be a whole number from 1 to {_MAX_CONCURRENCY}, not {concurrency!r}"
        raise ValueError(message)
    given = arguments.get("ForEachBody")
    if not isinstance(given, list) or not given:
        message = "ForEachBody must be a list of at least one step"
        raise ValueError(message)
    for each in given:
        if isinstance(each, dict) and each.get("Type") in _NO_BODY_TYPES:
            message = f"the body step {each.get('Name')!r} is of type {each['Type']}, which a ForEachBody cannot hold"
            raise ValueError(message)
    return items


def check_selector(selector: Any, body: Collection[str]) -> None:
    """A ForEach step's Selector, with the names of its body's steps; ValueError says what is wrong."""
    if selector is None:
        return
    field = selector.get("Field") if isinstance(selector, dict) else None
    if not isinstance(selector, dict) or selector.get("Pick") not in ("MaxBy", "MinBy") or not is_expression(field):
        message = "Selector needs Pick, MaxBy or MinBy, and a Field that refers to an IterationOutput"
        raise ValueError(message)
    found = list(references(field))
    if len(found) != 1 or getattr(found[0], "step", None) not in body or not getattr(found[0], "path", None):
        message = f"Field of the Selector must be IterationOutput.<body step>.<path>, with a step of {', '.join(body)}"
        raise ValueError(message)


def _check_lineage(arguments: dict[str, Any]) -> None:
    _only(arguments, *_LINEAGE, "Associations")
    if not any(arguments.values()):
        message = "a Lineage step needs Actions, Artifacts, Contexts or Associations"
        raise ValueError(message)
    for member, value in arguments.items():
        if value is None:
            continue
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            message = f"Expecting start of Json Array of objects at {member}"
            raise ValueError(message)
        for each in value:
            if member in _LINEAGE:
                for problem in problems(_LINEAGE[member], each, ()):
                    message = f"{problem} in {member}"
                    raise ValueError(message)
            elif not all(isinstance(each.get(end), dict) for end in ("Source", "Destination")):
                message = "each of Associations needs Source and Destination, with an Arn or with Name and Type"
                raise ValueError(message)


def _check_cleanup(arguments: dict[str, Any]) -> None:
    _only(arguments, "Resources")
    resources = arguments.get("Resources")
    sources = resources.get("S3") if isinstance(resources, dict) else None
    if not isinstance(sources, list) or not sources:
        message = "Missing required argument 'Resources.S3'"
        raise ValueError(message)
    for each in sources:
        if (
            not isinstance(each, dict)
            or not isinstance(each.get("StepName"), str)
            or set(each) - {"StepName", "S3Uris"}
        ):
            message = "each of Resources.S3 needs a StepName, and may have S3Uris"
            raise ValueError(message)
