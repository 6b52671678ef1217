"""Model packages: create, describe, update, delete, list."""

from __future__ import annotations

import time
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker import hooks, lifecycle, listing, tags
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.index import index
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.model_cards import schema
from penstock_services.sagemaker.registry import validation
from penstock_services.sagemaker.registry.access import reached
from penstock_services.sagemaker.registry.package import KIND, announce, arn_of, described, package
from penstock_services.store import Columns, Where

Record = dict[str, Any]
_PENDING = "PendingManualApproval"
_NOT_KEPT = ("Tags", "ClientToken", "ModelPackageGroupName", "ModelPackageName")
_SPECIFICATIONS, _PROPERTIES = 15, 50
_REPLACED = (
    "ModelApprovalStatus", "ApprovalDescription", "ModelPackageRegistrationType", "InferenceSpecification", "SourceUri",
    "ModelLifeCycle",
)  # fmt: skip


def _columns(record: Record) -> Columns:
    """Versions are listed by their group, which is empty for a package without one."""
    return Columns(
        record["ModelPackageName"],
        record["ModelPackageStatus"],
        record["CreationTime"],
        record.get("LastModifiedTime") or record["CreationTime"],
        record.get("ModelPackageGroupName", ""),
    )


index(KIND, _columns)


@operation("CreateModelPackage")
def _create(context: Context, request: Record) -> Record:
    _refuse(request)
    context = reached(context, "CreateModelPackage", request.get("ModelPackageGroupName", ""))
    record = {member: value for member, value in request.items() if member not in _NOT_KEPT}
    record["CreationTime"] = now()
    record["_order"] = time.time_ns()
    record["CreatedBy"] = {}
    record["ModelPackageStatus"] = "Completed"
    record["ModelPackageStatusDetails"] = {"ValidationStatuses": [], "ImageScanStatuses": []}
    record.setdefault("CertifyForMarketplace", False)
    if "ModelPackageGroupName" in request:
        group, _ = find(context, "ModelPackageGroup", request["ModelPackageGroupName"])
        version = _next_version(context, group)
        key = f"{group}/{version}"
        record.update(ModelPackageGroupName=group, ModelPackageVersion=version)
        record.setdefault("ModelApprovalStatus", _PENDING)
    else:
        key = request["ModelPackageName"]
        record["ModelPackageStatus"] = "Pending"
        if not validation.wanted(request):
            record["_next"] = lifecycle.step(context, Set={"ModelPackageStatus": "Completed"})
    if validation.wanted(request):
        validation.prepare(record)
    record["ModelPackageName"] = key
    record["ModelPackageArn"] = arn_of(context, key)
    if not context.store.insert(context.scope, KIND, key, record):
        raise ServiceError("ConflictException", f"Model package already exists: {record['ModelPackageArn']}", 400)
    tags.put(context, record["ModelPackageArn"], request.get("Tags"))
    hooks.run(KIND, "created", context, record)
    announce(context, record)
    lifecycle.plan(context, kinds().by_name[KIND], key, record)
    if validation.wanted(request):
        validation.begin(context, key, record)
    return {"ModelPackageArn": record["ModelPackageArn"]}


@hooks.hook(KIND, "settled")
def _completed(context: Context, record: Record) -> None:
    announce(context, record)


def _refuse(request: Record) -> None:
    """What does not go together, what is not of the model card's schema, and what only AWS can do."""
    if "ModelPackageGroupName" in request:
        if "ModelPackageName" in request:
            raise _invalid("Both ModelPackageName and ModelPackageGroupName can not be specified in the request.")
        if request.get("Tags"):
            raise _invalid("Tags can not be given for a model package in a group: it uses the tags of the group.")
    elif "ModelPackageName" not in request:
        raise _invalid("Either ModelPackageName or ModelPackageGroupName must be given.")
    elif "ModelApprovalStatus" in request:
        raise _invalid("ModelApprovalStatus can only be given for a model package in a group.")
    if request.get("CertifyForMarketplace"):
        raise _invalid("Penstock's local SageMaker does not certify model packages for AWS Marketplace.")
    _distinct(request.get("AdditionalInferenceSpecifications", []))
    _card(request.get("ModelCard", {}))


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _distinct(specifications: list[Record]) -> None:
    names = [each["Name"] for each in specifications]
    if len(set(names)) < len(names):
        raise _invalid("AdditionalInferenceSpecifications must have unique names.")
    if len(names) > _SPECIFICATIONS:
        raise _invalid(f"A model package can have at most {_SPECIFICATIONS} additional inference specifications.")


def _card(card: Record) -> None:
    if "ModelCardContent" in card:
        schema.check(card["ModelCardContent"], schema.PACKAGE_CARD)


def _next_version(context: Context, group: str) -> int:
    """One more than the highest number that the group ever gave."""

    def count(record: Record) -> None:
        record["_versions"] = int(record.get("_versions", 0)) + 1

    updated = context.store.update(context.scope, "ModelPackageGroup", group, count)
    if updated is None:
        find(context, "ModelPackageGroup", group)
        return 0
    return int(updated["_versions"])


@operation("DescribeModelPackage")
def _describe(context: Context, request: Record) -> Record:
    context = reached(context, "DescribeModelPackage", request["ModelPackageName"])
    _, record = package(context, request["ModelPackageName"])
    answer = described(record)
    if request.get("IncludedData") == "MetadataOnly" and "ModelCardContent" in answer.get("ModelCard", {}):
        answer["ModelCard"]["ModelCardContent"] = schema.metadata_only(answer["ModelCard"]["ModelCardContent"])
    return answer


@operation("UpdateModelPackage")
def _update(context: Context, request: Record) -> Record:
    context = reached(context, "UpdateModelPackage", request["ModelPackageArn"])
    key, _ = package(context, request["ModelPackageArn"])
    _card(request.get("ModelCard", {}))

    def change(record: Record) -> None:
        _apply(record, request)
        record["LastModifiedTime"] = now()
        record["LastModifiedBy"] = {}

    updated = context.store.update(context.scope, KIND, key, change)
    if updated is None:
        package(context, request["ModelPackageArn"])
        return {}
    hooks.run(KIND, "updated", context, updated)
    announce(context, updated, request)
    return {"ModelPackageArn": updated["ModelPackageArn"]}


def _apply(record: Record, request: Record) -> None:
    """Make the changes of an UpdateModelPackage."""
    if "ModelApprovalStatus" in request and "ModelPackageGroupName" not in record:
        raise _invalid("ModelApprovalStatus can only be set for a model package in a group.")
    properties = {**record.get("CustomerMetadataProperties", {}), **request.get("CustomerMetadataProperties", {})}
    for name in request.get("CustomerMetadataPropertiesToRemove", []):
        properties.pop(name, None)
    if len(properties) > _PROPERTIES:
        raise _invalid(f"A model package can have at most {_PROPERTIES} customer metadata properties.")
    if properties or "CustomerMetadataProperties" in record:
        record["CustomerMetadataProperties"] = properties
    if "AdditionalInferenceSpecificationsToAdd" in request:
        added = request["AdditionalInferenceSpecificationsToAdd"]
        specifications = [*record.get("AdditionalInferenceSpecifications", []), *added]
        _distinct(specifications)
        record["AdditionalInferenceSpecifications"] = specifications
    if "ModelCard" in request:
        card = record.get("ModelCard", {})
        if card.get("ModelCardStatus") == "Archived" and "ModelCardContent" in request["ModelCard"]:
            raise _invalid("Model Card is in Archived state.")
        record["ModelCard"] = {**card, **request["ModelCard"]}
    for member in _REPLACED:
        if member in request:
            record[member] = request[member]


@operation("DeleteModelPackage")
def _delete(context: Context, request: Record) -> Record:
    context = reached(context, "DeleteModelPackage", request["ModelPackageName"])
    key, record = package(context, request["ModelPackageName"])
    context.store.delete(context.scope, KIND, key)
    tags.remove(context, record["ModelPackageArn"])
    hooks.run(KIND, "deleted", context, record)
    announce(context, {**record, "ModelPackageStatus": "Deleting"})
    return {}


@operation("ListModelPackages")
def _list(context: Context, request: Record) -> Record:
    asked = dict(request)
    wanted = asked.pop("ModelPackageType", "Unversioned")
    where = []
    if "ModelPackageGroupName" in asked:
        named = asked.pop("ModelPackageGroupName")
        context = reached(context, "ListModelPackages", named)
        group, _ = find(context, "ModelPackageGroup", named)
        where.append(Where("parent", "=", group))
    elif wanted != "Both":
        # Names begin with a letter or a digit.
        where.append(Where("parent", "=", "") if wanted == "Unversioned" else Where("parent", ">=", "0"))
    kind = kinds().by_name[KIND]
    found, token = listing.rows(context, kind, "ListModelPackages", asked, where)
    rows = [{member: value for member, value in each.items() if member in _summary_members()} for each in found]
    return {"ModelPackageSummaryList": rows, **({"NextToken": token} if token else {})}


def _summary_members() -> dict[str, Any]:
    model = load("sagemaker")
    shape = model.outputs("ListModelPackages")["ModelPackageSummaryList"]["shape"]
    return model.members(model.shapes[shape]["member"]["shape"])


@operation("BatchDescribeModelPackage", "record")
def _batch(context: Context, request: Record) -> Record:
    model = load("sagemaker")
    shape = model.outputs("BatchDescribeModelPackage")["ModelPackageSummaries"]["shape"]
    summary = model.members(model.shapes[shape]["value"]["shape"])
    found: Record = {}
    failed: Record = {}
    for arn in request["ModelPackageArnList"]:
        try:
            _, record = package(reached(context, "BatchDescribeModelPackage", arn), arn)
        except ServiceError as error:
            failed[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
        else:
            found[arn] = {member: value for member, value in record.items() if member in summary}
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": failed}
