"""The regular engine: Create, Describe, List, Update and Delete of every kind whose life cycle is regular."""

from __future__ import annotations

import time
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker import hooks, lifecycle, listing, tags
from penstock_services.sagemaker.kinds import Kind, key_of, kinds
from penstock_services.sagemaker.model import load

Record = dict[str, Any]


def now() -> float:
    """The time as AWS states it: seconds with milliseconds."""
    return round(time.time(), 3)


def problem(context: Context, kind: Kind, name: str, *, exists: bool) -> ServiceError:
    """The kind's own error for a name that is missing, or taken."""
    stated = kind.overlay.exists if exists else kind.overlay.missing
    arn = name if name.startswith("arn:") else kind.arn(context.scope, name)
    return ServiceError(stated.code, stated.text.format(arn=arn, name=name))


def find(context: Context, kind_name: str, name_or_arn: str) -> tuple[str, Record]:
    """Key and record of a resource by name or ARN; raises the kind's own error where there is none."""
    kind = kinds().by_name[kind_name]
    key = key_of(context.scope, kind, name_or_arn)
    record = None if key is None else context.store.get(context.scope, kind_name, key)
    if key is None or record is None:
        raise problem(context, kind, name_or_arn, exists=False)
    return key, record


def serve(context: Context, operation: str, request: Record) -> Record:
    """Answer an operation of the engine."""
    verb, kind = kinds().by_operation[operation]
    if verb == "Create":
        return _create(context, kind, operation, request)
    if verb == "List":
        return _list(context, kind, operation, request)
    key, record = find(context, kind.name, request[kind.name_member])
    if verb == "Describe":
        return {member: value for member, value in record.items() if member in kind.described}
    if verb == "Update":
        return _update(context, kind, operation, key, request)
    return _delete(context, kind, operation, key, record)


def _create(context: Context, kind: Kind, operation: str, request: Record) -> Record:
    name = request[kind.name_member]
    arn = kind.arn(context.scope, name)
    token = load("sagemaker").token_member(operation)
    record = {key: value for key, value in request.items() if key not in ("Tags", token)}
    record[kind.arn_member] = arn
    record["CreationTime"] = now()
    record["_order"] = time.time_ns()
    if "LastModifiedTime" in kind.described:
        record["LastModifiedTime"] = record["CreationTime"]
    record.update(kind.overlay.stated)
    if kind.status_member and kind.overlay.initial:
        record[kind.status_member] = kind.overlay.initial
        if kind.overlay.settled:
            record["_next"] = lifecycle.step(context, Set={kind.status_member: kind.overlay.settled})
    if context.store.get(context.scope, kind.name, name) is not None:
        raise problem(context, kind, name, exists=True)
    hooks.run(kind.name, "prepare", context, record)
    if not context.store.insert(context.scope, kind.name, name, record):
        raise problem(context, kind, name, exists=True)
    tags.put(context, arn, request.get("Tags"))
    lifecycle.plan(context, kind, name, record)
    hooks.run(kind.name, "created", context, record)
    return _answer(operation, record)


def _list(context: Context, kind: Kind, operation: str, request: Record) -> Record:
    records = [record for _, record in context.store.scan(context.scope, kind.name)]
    chosen, token = listing.page(load("sagemaker"), operation, request, records, kind.name_member, kind.status_member)
    rows = [{member: value for member, value in record.items() if member in kind.summary} for record in chosen]
    return {kind.list_member: rows, **({"NextToken": token} if token else {})}


def _update(context: Context, kind: Kind, operation: str, key: str, request: Record) -> Record:
    token = load("sagemaker").token_member(operation)

    def change(record: Record) -> None:
        record.update({each: value for each, value in request.items() if each not in (kind.name_member, token)})
        if "LastModifiedTime" in kind.described:
            record["LastModifiedTime"] = now()

    record = context.store.update(context.scope, kind.name, key, change)
    if record is None:
        raise problem(context, kind, key, exists=False)
    hooks.run(kind.name, "updated", context, record)
    return _answer(operation, record)


def _delete(context: Context, kind: Kind, operation: str, key: str, record: Record) -> Record:
    if kind.overlay.deleting and kind.status_member:
        record[kind.status_member] = kind.overlay.deleting
        record["_next"] = lifecycle.step(context, Delete=True)
        context.store.put(context.scope, kind.name, key, record)
        tags.remove(context, record[kind.arn_member])
        lifecycle.plan(context, kind, key, record)
        return _answer(operation, record)
    context.store.delete(context.scope, kind.name, key)
    tags.remove(context, record[kind.arn_member])
    hooks.run(kind.name, "deleted", context, record)
    return _answer(operation, record)


def _answer(operation: str, record: Record) -> Record:
    return {member: record[member] for member in load("sagemaker").outputs(operation) if member in record}
