"""The regular engine: the verbs of every kind whose life cycle is regular."""

from __future__ import annotations

import secrets
import string
import time
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker import hooks, lifecycle, listing, quotas, tags
from penstock_services.sagemaker.kinds import Kind, key_in, key_of, kinds
from penstock_services.sagemaker.model import load
from penstock_services.store import Where

Record = dict[str, Any]
_REMOVALS = "ToRemove"


def now() -> float:
    """The time as AWS states it: seconds with milliseconds."""
    return round(time.time(), 3)


def problem(context: Context, kind: Kind, name: str, *, exists: bool) -> ServiceError:
    """The kind's own error for a name that is missing, or taken."""
    stated = kind.exists if exists else kind.missing
    arn = name if name.startswith("arn:") else kind.arn(context.scope, name)
    return ServiceError(stated.code, stated.text.format(arn=arn, name=name, kind=kind.name))


def find(context: Context, kind_name: str, name_or_arn: str) -> tuple[str, Record]:
    """Key and record of a resource by key (for most kinds its name) or ARN; raises the kind's own error where there is
    none."""
    kind = kinds().by_name[kind_name]
    key = key_of(context.scope, kind, name_or_arn)
    record = None if key is None else context.store.get(context.scope, kind_name, key)
    if key is None or record is None:
        raise problem(context, kind, name_or_arn, exists=False)
    return key, record


def requested(context: Context, kind: Kind, request: Record) -> tuple[str, Record]:
    """Key and record of the resource that a request names by the kind's identifying members."""
    key = key_in(context.scope, kind, request)
    record = None if key is None else context.store.get(context.scope, kind.name, key)
    if key is None or record is None:
        raise problem(context, kind, key or str(request.get(kind.keys[0], "")), exists=False)
    return key, record


def serve(context: Context, operation: str, request: Record) -> Record:
    """Answer an operation of the engine."""
    verb, kind = kinds().by_operation[operation]
    if verb == "Create":
        return create(context, kind, operation, request)
    if verb == "List":
        found, token = listing.rows(context, kind, operation, request)
        rows = [listing.summarize(kind, record) for record in found]
        return {kind.list_member: rows, **({"NextToken": token} if token else {})}
    key, record = requested(context, kind, request)
    if verb == "Describe":
        return describe(kind, record)
    if verb == "Update":
        return update(context, kind, operation, key, request)
    if verb == "Delete":
        return delete(context, kind, operation, key, record)
    message = f"{operation} is not implemented by Penstock's local SageMaker."
    raise ServiceError("NotImplementedException", message, 501)


def describe(kind: Kind, record: Record) -> Record:
    """Describe's answer."""
    return _nested(kind, record) or {member: value for member, value in record.items() if member in kind.described}


def create(context: Context, kind: Kind, operation: str, request: Record, **more: Any) -> Record:
    """Make a resource and answer its Create; ``more`` are members that the request does not carry."""
    tags.check(request.get("Tags"))
    record: Record = {**_recorded(kind, operation, request), **more}
    _invent(kind, record)
    for member, parent in kind.overlay.parents:
        if member in record:
            record[member] = find(context, parent, record[member])[0]
    key = kind.tail(record)
    arn = kind.arn(context.scope, key)
    record[kind.arn_member] = arn
    record[kind.created_member] = now()
    record["_order"] = time.time_ns()
    if context.invocation:
        record["_invocation"] = context.invocation
    if kind.modified_member:
        record[kind.modified_member] = record[kind.created_member]
    record.update(kind.overlay.stated)
    if kind.status_member and kind.overlay.initial:
        record[kind.status_member] = kind.overlay.initial
        if kind.overlay.settled:
            record["_next"] = lifecycle.step(context, Set={kind.status_member: kind.overlay.settled})
    repeated = _repeated(context, kind, record)
    if repeated is not None:
        return _answer(kind, operation, repeated)
    if _taken(context, kind, key):
        raise problem(context, kind, key, exists=True)
    quotas.check(context, kind)
    hooks.run(kind.name, "prepare", context, record)
    with context.store.together():
        inserted = context.store.insert(context.scope, kind.name, key, record)
        if inserted:
            tags.put(context, arn, request.get("Tags"))
    if not inserted:
        repeated = _repeated(context, kind, record)
        if repeated is not None:
            return _answer(kind, operation, repeated)
        raise problem(context, kind, key, exists=True)
    lifecycle.plan(context, kind, key, record)
    hooks.run(kind.name, "created", context, record)
    return _answer(kind, operation, record)


def _recorded(kind: Kind, operation: str, request: Record) -> Record:
    """What a request leaves in the record: its members under the names by which Describe shows them."""
    token = load("sagemaker").token_member(operation)
    renamed = kind.overlay.renamed
    return {renamed.get(member, member): value for member, value in request.items() if member not in ("Tags", token)}


def _invent(kind: Kind, record: Record) -> None:
    """Give the record the id that AWS would."""
    if kind.overlay.identity is None:
        return
    member, pattern = kind.overlay.identity
    letters = {"*": string.ascii_lowercase + string.digits, "#": string.ascii_uppercase + string.digits}
    record[member] = "".join(secrets.choice(letters[each]) if each in letters else each for each in pattern)


def _repeated(context: Context, kind: Kind, record: Record) -> Record | None:
    """What an earlier attempt of the same call made: an SDK that got no answer sends the Create once more."""
    if not context.invocation:
        return None
    same = [Where("name", "=", str(record.get(kind.name_member, "")))]
    rows = context.store.select(context.scope, kind.name, same, limit=50)
    return next((row.record for row in rows if row.record.get("_invocation") == context.invocation), None)


def _taken(context: Context, kind: Kind, key: str) -> bool:
    if context.store.get(context.scope, kind.name, key) is not None:
        return True
    return kind.overlay.any_case and context.store.count(context.scope, kind.name, [Where("name", "same", key)]) > 0


def update(context: Context, kind: Kind, operation: str, key: str, request: Record) -> Record:
    """Change a resource as the request says and answer its Update."""
    tags.check(request.get("Tags"))
    changes = {
        member: value for member, value in _recorded(kind, operation, request).items() if member not in kind.keys
    }

    def change(record: Record) -> None:
        _refuse_deleting(kind, record)
        for member, value in changes.items():
            _apply(kind, record, member, value)
        if kind.modified_member:
            record[kind.modified_member] = now()
        if kind.status_member and kind.overlay.updating:
            record[kind.status_member] = kind.overlay.updating
            record["_next"] = lifecycle.step(context, Set={kind.status_member: kind.overlay.updated})

    record = context.store.update(context.scope, kind.name, key, change)
    if record is None:
        raise problem(context, kind, key, exists=False)
    tags.put(context, record[kind.arn_member], request.get("Tags"))
    if kind.overlay.updating:
        lifecycle.plan(context, kind, key, record)
    hooks.run(kind.name, "updated", context, record)
    return _answer(kind, operation, record)


def _apply(kind: Kind, record: Record, member: str, value: Any) -> None:
    """One member of an Update: removals, what is merged, and the rest replaced."""
    if member.endswith(_REMOVALS):
        kept = record.get(member.removesuffix(_REMOVALS), {})
        for each in value:
            kept.pop(each, None)
    elif member == "DeleteProperties":
        for each in value:
            record.pop(each, None)
    elif member in kind.overlay.merged and isinstance(record.get(member), dict):
        record[member] = _merged(record[member], value)
    else:
        record[member] = value


def _merged(old: Record, new: Record) -> Record:
    merged = dict(old)
    for member, value in new.items():
        before = merged.get(member)
        merged[member] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _refuse_deleting(kind: Kind, record: Record) -> None:
    if kind.status_member and kind.overlay.deleting and record.get(kind.status_member) == kind.overlay.deleting:
        message = f"{kind.name} {record[kind.arn_member]} is being deleted."
        raise ServiceError("ResourceInUse" if kind.exists.code == "ResourceInUse" else "ValidationException", message)


def delete(context: Context, kind: Kind, operation: str, key: str, record: Record) -> Record:
    """Remove a resource, at once or by a step, and answer its Delete; refused while something is part of it."""
    for child in kind.overlay.children:
        if context.store.count(context.scope, child.kind, [Where("parent", "=", key)], most=1):
            text = child.problem.text.format(arn=record[kind.arn_member], name=key, kind=kind.name)
            raise ServiceError(child.problem.code, text)
    if kind.overlay.deleting and kind.status_member:
        if record.get(kind.status_member) == kind.overlay.deleting:
            return _answer(kind, operation, record)
        record[kind.status_member] = kind.overlay.deleting
        record["_next"] = lifecycle.step(context, Delete=True)
        context.store.put(context.scope, kind.name, key, record)
        _forget(context, kind, key, record)
        lifecycle.plan(context, kind, key, record)
        return _answer(kind, operation, record)
    context.store.delete(context.scope, kind.name, key)
    _forget(context, kind, key, record)
    hooks.run(kind.name, "deleted", context, record)
    return _answer(kind, operation, record)


def _forget(context: Context, kind: Kind, key: str, record: Record) -> None:
    """What goes with a resource: its tags, and what is part of it."""
    tags.remove(context, record[kind.arn_member])
    for part in kind.overlay.cascades:
        for row in context.store.select(context.scope, part, [Where("parent", "=", key)]):
            context.store.delete(context.scope, part, row.key)
            hooks.run(part, "deleted", context, row.record)


def _nested(kind: Kind, record: Record) -> Record | None:
    """Describe's answer for a kind that is shown inside one member."""
    if kind.overlay.nested is None:
        return None
    model = load("sagemaker")
    shape = model.outputs(f"Describe{kind.name}")[kind.overlay.nested]["shape"]
    return {kind.overlay.nested: model.project(shape, record)}


def _answer(kind: Kind, operation: str, record: Record) -> Record:
    outputs = load("sagemaker").outputs(operation)
    if kind.overlay.nested in outputs:
        return _nested(kind, record) or {}
    answer = {member: record[member] for member in outputs if member in record}
    return {**answer, "Success": True} if "Success" in outputs else answer
