"""One step of a definition's JSON, parsed and checked by itself; what it refers to is checked in ``definition``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from penstock_services.sagemaker.pipelines import retry_policies, step_arguments
from penstock_services.sagemaker.pipelines.duration import duration_seconds
from penstock_services.sagemaker.pipelines.expressions import is_expression, references
from penstock_services.sagemaker.pipelines.parameters import TYPES as OUTPUT_TYPES
from penstock_services.sagemaker.pipelines.references import ExpressionError, PropertyFileReference, PropertyReference
from penstock_services.sagemaker.pipelines.step import TRIGGERS, Branch, Dependency, Output, PropertyFile, Step
from penstock_services.sagemaker.pipelines.step_kinds import (
    CALLBACK,
    COMMON_MEMBERS,
    CONDITION,
    FOR_EACH,
    KINDS,
    LAMBDA,
    StepKind,
    refusal,
    served,
)

_STEP_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DISPLAY_NAME_LENGTH, _DESCRIPTION_LENGTH = 256, 3072
_PROPERTY_FILE_MEMBERS = ("PropertyFileName", "OutputName", "FilePath")


class DefinitionError(ValueError):
    """A definition that cannot be executed: where, and why."""


def wrong(step: str, problem: str) -> DefinitionError:
    """What is wrong with a step."""
    return DefinitionError(f"Step '{step}': {problem}.")


def steps_of(given: Any, branch: Branch | None, place: str = "Steps") -> Iterator[Step]:
    """The steps of a list, and those nested in Condition steps, in the order of the text."""
    if not isinstance(given, list):
        message = f"{place} must be a list of steps."
        raise DefinitionError(message)
    for each in given:
        name = each.get("Name") if isinstance(each, dict) else None
        if not isinstance(name, str) or not _STEP_NAME.fullmatch(name):
            message = f"A step needs a Name of up to 64 letters, digits, '-' and '_', not {name!r} (in {place})."
            raise DefinitionError(message)
        step = _step(name, each, branch)
        yield step
        if step.type == CONDITION:
            for member, taken_if in (("IfSteps", True), ("ElseSteps", False)):
                nested = step.arguments.get(member)
                if nested is not None and not isinstance(nested, list):
                    raise wrong(name, f"{member} must be a list")
                yield from steps_of(nested or [], Branch(name, taken_if), f"{member} of step '{name}'")


def _step(name: str, given: dict[str, Any], branch: Branch | None) -> Step:
    kind_name = given.get("Type")
    if not isinstance(kind_name, str) or kind_name not in KINDS:
        raise wrong(name, f"unknown type {kind_name!r}; there are {', '.join(KINDS)}")
    kind = KINDS[kind_name]
    reason = refusal(kind)
    if reason is not None:
        served_here = ", ".join(served())
        raise wrong(name, f"type '{kind_name}' is not served: {reason}. The local cloud runs {served_here} steps")
    _check_members(name, kind_name, kind, given)
    arguments = given.get("Arguments")
    if not isinstance(arguments, dict):
        raise wrong(name, "Arguments must be an object")
    try:
        own, body = step_arguments.own(kind_name, kind, arguments), tuple[Step, ...]()
        if kind_name == FOR_EACH:
            body = tuple(steps_of(arguments["ForEachBody"], None, f"ForEachBody of step '{name}'"))
            step_arguments.check_selector(arguments.get("Selector"), {each.name for each in body})
        extra = {member: given[member] for member in kind.members if given.get(member) is not None}
        inside = {each.name for each in body}
        referred = [*references([own, extra]), *(r for each in body for r in references([each.own, each.extra]))]
        referred_steps = {r.step for r in referred if isinstance(r, PropertyReference | PropertyFileReference)}
        return Step(
            name=name,
            type=kind_name,
            arguments=arguments,
            own=own,
            dependencies=_dependencies(name, given.get("DependsOn"), referred_steps - inside, body),
            branch=branch,
            display_name=given.get("DisplayName"),
            description=given.get("Description"),
            property_files=_property_files(name, given.get("PropertyFiles")),
            cache=_cache(given.get("CacheConfig")),
            retries=retry_policies.parse(kind_name, given.get("RetryPolicies")),
            outputs=_outputs(given.get("OutputParameters")) if kind_name in (CALLBACK, LAMBDA) else {},
            extra=extra,
            body=body,
        )
    except (ExpressionError, ValueError) as error:
        raise error if isinstance(error, DefinitionError) else wrong(name, str(error)) from None


def _check_members(name: str, kind_name: str, kind: StepKind, given: dict[str, Any]) -> None:
    allowed = COMMON_MEMBERS | kind.members
    if kind.retried:
        allowed |= {"RetryPolicies"}
    if kind.cached is not None:
        allowed |= {"CacheConfig"}
    for member, value in given.items():
        if member in allowed or value is None or value == []:
            continue
        if member in ("RetryPolicies", "CacheConfig", "PropertyFiles"):
            raise wrong(name, f"{member} are not for {kind_name} steps")
        raise wrong(name, f"Unknown member '{member}' of a {kind_name} step; it may have {', '.join(sorted(allowed))}")
    for member, length in (("DisplayName", _DISPLAY_NAME_LENGTH), ("Description", _DESCRIPTION_LENGTH)):
        text = given.get(member)
        if text is not None and (not isinstance(text, str) or len(text) > length):
            raise wrong(name, f"{member} must be a text of up to {length} characters")
    if kind_name == CALLBACK:
        _check_address(name, given, "SqsQueueUrl")
    if kind_name == LAMBDA:
        _check_address(name, given, "FunctionArn")


def _check_address(name: str, given: dict[str, Any], member: str) -> None:
    value = given.get(member)
    if not is_expression(value) and (not isinstance(value, str) or not value):
        raise wrong(name, f"Missing required member '{member}'")


def _dependencies(name: str, given: Any, referred: set[str], body: tuple[Step, ...]) -> tuple[Dependency, ...]:
    """Those that DependsOn names, with their triggers, and the steps that expressions refer to."""
    if given is None:
        given = []
    if not isinstance(given, list):
        message = "DependsOn must be a list of step names"
        raise ValueError(message)
    found: dict[str, Dependency] = {}
    for each in given:
        dependency = _dependency(each)
        earlier = found.get(dependency.step)
        if earlier is not None and earlier.trigger != dependency.trigger:
            message = (
                f"DependsOn names step '{dependency.step}' with the triggers {earlier.trigger} and {dependency.trigger}"
            )
            raise ValueError(message)
        found[dependency.step] = dependency
    inside = {each.name for each in body}
    for each in body:
        for dependency in each.dependencies:
            if dependency.step not in inside:
                found.setdefault(dependency.step, dependency)
    for step in sorted(referred - set(found)):
        found[step] = Dependency(step)
    if name in found:
        message = "it depends on itself"
        raise ValueError(message)
    return tuple(found.values())


def _dependency(given: Any) -> Dependency:
    if isinstance(given, str):
        return Dependency(given, named=True)
    if isinstance(given, dict) and isinstance(given.get("Step"), str) and not set(given) - {"Step", "Trigger"}:
        trigger = given.get("Trigger", "Completed")
        if trigger not in TRIGGERS:
            message = f"the Trigger of a dependency is one of {', '.join(TRIGGERS)}, not {trigger!r}"
            raise ValueError(message)
        return Dependency(given["Step"], trigger, named=True)
    message = f'DependsOn holds {given!r}, which is neither a step name nor {{"Step", "Trigger"}}'
    raise ValueError(message)


def _property_files(name: str, given: Any) -> dict[str, PropertyFile]:
    files: dict[str, PropertyFile] = {}
    for each in given if isinstance(given, list) else [given] if given else []:
        parts = [each.get(key) if isinstance(each, dict) else None for key in _PROPERTY_FILE_MEMBERS]
        if not all(isinstance(part, str) and part for part in parts):
            raise wrong(name, f"each of PropertyFiles needs {', '.join(_PROPERTY_FILE_MEMBERS)}")
        file = PropertyFile(*map(str, parts))
        files[file.name] = file
    return files


def _cache(given: Any) -> dict[str, Any] | None:
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("Enabled"), bool):
        message = "CacheConfig needs Enabled, true or false"
        raise ValueError(message)
    if given.get("ExpireAfter") is not None:
        try:
            duration_seconds(str(given["ExpireAfter"]))
        except ValueError as error:
            message = f"ExpireAfter of CacheConfig: {error}"
            raise ValueError(message) from None
    return given


def _outputs(given: Any) -> dict[str, Output]:
    outputs: dict[str, Output] = {}
    for each in [] if given is None else given if isinstance(given, list) else [given]:
        name = each.get("OutputName") if isinstance(each, dict) else None
        kind = each.get("OutputType", "String") if isinstance(each, dict) else None
        if not isinstance(name, str) or not name or kind not in OUTPUT_TYPES:
            message = f"each of OutputParameters needs an OutputName, and an OutputType of {', '.join(OUTPUT_TYPES)}"
            raise ValueError(message)
        outputs[name] = Output(name, kind)
    return outputs
