"""The kinds of resources, derived from the model: which operations each has, and which members carry what."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from penstock_services.sagemaker.model import ServiceModel, load
from penstock_services.sagemaker.overlay import OVERLAYS, Overlay
from penstock_services.store import Scope

_VERBS = ("Create", "Describe", "Update", "Delete")


@dataclass(frozen=True)
class Kind:
    """One kind of resource, for example TrainingJob."""

    name: str
    overlay: Overlay
    name_member: str
    arn_member: str
    status_member: str | None
    list_operation: str | None
    list_member: str
    summary: frozenset[str]
    described: frozenset[str]

    def arn(self, scope: Scope, name: str) -> str:
        """The ARN of the resource of that name."""
        partition = "aws-cn" if scope.region.startswith("cn-") else "aws"
        return f"arn:{partition}:sagemaker:{scope.region}:{scope.account}:{self.overlay.arn_type}/{name}"


@dataclass(frozen=True)
class Kinds:
    """All served kinds, and which kind and verb an operation of the regular engine is."""

    by_name: dict[str, Kind]
    by_operation: dict[str, tuple[str, Kind]]
    by_arn_type: dict[str, Kind]


def _derive(model: ServiceModel, name: str, overlay: Overlay) -> Kind:
    create, describe = f"Create{name}", f"Describe{name}"
    described = model.outputs(describe)
    inputs = model.inputs(create)
    name_member = f"{name}Name" if f"{name}Name" in inputs else model.required(model.input_shape(describe))[0]
    arn_member = next(member for member in model.outputs(create) if member.endswith("Arn"))
    candidates = [f"{name}Status", "Status"]
    status_member = next((each for each in candidates if each in described and each not in inputs), None)
    plural = f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
    list_operation = f"List{plural}" if f"List{plural}" in model.operations else None
    list_member, summary = "", frozenset[str]()
    if list_operation:
        for member, reference in model.outputs(list_operation).items():
            if model.type_of(reference) == "list":
                list_member = member
                summary = frozenset(model.members(model.shapes[reference["shape"]]["member"]["shape"]))
    return Kind(
        name=name,
        overlay=overlay,
        name_member=name_member,
        arn_member=arn_member,
        status_member=status_member,
        list_operation=list_operation,
        list_member=list_member,
        summary=summary,
        described=frozenset(described),
    )


@functools.cache
def kinds() -> Kinds:
    """The served kinds of SageMaker's model."""
    model = load("sagemaker")
    by_name = {name: _derive(model, name, overlay) for name, overlay in OVERLAYS.items()}
    by_operation: dict[str, tuple[str, Kind]] = {}
    for kind in by_name.values():
        for verb in _VERBS:
            if verb + kind.name in model.operations:
                by_operation[verb + kind.name] = (verb, kind)
        if kind.list_operation:
            by_operation[kind.list_operation] = ("List", kind)
    return Kinds(by_name, by_operation, {kind.overlay.arn_type: kind for kind in by_name.values()})


def key_of(scope: Scope, kind: Kind, name_or_arn: Any) -> str | None:
    """The store's key for a name or an ARN; None for an ARN of another account, region or kind."""
    text = str(name_or_arn)
    if not text.startswith("arn:"):
        return text
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[3] != scope.region or parts[4] != scope.account:
        return None
    arn_type, _, name = parts[5].partition("/")
    return name if arn_type == kind.overlay.arn_type else None
