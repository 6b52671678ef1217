"""The kinds of resources, derived from the model: which operations each has, and which members carry what."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from penstock_services.sagemaker.model import ServiceModel, load
from penstock_services.sagemaker.overlay import OVERLAYS, Overlay, Problem
from penstock_services.store import Scope

_VERBS = ("Create", "Describe", "Update", "Delete", "Stop", "Start")
_CREATED = ("CreationTime", "CreatedAt", "CreateDate")
_MODIFIED = ("LastModifiedTime", "LastModifiedAt", "LastUpdatedDate")
_PLURALS = ("{}s", "{}es", "{}ies")


@dataclass(frozen=True)
class Kind:
    """One kind of resource, for example TrainingJob.

    ``keys`` are the members of a request that identify a resource; ``name_member`` is the one by which people know it,
    which may be another (a domain's name beside its id). ``created_member`` and ``modified_member`` are its times.
    """

    name: str
    overlay: Overlay
    name_member: str
    keys: tuple[str, ...]
    arn_member: str
    status_member: str | None
    created_member: str
    modified_member: str | None
    list_operation: str | None
    list_member: str
    summary: frozenset[str]
    described: frozenset[str]
    missing: Problem
    exists: Problem

    def arn(self, scope: Scope, tail: str) -> str:
        """The ARN of the resource with that key: for most kinds its name."""
        partition = "aws-cn" if scope.region.startswith("cn-") else "aws"
        return f"arn:{partition}:sagemaker:{scope.region}:{scope.account}:{self.overlay.arn_type}/{tail}"

    def tail(self, record: dict[str, Any]) -> str:
        """The store's key of a record or of a request that identifies one: what follows the type in the ARN."""
        if self.overlay.tail is not None:
            return self.overlay.tail(record)
        return "/".join(str(record[key]) for key in self.keys)

    @property
    def parent_member(self) -> str | None:
        """The member that names what this is part of."""
        return self.overlay.parents[0][0] if self.overlay.parents else None


@dataclass(frozen=True)
class Kinds:
    """All derived kinds, and which kind and verb an operation of the regular engine is."""

    by_name: dict[str, Kind]
    by_operation: dict[str, tuple[str, Kind]]
    by_arn_type: dict[str, Kind]

    def of_arn(self, arn: str) -> Kind | None:
        """The kind of the resource that has that ARN."""
        first, _, rest = arn.split(":", 5)[-1].partition("/")
        return self.by_arn_type.get(first) or self.by_arn_type.get(f"{first}/{rest.partition('/')[0]}")


def _list_of(model: ServiceModel, name: str) -> str | None:
    stems = (name, name, name[:-1]) if name.endswith("y") else (name, name)
    for plural, stem in zip(_PLURALS, stems, strict=False):
        if f"List{plural.format(stem)}" in model.operations:
            return f"List{plural.format(stem)}"
    return None


def _name_member(name: str, inputs: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((each for each in (f"{name}Name", "Name", *keys) if each in inputs), keys[0] if keys else "Arn")


def _derive(model: ServiceModel, name: str, overlay: Overlay) -> Kind:
    create, describe = f"Create{name}", f"Describe{name}"
    inputs = model.inputs(create)
    described = model.outputs(describe)
    if overlay.nested:
        described = {**described, **model.members(described[overlay.nested]["shape"])}
    required = tuple(model.required(model.input_shape(describe)))
    keys = overlay.keys or required
    arns = [member for member in (*model.outputs(create), *described) if member.endswith("Arn")]
    arn_member = next(member for member in (f"{name}Arn", *arns) if member in arns)
    candidates = (f"{name}Status", "TrackingServerStatus", "Status")
    status_member = next((each for each in candidates if each in described and each not in inputs), None)
    list_operation = _list_of(model, name)
    list_member, summary = "", frozenset[str]()
    if list_operation:
        for member, reference in model.outputs(list_operation).items():
            if model.type_of(reference) == "list":
                list_member = member
                summary = frozenset(model.members(model.shapes[reference["shape"]]["member"]["shape"]))
    stated = {*model.errors(create), *model.errors(describe)}
    found = "ResourceNotFound" if "ResourceNotFound" in stated else "ValidationException"
    taken = next((each for each in ("ResourceInUse", "ConflictException") if each in stated), "ValidationException")
    return Kind(
        name=name,
        overlay=overlay,
        name_member=_name_member(name, inputs, keys),
        keys=keys,
        arn_member=arn_member,
        status_member=status_member,
        created_member=next((each for each in _CREATED if each in described), "CreationTime"),
        modified_member=next((each for each in _MODIFIED if each in described or each in summary), None),
        list_operation=list_operation,
        list_member=list_member,
        summary=summary,
        described=frozenset(described),
        missing=overlay.missing or Problem(found, f"{name} {{name}} does not exist."),
        exists=overlay.exists or Problem(taken, f"{name} {{arn}} already exists."),
    )


@functools.cache
def kinds() -> Kinds:
    """The kinds of SageMaker's model that have an overlay."""
    model = load("sagemaker")
    by_name = {name: _derive(model, name, overlay) for name, overlay in OVERLAYS.items()}
    by_operation: dict[str, tuple[str, Kind]] = {}
    by_arn_type: dict[str, Kind] = {}
    for kind in by_name.values():
        for verb in _VERBS:
            if verb + kind.name in model.operations:
                by_operation[verb + kind.name] = (verb, kind)
        if kind.list_operation:
            by_operation[kind.list_operation] = ("List", kind)
        by_arn_type.setdefault(kind.overlay.arn_type, kind)
    return Kinds(by_name, by_operation, by_arn_type)


def key_of(scope: Scope, kind: Kind, name_or_arn: Any) -> str | None:
    """The store's key for a name or an ARN; None for an ARN of another account, region or kind."""
    text = str(name_or_arn)
    if not text.startswith("arn:"):
        return text
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[3] != scope.region or parts[4] != scope.account:
        return None
    prefix = f"{kind.overlay.arn_type}/"
    return parts[5].removeprefix(prefix) if parts[5].startswith(prefix) else None


def key_in(scope: Scope, kind: Kind, request: dict[str, Any]) -> str | None:
    """The store's key for the resource that a request names, by one member or several; None as for ``key_of``, and
    where the request names none."""
    if len(kind.keys) == 1:
        return key_of(scope, kind, request[kind.keys[0]]) if kind.keys[0] in request else None
    return kind.tail(request)
