"""Versions of Studio images: counted per image, found by number or alias, the latest where neither is said.

Source: CreateImageVersion, DescribeImageVersion, UpdateImageVersion and ListAliases in the API reference.
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker import engine
from penstock_services.sagemaker.kinds import kinds
from penstock_services.store import Row, Where

Record = dict[str, Any]
KIND = "ImageVersion"


@operation("CreateImageVersion")
def _create(context: Context, request: Record) -> Record:
    image, parent = engine.find(context, "Image", request["ImageName"])
    aliases = request.get("Aliases", [])
    _free(context, image, aliases)

    def count(record: Record) -> None:
        record["_versions"] = int(record.get("_versions", 0)) + 1

    counted = context.store.update(context.scope, "Image", image, count)
    version = int((counted or parent)["_versions"])
    more = {"Version": version, "ImageArn": parent["ImageArn"], "Aliases": aliases}
    return engine.create(context, kinds().by_name[KIND], "CreateImageVersion", request, **more)


@operation("DescribeImageVersion")
def _describe(context: Context, request: Record) -> Record:
    _, record = _found(context, request)
    return engine.describe(kinds().by_name[KIND], record)


@operation("UpdateImageVersion")
def _update(context: Context, request: Record) -> Record:
    key, record = _found(context, request)
    added = [alias for alias in request.get("AliasesToAdd", []) if alias not in record["Aliases"]]
    removed = request.get("AliasesToDelete", [])
    _free(context, record["ImageName"], added)
    absent = [alias for alias in removed if alias not in record["Aliases"]]
    if absent:
        raise ServiceError("ResourceNotFound", f"Alias {absent[0]} does not exist.")
    changes = {member: value for member, value in request.items() if not member.startswith("AliasesTo")}
    changes["Aliases"] = [alias for alias in record["Aliases"] if alias not in removed] + added
    return engine.update(context, kinds().by_name[KIND], "UpdateImageVersion", key, changes)


@operation("DeleteImageVersion")
def _delete(context: Context, request: Record) -> Record:
    if "Version" not in request and "Alias" not in request:
        raise ServiceError("ValidationException", "Either Version or Alias must be given.")
    key, record = _found(context, request)
    return engine.delete(context, kinds().by_name[KIND], "DeleteImageVersion", key, record)


@check("ListImageVersions")
def _image_there(context: Context, request: Record) -> None:
    request["ImageName"], _ = engine.find(context, "Image", request["ImageName"])


@operation("ListAliases", "record")
def _aliases(context: Context, request: Record) -> Record:
    image, _ = engine.find(context, "Image", request["ImageName"])
    found = [
        alias
        for row in _versions(context, image)
        if request.get("Version", row.record["Version"]) == row.record["Version"]
        for alias in row.record["Aliases"]
        if request.get("Alias", alias) == alias
    ]
    start = int(request["NextToken"]) if request.get("NextToken", "").isdigit() else 0
    end = start + request.get("MaxResults", 100)
    page: Record = {"SageMakerImageVersionAliases": found[start:end]}
    return {**page, "NextToken": str(end)} if end < len(found) else page


def _versions(context: Context, image: str) -> list[Row]:
    return context.store.select(context.scope, KIND, [Where("parent", "=", image)])


def _found(context: Context, request: Record) -> tuple[str, Record]:
    """Key and record of the version that a request names."""
    image, _ = engine.find(context, "Image", request["ImageName"])
    for row in _versions(context, image):
        numbered = request.get("Version", row.record["Version"]) == row.record["Version"]
        named = "Alias" not in request or request["Alias"] in row.record["Aliases"]
        if numbered and named:
            return row.key, row.record
    wanted = request.get("Version", request.get("Alias", "latest"))
    raise engine.problem(context, kinds().by_name[KIND], f"{image}/{wanted}", exists=False)


def _free(context: Context, image: str, aliases: list[str]) -> None:
    for row in _versions(context, image):
        taken = sorted(set(aliases) & set(row.record["Aliases"]))
        if taken:
            message = f"Alias {taken[0]} is that of version {row.record['Version']} of image {image} already."
            raise ServiceError("ResourceInUse", message)
