"""The routes of the Feature Store runtime API."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock_services.errors import ServiceError
from penstock_services.featurestore.event_time import iso
from penstock_services.featurestore.group import FeatureGroup, validation_error
from penstock_services.featurestore.online import Stored
from penstock_services.featurestore.records import Put, Records
from penstock_services.operations import Context, ContextFactory, on_start, on_stop
from penstock_services.rest import RestHandler, endpoint, error_answer, json_answer, scope_of
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.validation import validate
from penstock_services.settings import DEFAULT_ACCOUNT, DEFAULT_REGION
from penstock_services.store import Scope

_SERVICE = "sagemaker-featurestore-runtime"
_PAGE = 100

_lock = threading.Lock()
_records: dict[Path, Records] = {}


def records_of(context: Context) -> Records:
    """The records of the context's state folder; opened and started at first use."""
    state = context.settings.state_dir
    found = _records.get(state)
    if found is not None:
        return found
    with _lock:
        if state not in _records:
            records = Records(state / "featurestore" / "records.sqlite", context.store, context.clients)
            records.start()
            _records[state] = records
        return _records[state]


@on_start
def _open(factory: ContextFactory) -> None:
    """Begin at once to write what an earlier process has left for the offline store."""
    records_of(factory(Scope(DEFAULT_ACCOUNT, DEFAULT_REGION)))


@on_stop
def _close(factory: ContextFactory) -> None:
    """Write what waits for the offline store."""
    with _lock:
        records = _records.pop(factory(Scope(DEFAULT_ACCOUNT, DEFAULT_REGION)).settings.state_dir, None)
    if records is not None:
        records.stop()


def group_of(context: Context, name_or_arn: str, missing: str = "ResourceNotFound") -> FeatureGroup:
    """The feature group of a name or ARN; ``missing`` is the error code where there is none."""
    name = name_or_arn
    foreign = False
    if name_or_arn.startswith("arn:"):
        parts = name_or_arn.split(":", 5)
        foreign = parts[3:5] != [context.scope.region, context.scope.account]
        name = parts[5].partition("/")[2]
    description = None if foreign else context.store.get(context.scope, "FeatureGroup", name)
    if description is None or description.get("FeatureGroupStatus") not in {"Created", None}:
        message = f"Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name [{name_or_arn}]"
        raise ServiceError(missing, message, 404 if missing == "ResourceNotFound" else 400)
    return FeatureGroup.from_description(context.scope, description)


def _request(operation: str, request: Request, body: bytes) -> dict[str, Any]:
    """The members of the request, from path, query and body as the model says, validated by it."""
    model = load(_SERVICE)
    try:
        given = json.loads(body) if body else {}
    except ValueError:
        raise ServiceError("SerializationException", "The request body is not valid JSON") from None
    if not isinstance(given, dict):
        raise ServiceError("SerializationException", "Start of structure expected")
    for member, reference in model.inputs(operation).items():
        location = reference.get("location")
        if location == "uri":
            given[member] = request.path_params[reference["locationName"]]
        elif location == "querystring":
            values = request.query_params.getlist(reference["locationName"])
            given.pop(member, None)
            if values:
                given[member] = values if model.type_of(reference) == "list" else values[0]
    try:
        return validate(model, model.input_shape(operation), given)
    except ServiceError as error:
        if error.code == "ValidationException":
            raise ServiceError("ValidationError", error.message) from None
        raise


def _found(stored: Stored, names: list[str] | None, *, with_expiry: bool) -> dict[str, Any]:
    """Record and ExpiresAt of an answer, reduced to the features of ``names``."""
    values = json.loads(stored.record)
    if names is not None:
        wanted = set(names)
        values = [each for each in values if each["FeatureName"] in wanted]
    answer: dict[str, Any] = {"Record": values}
    if with_expiry and stored.expires is not None:
        answer["ExpiresAt"] = iso(stored.expires)
    return answer


def put_record(context: Context, request: Request, body: bytes) -> Response:
    """PutRecord."""
    given = _request("PutRecord", request, body)
    group = group_of(context, given["FeatureGroupName"], "ValidationError")
    records = records_of(context)
    records.put([records.prepared(group, given["Record"], given.get("TargetStores"), given.get("TtlDuration"))])
    return json_answer({})


def get_record(context: Context, request: Request, body: bytes) -> Response:
    """GetRecord."""
    given = _request("GetRecord", request, body)
    group = group_of(context, given["FeatureGroupName"])
    group.require_online()
    names = given.get("FeatureNames")
    if names is not None:
        group.require_features(names)
    stored = records_of(context).get(group, given["RecordIdentifierValueAsString"])
    if stored is None:
        return json_answer({})
    return json_answer(_found(stored, names, with_expiry=given.get("ExpirationTimeResponse") == "Enabled"))


def delete_record(context: Context, request: Request, body: bytes) -> Response:
    """DeleteRecord."""
    given = _request("DeleteRecord", request, body)
    group = group_of(context, given["FeatureGroupName"], "ValidationError")
    records_of(context).delete(
        group,
        given["RecordIdentifierValueAsString"],
        given["EventTime"],
        given.get("TargetStores"),
        hard=given.get("DeletionMode") == "HardDelete",
    )
    return json_answer({})


def update_record(context: Context, request: Request, body: bytes) -> Response:
    """UpdateRecord."""
    given = _request("UpdateRecord", request, body)
    group = group_of(context, given["FeatureGroupName"])
    records_of(context).update(
        group,
        given["RecordIdentifierValueAsString"],
        given["Features"],
        given.get("TargetStores"),
        given.get("TtlDuration"),
    )
    return json_answer({})


def batch_get_record(context: Context, request: Request, body: bytes) -> Response:
    """BatchGetRecord: what is missing is left out, a group that cannot be read is an entry of Errors."""
    given = _request("BatchGetRecord", request, body)
    with_expiry = given.get("ExpirationTimeResponse") == "Enabled"
    found: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for wanted in given["Identifiers"]:
        name, identifiers = wanted["FeatureGroupName"], wanted["RecordIdentifiersValueAsString"]
        names = wanted.get("FeatureNames")
        try:
            group = group_of(context, name)
            group.require_online()
            if names is not None:
                group.require_features(names)
        except ServiceError as error:
            errors += [
                {
                    "FeatureGroupName": name,
                    "RecordIdentifierValueAsString": identifier,
                    "ErrorCode": error.code,
                    "ErrorMessage": error.message,
                }
                for identifier in identifiers
            ]
            continue
        stored = records_of(context).get_many(group, identifiers)
        found += [
            {
                "FeatureGroupName": name,
                "RecordIdentifierValueAsString": identifier,
                **_found(stored[identifier], names, with_expiry=with_expiry),
            }
            for identifier in dict.fromkeys(identifiers)
            if identifier in stored
        ]
    return json_answer({"Records": found, "Errors": errors, "UnprocessedIdentifiers": []})


def batch_write_record(context: Context, request: Request, body: bytes) -> Response:
    """BatchWriteRecord: entries that may not enter are in Errors, the others are written together."""
    given = _request("BatchWriteRecord", request, body)
    records = records_of(context)
    groups: dict[str, FeatureGroup] = {}
    puts: list[Put] = []
    errors: list[dict[str, Any]] = []
    for entry in given["Entries"]:
        name = entry["FeatureGroupName"]
        try:
            group = groups.get(name) or groups.setdefault(name, group_of(context, name))
            ttl = entry.get("TtlDuration") or given.get("TtlDuration")
            puts.append(records.prepared(group, entry["Record"], entry.get("TargetStores"), ttl))
        except ServiceError as error:
            errors.append({"Entry": entry, "ErrorCode": error.code, "ErrorMessage": error.message})
    if puts:
        records.put(puts)
    return json_answer({"Errors": errors, "UnprocessedEntries": []})


def list_records(context: Context, request: Request, body: bytes) -> Response:
    """ListRecords: the identifiers of the online store, page by page."""
    given = _request("ListRecords", request, body)
    group = group_of(context, given["FeatureGroupName"])
    group.require_online()
    size = given.get("MaxResults", _PAGE)
    found = records_of(context).identifiers(
        group, _decoded(given.get("NextToken")), size + 1, with_deleted=given.get("IncludeSoftDeletedRecords", False)
    )
    answer: dict[str, Any] = {"RecordIdentifiers": found[:size]}
    if len(found) > size:
        answer["NextToken"] = base64.urlsafe_b64encode(found[size - 1].encode()).decode()
    return json_answer(answer)


def _decoded(token: str | None) -> str:
    try:
        return base64.urlsafe_b64decode(token or "").decode()
    except (binascii.Error, ValueError):
        raise validation_error("Invalid NextToken") from None


def _route(operation: str, path: str, method: str, handler: RestHandler) -> Route:
    return Route(path, endpoint(handler), methods=[method], name=operation)


async def _get_record(request: Request) -> Response:
    """GetRecord on the event loop: it takes less time than a change to another thread."""
    context = request.app.state.context_factory(scope_of(request.headers.get("authorization", "")))
    try:
        return get_record(context, request, b"")
    except ServiceError as error:
        return error_answer(error)


# A name may be an ARN, which holds a slash.
_GROUP = "/FeatureGroup/{FeatureGroupName:path}"

routes: list[Route] = [
    _route("BatchGetRecord", "/BatchGetRecord", "POST", batch_get_record),
    _route("BatchWriteRecord", "/BatchWriteRecord", "POST", batch_write_record),
    _route("ListRecords", f"{_GROUP}/ListRecords", "POST", list_records),
    _route("UpdateRecord", f"{_GROUP}/Record", "POST", update_record),
    _route("PutRecord", _GROUP, "PUT", put_record),
    Route(_GROUP, _get_record, methods=["GET"], name="GetRecord"),
    _route("DeleteRecord", _GROUP, "DELETE", delete_record),
]
