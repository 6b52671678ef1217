"""Model cards and their versions.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html: "Any edits other than an approval status update
made to a model card result in additional model card versions in order to have an immutable record of model changes";
the API reference of UpdateModelCard and DescribeModelCard.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker import events, listing
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.index import index
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.model_cards import schema
from penstock_services.store import Columns, Where

Record = dict[str, Any]
KIND = "ModelCard"
VERSION = "ModelCardVersion"
EVENT = "SageMaker Model Card State Change"


def _columns(record: Record) -> Columns:
    """Versions are listed by their card."""
    return Columns(
        record["ModelCardName"], record["ModelCardStatus"], record["CreationTime"], parent=record["ModelCardName"]
    )


index(VERSION, _columns)


def version_of(context: Context, name_or_arn: str, version: int | None) -> Record:
    """A version of a card, or its latest. Raises ServiceError (ResourceNotFound) where there is none."""
    key, card = find(context, KIND, name_or_arn)
    wanted = card["ModelCardVersion"] if version is None else version
    found = context.store.get(context.scope, VERSION, _key(key, wanted))
    if found is None:
        raise ServiceError("ResourceNotFound", f"Model card {key} has no version {wanted}.")
    return found


def _key(card: str, version: int) -> str:
    return f"{card}/{version:09d}"


@hook(KIND, "prepare")
def _check(_context: Context, record: Record) -> None:
    schema.check(record["Content"], schema.CARD)
    record["LastModifiedBy"] = {}


@hook(KIND, "created")
def _first(context: Context, record: Record) -> None:
    _keep(context, record)
    _announce(context, record)


def _keep(context: Context, card: Record) -> None:
    """Write the card's present state as its version of that number."""
    context.store.put(context.scope, VERSION, _key(card["ModelCardName"], card["ModelCardVersion"]), card)


@operation("UpdateModelCard")
def _update(context: Context, request: Record) -> Record:
    if "Content" in request and "ModelCardStatus" in request:
        message = "You cannot update both model card content and model card status in a single call."
        raise ServiceError("ValidationException", message)
    key, _ = find(context, KIND, request["ModelCardName"])
    if "Content" in request:
        schema.check(request["Content"], schema.CARD)

    def change(record: Record) -> None:
        if "Content" in request:
            if record["ModelCardStatus"] == "Archived":
                raise ServiceError("ValidationException", "Model Card is in Archived state.")
            record["Content"] = request["Content"]
            record["ModelCardVersion"] += 1
        record.update({member: request[member] for member in ("ModelCardStatus",) if member in request})
        record["LastModifiedTime"] = now()

    card = context.store.update(context.scope, KIND, key, change)
    if card is None:
        find(context, KIND, request["ModelCardName"])
        return {}
    _keep(context, card)
    _announce(context, card)
    return {"ModelCardArn": card["ModelCardArn"]}


@operation("DescribeModelCard")
def _describe(context: Context, request: Record) -> Record:
    found = version_of(context, request["ModelCardName"], request.get("ModelCardVersion"))
    members = kinds().by_name[KIND].described
    answer = {member: value for member, value in found.items() if member in members}
    if request.get("IncludedData") == "MetadataOnly":
        answer["Content"] = schema.metadata_only(answer["Content"])
    return answer


@operation("ListModelCardVersions", "record")
def _list_versions(context: Context, request: Record) -> Record:
    asked = dict(request)
    key, _ = find(context, KIND, asked.pop("ModelCardName"))
    records = [row.record for row in context.store.select(context.scope, VERSION, [Where("parent", "=", key)])]
    asked.pop("SortBy", None)
    model = load("sagemaker")
    found, token = listing.page(
        model, "ListModelCardVersions", {**asked, "SortBy": "ModelCardVersion"}, records, "ModelCardName", None
    )
    members = model.members("ModelCardVersionSummary")
    rows = [{member: value for member, value in each.items() if member in members} for each in found]
    return {"ModelCardVersionSummaryList": rows, **({"NextToken": token} if token else {})}


@hook(KIND, "deleted")
def _gone(context: Context, record: Record) -> None:
    """Its versions and its export jobs go with a card (the steps of ModelCardProcessingStatus)."""
    for kind in (VERSION, "ModelCardExportJob"):
        for row in context.store.select(context.scope, kind, [Where("parent", "=", record["ModelCardName"])]):
            context.store.delete(context.scope, kind, row.key)


def _announce(context: Context, card: Record) -> None:
    """Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html."""
    detail = {
        "ModelCardVersion": card["ModelCardVersion"],
        "LastModifiedTime": _moment(card["LastModifiedTime"]),
        "LastModifiedBy": card["LastModifiedBy"],
        "CreationTime": _moment(card["CreationTime"]),
        "CreatedBy": card["CreatedBy"],
        "ModelCardName": card["ModelCardName"],
        "ModelCardStatus": card["ModelCardStatus"],
        "AccountId": context.scope.account,
        "SecurityConfig": card.get("SecurityConfig", {}),
    }
    model = schema.model_id(card["Content"])
    if model is not None:
        detail["ModelId"] = model
    events.emit(context, EVENT, [card["ModelCardArn"]], detail)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
