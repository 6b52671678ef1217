"""List operations: filters, sorting and pagination over the records of a kind."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.sagemaker.model import ServiceModel

Record = dict[str, Any]
_CONTROL = {"NextToken", "MaxResults", "SortBy", "SortOrder", "CrossAccountFilterOption", "ManagedBy"}
_TIMES = {"Creation": "CreationTime", "Created": "CreationTime", "LastModified": "LastModifiedTime"}
_TIMES["Modified"] = "LastModifiedTime"
_TIME_FILTER = re.compile(r"(Creation|Created|LastModified|Modified)(?:Time)?(After|Before)")
_PAGE = 10


def page(
    model: ServiceModel,
    operation: str,
    request: Record,
    records: list[Record],
    name_member: str,
    status_member: str | None,
) -> tuple[list[Record], str | None]:
    """The records of one page in the asked order, and the token of the next page."""
    wanted = [record for record in records if _passes(request, record, name_member, status_member)]
    by = str(request.get("SortBy") or model.documented_default(operation, "SortBy") or "CreationTime")
    order = str(request.get("SortOrder") or model.documented_default(operation, "SortOrder") or "Descending")
    field = _sort_field(by, name_member, status_member)
    wanted.sort(key=lambda record: _position(record, field), reverse=order.upper() == "DESCENDING")
    start = 0
    if "NextToken" in request:
        after = _decode(request["NextToken"])
        descending = order.upper() == "DESCENDING"
        start = len(wanted)
        for index, record in enumerate(wanted):
            here = list(_position(record, field))
            if (here < after) if descending else (here > after):
                start = index
                break
    size = int(request.get("MaxResults") or model.documented_default(operation, "MaxResults") or _PAGE)
    chosen = wanted[start : start + size]
    more = len(wanted) > start + size
    return chosen, _encode(list(_position(chosen[-1], field))) if more and chosen else None


def _sort_field(by: str, name_member: str, status_member: str | None) -> str:
    words = by.split("_") if "_" in by else [by]
    member = "".join(word.capitalize() for word in words) if "_" in by else by
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


def _encode(position: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _decode(token: str) -> list[Any]:
    try:
        position = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError):
        position = None
    if not isinstance(position, list) or len(position) != 2:
        raise ServiceError("ValidationException", "The NextToken is not valid.")
    return position
