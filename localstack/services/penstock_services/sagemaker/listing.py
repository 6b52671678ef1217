"""List operations: filters, sorting and pagination over the records of a kind."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker import page_tokens
from penstock_services.sagemaker.kinds import Kind
from penstock_services.sagemaker.model import ServiceModel, load
from penstock_services.store import Where

Record = dict[str, Any]
_CONTROL = {"NextToken", "MaxResults", "SortBy", "SortOrder", "CrossAccountFilterOption", "ManagedBy", "Filters"}
_TIMES = {"Creation": "CreationTime", "Created": "CreationTime", "LastModified": "LastModifiedTime"}
_TIMES["Modified"] = "LastModifiedTime"
_TIME_FILTER = re.compile(r"(Creation|Created|LastModified|Modified)(?:Time)?(After|Before)")
_PAGE = 10
# Filters whose member is elsewhere in the record.
_PATHS = {
    "SourceUri": "Source.SourceUri",
    "SourceArn": "Source.SourceArn",
    "OfflineStoreStatusEquals": "OfflineStoreStatus.Status",
    "WarmPoolStatusEquals": "WarmPoolStatus.Status",
    "AppTypeEquals": "StudioLifecycleConfigAppType",
}


def rows(
    context: Context, kind: Kind, operation: str, request: Record, where: Sequence[Where] = ()
) -> tuple[list[Record], str | None]:
    """The records of one page of a kind of the engine, as the request filters and sorts them, and the next token.

    ``where`` are further conditions. The cost does not grow with the number of records.
    """
    by, descending, size = _defaults(operation, request)
    order = _column(kind, by)
    after = page_tokens.place(request["NextToken"]) if "NextToken" in request else None
    conditions = [*_filters(kind, request), *where]
    found = context.store.select(
        context.scope, kind.name, conditions, order=order, descending=descending, after=after, limit=size + 1
    )
    token = page_tokens.encode([found[size - 1].value, found[size - 1].id]) if len(found) > size else None
    return [row.record for row in found[:size]], token


def summarize(kind: Kind, record: Record) -> Record:
    """The row of a record in its List."""
    row = {member: record[member] for member in kind.summary if member in record}
    for member, path in kind.overlay.summary.items():
        value = at(record, path)
        outer, _, inner = member.partition(".")
        if value is None or outer not in kind.summary:
            continue
        if inner:
            row.setdefault(outer, {})[inner] = value
        else:
            row[outer] = value
    return row


def at(record: Record, path: str) -> Any:
    """The value at a path ("Source.SourceUri"), or None."""
    value: Any = record
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _defaults(operation: str, request: Record) -> tuple[str, bool, int]:
    """What is sorted by, whether the last comes first, and how many make a page."""
    by, order, size = _documented(operation)
    descending = str(request.get("SortOrder") or order).upper() == "DESCENDING"
    return str(request.get("SortBy") or by), descending, int(request.get("MaxResults") or size)


@functools.cache
def _documented(operation: str) -> tuple[str, str, int]:
    model = load("sagemaker")
    by = model.documented_default(operation, "SortBy") or "CreationTime"
    order = model.documented_default(operation, "SortOrder") or "Descending"
    size = model.documented_default(operation, "MaxResults") or ""
    return by, order, int(size) if size.isdigit() else _PAGE


def _column(kind: Kind, by: str) -> str:
    member = _sort_field(by, kind.name_member, kind.status_member)
    if member == kind.name_member:
        return "name"
    if member in (kind.created_member, "CreationTime", "CreateDate"):
        return "created"
    if member in (kind.modified_member, "LastModifiedTime"):
        return "modified"
    if member == kind.status_member:
        return "status"
    return _PATHS.get(f"{member}Equals", member)


def _filters(kind: Kind, request: Record) -> list[Where]:
    """The request's filters as conditions."""
    found: list[Where] = []
    for member, wanted in request.items():
        if member in _CONTROL:
            continue
        time = _TIME_FILTER.fullmatch(member)
        if time:
            column = "created" if _TIMES[time.group(1)] == "CreationTime" else "modified"
            found.append(Where(column, ">=" if time.group(2) == "After" else "<=", wanted))
        elif member in ("NameContains", f"{kind.name_member}Contains"):
            found.append(Where("name", "contains", wanted))
        elif member.endswith("Contains"):
            found.append(Where(_member(kind, member.removesuffix("Contains")), "contains", wanted))
        elif member.endswith("NamePrefix"):
            found.append(Where("name", "prefix", wanted))
        else:
            field = _PATHS.get(member) or _member(kind, member.removesuffix("Equals"))
            found.append(Where(field, "=", wanted))
    return found


def _member(kind: Kind, member: str) -> str:
    """The column or path of a filtered member."""
    if member in ("Status", kind.status_member):
        return "status"
    if member == kind.parent_member:
        return "parent"
    return kind.overlay.summary.get(member, member)


def page(
    model: ServiceModel,
    operation: str,
    request: Record,
    records: list[Record],
    name_member: str,
    status_member: str | None,
) -> tuple[list[Record], str | None]:
    """The same over records in memory: those of one page in the asked order, and the token of the next page."""
    wanted = [record for record in records if _passes(request, record, name_member, status_member)]
    by = str(request.get("SortBy") or model.documented_default(operation, "SortBy") or "CreationTime")
    order = str(request.get("SortOrder") or model.documented_default(operation, "SortOrder") or "Descending")
    field = _sort_field(by, name_member, status_member)
    wanted.sort(key=lambda record: _position(record, field), reverse=order.upper() == "DESCENDING")
    start = 0
    if "NextToken" in request:
        after = page_tokens.place(request["NextToken"])
        descending = order.upper() == "DESCENDING"
        start = len(wanted)
        for index, record in enumerate(wanted):
            here = _position(record, field)
            if (here < after) if descending else (here > after):
                start = index
                break
    size = int(request.get("MaxResults") or model.documented_default(operation, "MaxResults") or _PAGE)
    chosen = wanted[start : start + size]
    more = len(wanted) > start + size
    return chosen, page_tokens.encode(list(_position(chosen[-1], field))) if more and chosen else None


def _sort_field(by: str, name_member: str, status_member: str | None) -> str:
    words = by.split("_") if "_" in by else [by]
    member = "".join(word.capitalize() for word in words) if "_" in by or by.isupper() else by
    if member == "Name" or member.endswith("Name"):
        return name_member
    if member == "Status" and status_member:
        return status_member
    return "CreationTime" if member == "CreatedTime" else member


def _position(record: Record, field: str) -> tuple[str | float, int]:
    value = record.get(field, "")
    if isinstance(value, dict):
        value = value.get("Status", "")
    return value, int(record.get("_order", 0))


def _passes(request: Record, record: Record, name_member: str, status_member: str | None) -> bool:
    for member, wanted in request.items():
        if member in _CONTROL:
            continue
        name = str(record.get(name_member, ""))
        time = _TIME_FILTER.fullmatch(member)
        if time:
            stamp = record.get(_TIMES[time.group(1)], record.get("CreationTime", 0))
            if (stamp < wanted) if time.group(2) == "After" else (stamp > wanted):
                return False
        elif member == "NameContains":
            if wanted not in name:
                return False
        elif member.endswith("NamePrefix"):
            if not name.startswith(wanted):
                return False
        elif member == "StatusEquals":
            if record.get(status_member or "") != wanted:
                return False
        else:
            value = record.get(member.removesuffix("Equals"))
            if isinstance(value, dict):
                value = value.get("Status")
            if value != wanted:
                return False
    return True
