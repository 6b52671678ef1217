"""Associations: the edges of the lineage graph.

Source: the API reference of AddAssociation, DeleteAssociation, ListAssociations, DeleteArtifact. AWS "places no
restrictions" on which types of entities are associated in which way; there is one association from one entity to
another.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker import listing
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.index import index
from penstock_services.sagemaker.lineage import groups
from penstock_services.sagemaker.lineage.entities import Entity, entity, known
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.overlay.experiments import artifact_id
from penstock_services.store import Columns, Where

Record = dict[str, Any]
KIND = "Association"


def _columns(record: Record) -> Columns:
    """An association is found by either end."""
    return Columns(name=record["SourceArn"], parent=record["DestinationArn"], created=record["CreationTime"])


index(KIND, _columns)


def link(context: Context, source: str, destination: str, association_type: str | None) -> bool:
    """Add an edge unless it is there; say whether it was added."""
    record: Record = {"SourceArn": source, "DestinationArn": destination, "CreationTime": now(), "CreatedBy": {}}
    record["_order"] = time.time_ns()
    if association_type is not None:
        record["AssociationType"] = association_type
    return context.store.insert(context.scope, KIND, _key(source, destination), record)


def _key(source: str, destination: str) -> str:
    return f"{source}|{destination}"


def outgoing(context: Context, arn: str) -> list[Record]:
    """The edges from an entity, oldest first."""
    found = context.store.select(context.scope, KIND, [Where("name", "=", arn)], descending=False)
    return [row.record for row in found]


def incoming(context: Context, arn: str) -> list[Record]:
    """The edges to an entity, oldest first."""
    found = context.store.select(context.scope, KIND, [Where("parent", "=", arn)], descending=False)
    return [row.record for row in found]


@operation("AddAssociation", "record")
def _add(context: Context, request: Record) -> Record:
    source, destination = request["SourceArn"], request["DestinationArn"]
    entity(context, source)
    entity(context, destination)
    if source == destination:
        raise ServiceError("ValidationException", f"{source} can't be associated with itself.")
    if not link(context, source, destination, request.get("AssociationType")):
        raise ServiceError("ValidationException", f"An association from {source} to {destination} already exists.")
    return {"SourceArn": source, "DestinationArn": destination}


@operation("DeleteAssociation", "record")
def _delete(context: Context, request: Record) -> Record:
    source, destination = request["SourceArn"], request["DestinationArn"]
    if not context.store.delete(context.scope, KIND, _key(source, destination)):
        raise ServiceError("ResourceNotFound", f"There is no association from {source} to {destination}.")
    return {"SourceArn": source, "DestinationArn": destination}


@operation("ListAssociations", "record")
def _list(context: Context, request: Record) -> Record:
    asked = dict(request)
    wanted = {end: asked.pop(f"{end}Type", None) for end in ("Source", "Destination")}
    columns = {"SourceArn": "name", "DestinationArn": "parent"}
    where = [Where(column, "=", asked.pop(member)) for member, column in columns.items() if member in asked]
    entities: dict[str, Entity | None] = {}
    rows = []
    for row in context.store.select(context.scope, KIND, where):
        record = _described(context, row.record, entities)
        if all(wish is None or _is(entities[record[f"{end}Arn"]], wish) for end, wish in wanted.items()):
            rows.append(record)
    found, token = listing.page(load("sagemaker"), "ListAssociations", asked, rows, "SourceArn", None)
    shown = [{member: value for member, value in each.items() if member != "_order"} for each in found]
    return {"AssociationSummaries": shown, **({"NextToken": token} if token else {})}


def _described(context: Context, record: Record, entities: dict[str, Entity | None]) -> Record:
    """An association with the names and types of both ends; ``entities`` keeps those that were looked up."""
    described = dict(record)
    for end in ("Source", "Destination"):
        arn = record[f"{end}Arn"]
        if arn not in entities:
            entities[arn] = known(context, arn)
        found = entities[arn]
        if found is not None:
            described[f"{end}Type"] = found.listed_type
            if found.name:
                described[f"{end}Name"] = found.name
    return described


def _is(found: Entity | None, wanted: str) -> bool:
    """Whether an entity is of a type: its own, that of its source, or what it is in the graph ("Action")."""
    if found is None:
        return False
    return wanted in (found.listed_type, found.kind, found.record.get("Source", {}).get("SourceType"))


@check("DeleteArtifact")
def _by_source(context: Context, request: Record) -> None:
    """ "Either ArtifactArn or Source must be specified.\""""
    if "ArtifactArn" in request:
        return
    if "Source" not in request:
        raise ServiceError("ValidationException", "Either ArtifactArn or Source must be specified.")
    _, record = find(context, "Artifact", artifact_id(request["Source"]["SourceUri"]))
    request["ArtifactArn"] = record["ArtifactArn"]


@check("DeleteArtifact", "DeleteContext", "DeleteAction")
def _alone(context: Context, request: Record) -> None:
    """Associations are deleted before the entities that they connect."""
    kind, named = next(
        (kind, request[member])
        for kind, member in (("Artifact", "ArtifactArn"), ("Context", "ContextName"), ("Action", "ActionName"))
        if member in request
    )
    _, record = find(context, kind, named)
    arn = record[f"{kind}Arn"]
    for column in ("name", "parent"):
        if context.store.count(context.scope, KIND, [Where(column, "=", arn)], most=1):
            raise ServiceError("ValidationException", f"{arn} can't be deleted: it still has associations.")


def remove_of(context: Context, arn: str) -> None:
    """Remove every edge from and to an entity."""
    edges: Iterable[Record] = [*outgoing(context, arn), *incoming(context, arn)]
    for edge in edges:
        context.store.delete(context.scope, KIND, _key(edge["SourceArn"], edge["DestinationArn"]))


@hook("TrialComponent", "deleted")
def _component_gone(context: Context, record: Record) -> None:
    remove_of(context, record["TrialComponentArn"])


@hook("Experiment", "deleted")
def _experiment_gone(context: Context, record: Record) -> None:
    remove_of(context, record["ExperimentArn"])


@hook("Artifact", "prepare")
@hook("Context", "prepare")
@hook("Action", "prepare")
@hook("TrialComponent", "prepare")
def _grouped(context: Context, record: Record) -> None:
    record["LineageGroupArn"] = groups.default_arn(context)
