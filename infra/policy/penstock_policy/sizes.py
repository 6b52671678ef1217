"""Machines within the limits of the environment: families, sizes and numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock_policy.resource import Finding, Resource, finding, is_known, of_type
from penstock_policy.settings import Limits, Settings

POLICY = "within_limits"
PIPELINE = "aws:sagemaker/pipeline:Pipeline"
SCALING = "aws:appautoscaling/target:Target"
SPARK = "aws:emrserverless/application:Application"

_SMALL_SIZES = ("nano", "micro", "small", "medium", "large", "xlarge")
_INSTANCE = re.compile(r"(?:ml\.)?(?P<family>[a-z0-9-]+)\.(?P<size>[a-z0-9-]+)")
_MANY = re.compile(r"(\d+)xlarge")
_ABOVE_ALL = 10_000


@dataclass(frozen=True)
class Machines:
    """Instances that a resource asks for."""

    where: str
    instance_type: str
    count: int


def within_limits(resources: Sequence[Resource], settings: Settings) -> Iterator[Finding]:
    """No endpoint, job, notebook or pipeline step asks for more than the environment's limits allow."""
    limits = settings.effective_limits
    if limits is None:
        return
    kind = settings.environment.value if settings.environment is not None else "this"
    remedy = f"Take less, or widen policy:limits of the stack on purpose ({kind} environment)"
    for resource in resources:
        if resource.operation == "delete":
            continue
        for machines in machines_of(resource):
            for message in _faults(machines, limits):
                yield finding(POLICY, resource, message, remedy)
    for target in of_type(resources, SCALING):
        most = target.inputs.get("maxCapacity")
        if target.inputs.get("serviceNamespace") == "sagemaker" and isinstance(most, int) and most > limits.instances:
            yield finding(POLICY, target, f"it scales to {most} instances; {limits.instances} are allowed", remedy)
    for application in of_type(resources, SPARK):
        if not application.inputs.get("maximumCapacity"):
            yield finding(POLICY, application, "it may grow without end", "Set maximumCapacity (cpu, memory, disk)")


def machines_of(resource: Resource) -> Iterator[Machines]:
    """The instances in a resource of SageMaker, however deep; a pipeline's come from its definition."""
    if resource.type == PIPELINE:
        yield from _in_definition(resource.inputs.get("pipelineDefinition"))
    elif resource.type.startswith("aws:sagemaker/"):
        yield from _walk(resource.inputs, "", {})


def _in_definition(text: object) -> Iterator[Machines]:
    if not isinstance(text, str) or not is_known(text):
        return
    try:
        definition = json.loads(text)
    except ValueError:
        return
    if not isinstance(definition, dict):
        return
    parameters = {
        entry["Name"]: entry.get("DefaultValue")
        for entry in definition.get("Parameters") or []
        if isinstance(entry, dict) and "Name" in entry
    }
    for step in definition.get("Steps") or []:
        if isinstance(step, dict):
            yield from _walk(step, str(step.get("Name", "")), parameters)


def _walk(value: Any, where: str, parameters: Mapping[str, Any]) -> Iterator[Machines]:
    if isinstance(value, Mapping):
        name = value.get("variantName") or value.get("Name")
        where = name if isinstance(name, str) and name else where
        instance_type = _resolved(value.get("instanceType") or value.get("InstanceType"), parameters)
        if isinstance(instance_type, str) and _INSTANCE.fullmatch(instance_type):
            count = next(
                (value[key] for key in ("initialInstanceCount", "instanceCount", "InstanceCount") if key in value), 1
            )
            count = _resolved(count, parameters)
            yield Machines(where, instance_type, int(count) if isinstance(count, int | float) else 1)
        for entry in value.values():
            yield from _walk(entry, where, parameters)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _walk(entry, where, parameters)


def _resolved(value: Any, parameters: Mapping[str, Any]) -> Any:
    """A pipeline's value: itself, or the default of the parameter that it is read from."""
    if isinstance(value, Mapping) and isinstance(value.get("Get"), str):
        return parameters.get(value["Get"].removeprefix("Parameters."))
    return value


def _faults(machines: Machines, limits: Limits) -> Iterator[str]:
    match = _INSTANCE.fullmatch(machines.instance_type)
    assert match is not None
    at = f"{machines.where}: " if machines.where else ""
    if limits.families is not None and match["family"] not in limits.families:
        yield f"{at}{machines.instance_type} is of a family that is not allowed ({', '.join(sorted(limits.families))})"
    if rank(match["size"]) > rank(limits.largest):
        yield f"{at}{machines.instance_type} is larger than {limits.largest}"
    if machines.count > limits.instances:
        yield f"{at}{machines.count} instances; {limits.instances} are allowed"


def is_size(name: str) -> bool:
    """Whether AWS has instances of this size."""
    return name in _SMALL_SIZES or name == "metal" or _MANY.fullmatch(name) is not None


def rank(size: str) -> int:
    """Sizes in their order; a size that is not known counts as larger than any."""
    if size in _SMALL_SIZES:
        return _SMALL_SIZES.index(size)
    match = _MANY.fullmatch(size)
    return len(_SMALL_SIZES) - 1 + int(match[1]) if match else _ABOVE_ALL
