"""The operations.

Source: Search, GetSearchSuggestions and VisibilityConditions in the API reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker import page_tokens
from penstock_services.sagemaker.search import expressions, properties, resources

Record = dict[str, Any]
_SORTED_BY = "LastModifiedTime"
_PAGE = 100
_SUGGESTIONS = 100
_LOOKED_AT = 1000


@operation("Search", "record")
def _search(context: Context, request: Record) -> Record:
    resource = request["Resource"]
    shape = resources.shape_of(resource)
    test = expressions.compiled(shape, request.get("SearchExpression"))
    by = request.get("SortBy", _SORTED_BY)
    if "SortBy" in request and properties.type_of(shape, by) is None:
        raise ServiceError("ValidationException", f"{by} is not a property by which {shape} can be sorted.")
    descending = request.get("SortOrder", "Descending") == "Descending"
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        return {"Results": [], "TotalHits": {"Value": 0, "Relation": "EqualTo"}}
    found = [
        (_place(record, by), number, record)
        for number, record in resources.records(context, resource)
        if test(record) and _visible(record, request.get("VisibilityConditions", []))
    ]
    found.sort(key=lambda each: each[:2], reverse=descending)
    start = _start(found, request.get("NextToken"), descending=descending)
    end = start + int(request.get("MaxResults", _PAGE))
    answer: Record = {
        "Results": [resources.result(resource, record) for _, _, record in found[start:end]],
        "TotalHits": {"Value": len(found), "Relation": "EqualTo"},
    }
    if end < len(found):
        answer["NextToken"] = page_tokens.encode(found[end - 1][:2])
    return answer


def _place(record: Record, by: str) -> tuple[int, float, str]:
    """What a record is sorted by: numbers before texts, and what has no value first."""
    values = properties.values(record, by)
    if not values and by == _SORTED_BY:
        values = properties.values(record, "CreationTime")
    value = values[0] if values else None
    if isinstance(value, int | float):
        return 1, float(value), ""
    return (0, 0.0, "") if value is None else (2, 0.0, str(value))


def _visible(record: Record, conditions: list[Record]) -> bool:
    """Records that have the condition's key must have its value; others are shown."""
    for condition in conditions:
        values = properties.values(record, str(condition.get("Key", "")))
        if values and condition.get("Value") not in values:
            return False
    return True


def _start(found: list[tuple[Any, int, Record]], token: str | None, *, descending: bool) -> int:
    """Where the page after the token begins."""
    if token is None:
        return 0
    try:
        place, number = page_tokens.decode(token)
        first, second, third = place
        after = ((int(first), float(second), str(third)), int(number))
    except (ValueError, TypeError):
        raise page_tokens.invalid() from None
    for index, (here, its_number, _) in enumerate(found):
        position = (here, its_number)
        if (position < after) if descending else (position > after):
            return index
    return len(found)


@operation("GetSearchSuggestions", "record")
def _suggestions(context: Context, request: Record) -> Record:
    resource = request["Resource"]
    query = request.get("SuggestionQuery", {}).get("PropertyNameQuery", {})
    hint = query.get("PropertyNameHint", "")
    found: dict[str, None] = {}
    for name in _names(context, resource):
        if name.startswith(hint):
            found.setdefault(name)
            if len(found) == _SUGGESTIONS:
                break
    return {"PropertyNameSuggestions": [{"PropertyName": name} for name in found]}


def _names(context: Context, resource: str) -> Iterator[str]:
    yield from properties.names(resources.shape_of(resource))
    for _, (_, record) in zip(range(_LOOKED_AT), resources.records(context, resource), strict=False):
        yield from properties.own_names(record)
