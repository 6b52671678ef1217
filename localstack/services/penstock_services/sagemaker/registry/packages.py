"""The model registry: model packages with versions, approval and events; policies of their groups."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker import events, listing, tags
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model import load

Record = dict[str, Any]
KIND = "ModelPackage"
_POLICY = "ModelPackageGroupPolicy"
_PENDING = "PendingManualApproval"
_NOT_KEPT = ("Tags", "ClientToken", "ModelPackageGroupName", "ModelPackageName")


def arn_of(context: Context, key: str) -> str:
    """ARN of a model package: ``model-package/<group>/<version>``, or ``model-package/<name>`` without a group."""
    return f"arn:aws:sagemaker:{context.scope.region}:{context.scope.account}:model-package/{key}"


def package(context: Context, name_or_arn: str) -> tuple[str, Record]:
    """Key and record of a model package by ARN, or by name where it has no group."""
    key: str | None = name_or_arn
    if name_or_arn.startswith("arn:"):
        prefix = arn_of(context, "")
        key = name_or_arn.removeprefix(prefix) if name_or_arn.startswith(prefix) else None
    record = None if key is None else context.store.get(context.scope, KIND, key)
    if key is None or record is None:
        arn = name_or_arn if name_or_arn.startswith("arn:") else arn_of(context, name_or_arn)
        raise ServiceError("ValidationException", f"ModelPackage {arn} does not exist.")
    return key, record


@operation("CreateModelPackage")
def _create(context: Context, request: Record) -> Record:
    record = {member: value for member, value in request.items() if member not in _NOT_KEPT}
    record["CreationTime"] = now()
    record["_order"] = time.time_ns()
    record["ModelPackageStatus"] = "Completed"
    record["ModelPackageStatusDetails"] = {"ValidationStatuses": []}
    if "ModelPackageGroupName" in request:
        if "ModelPackageName" in request:
            message = "Both ModelPackageName and ModelPackageGroupName can not be specified in the request."
            raise ServiceError("ValidationException", message)
        group, _ = find(context, "ModelPackageGroup", request["ModelPackageGroupName"])
        version = _next_version(context, group)
        key = f"{group}/{version}"
        record.update(ModelPackageGroupName=group, ModelPackageVersion=version)
        record.setdefault("ModelApprovalStatus", _PENDING)
    elif "ModelPackageName" in request:
        key = request["ModelPackageName"]
        if "ModelApprovalStatus" in request:
            message = "ModelApprovalStatus can only be given for a model package in a group."
            raise ServiceError("ValidationException", message)
    else:
        message = "Either ModelPackageName or ModelPackageGroupName must be given."
        raise ServiceError("ValidationException", message)
    record["ModelPackageName"] = key
    record["ModelPackageArn"] = arn_of(context, key)
    if not context.store.insert(context.scope, KIND, key, record):
        raise ServiceError("ConflictException", f"Model package already exists: {record['ModelPackageArn']}", 400)
    tags.put(context, record["ModelPackageArn"], request.get("Tags"))
    _emit(context, record)
    return {"ModelPackageArn": record["ModelPackageArn"]}


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
    _, record = package(context, request["ModelPackageName"])
    return _described(record)


def _described(record: Record) -> Record:
    members = load("sagemaker").outputs("DescribeModelPackage")
    return {member: value for member, value in record.items() if member in members}


@operation("UpdateModelPackage")
def _update(context: Context, request: Record) -> Record:
    key, _ = package(context, request["ModelPackageArn"])
    members = load("sagemaker").outputs("DescribeModelPackage")

    def change(record: Record) -> None:
        if "ModelApprovalStatus" in request and "ModelPackageGroupName" not in record:
            message = "ModelApprovalStatus can only be set for a model package in a group."
            raise ServiceError("ValidationException", message)
        properties = {**record.get("CustomerMetadataProperties", {}), **request.get("CustomerMetadataProperties", {})}
        for name in request.get("CustomerMetadataPropertiesToRemove", []):
            properties.pop(name, None)
        if properties or "CustomerMetadataProperties" in record:
            record["CustomerMetadataProperties"] = properties
        if "AdditionalInferenceSpecificationsToAdd" in request:
            record.setdefault("AdditionalInferenceSpecifications", []).extend(
                request["AdditionalInferenceSpecificationsToAdd"]
            )
        for member, value in request.items():
            if member in members and member not in ("ModelPackageArn", "CustomerMetadataProperties"):
                record[member] = value
        record["LastModifiedTime"] = now()

    updated = context.store.update(context.scope, KIND, key, change)
    if updated is None:
        package(context, request["ModelPackageArn"])
        return {}
    _emit(context, updated)
    return {"ModelPackageArn": updated["ModelPackageArn"]}


@operation("DeleteModelPackage")
def _delete(context: Context, request: Record) -> Record:
    key, record = package(context, request["ModelPackageName"])
    context.store.delete(context.scope, KIND, key)
    tags.remove(context, record["ModelPackageArn"])
    return {}


@operation("ListModelPackages")
def _list(context: Context, request: Record) -> Record:
    asked = dict(request)
    prefix = ""
    wanted = asked.pop("ModelPackageType", None)
    if "ModelPackageGroupName" in asked:
        group, _ = find(context, "ModelPackageGroup", asked.pop("ModelPackageGroupName"))
        prefix, wanted = f"{group}/", "Versioned"
    wanted = wanted or "Unversioned"
    records = [
        record
        for _, record in context.store.scan(context.scope, KIND, prefix)
        if wanted == "Both" or ("ModelPackageVersion" in record) == (wanted == "Versioned")
    ]
    model = load("sagemaker")
    chosen, token = listing.page(model, "ListModelPackages", asked, records, "ModelPackageName", "ModelPackageStatus")
    shape = model.outputs("ListModelPackages")["ModelPackageSummaryList"]["shape"]
    summary = model.members(model.shapes[shape]["member"]["shape"])
    rows = [{member: value for member, value in record.items() if member in summary} for record in chosen]
    return {"ModelPackageSummaryList": rows, **({"NextToken": token} if token else {})}


@operation("BatchDescribeModelPackage")
def _batch(context: Context, request: Record) -> Record:
    model = load("sagemaker")
    shape = model.outputs("BatchDescribeModelPackage")["ModelPackageSummaries"]["shape"]
    summary = model.members(model.shapes[shape]["value"]["shape"])
    found: Record = {}
    failed: Record = {}
    for arn in request["ModelPackageArnList"]:
        try:
            _, record = package(context, arn)
        except ServiceError as error:
            failed[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
        else:
            found[arn] = {member: value for member, value in record.items() if member in summary}
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": failed}


@check("DeleteModelPackageGroup")
def _empty(context: Context, request: Record) -> None:
    key, record = find(context, "ModelPackageGroup", request["ModelPackageGroupName"])
    if context.store.scan(context.scope, KIND, f"{key}/"):
        message = (
            f"Model Package Group {record['ModelPackageGroupArn']} cannot be deleted: it still has model packages."
        )
        raise ServiceError("ConflictException", message)


def _group_for_policy(context: Context, name: str) -> tuple[str, Record]:
    try:
        return find(context, "ModelPackageGroup", name)
    except ServiceError:
        arn = name if name.startswith("arn:") else kinds().by_name["ModelPackageGroup"].arn(context.scope, name)
        raise ServiceError("ValidationException", f"Cannot find Model Package Group: {arn}.") from None


@operation("PutModelPackageGroupPolicy")
def _put_policy(context: Context, request: Record) -> Record:
    key, record = _group_for_policy(context, request["ModelPackageGroupName"])
    context.store.put(context.scope, _POLICY, key, {"ResourcePolicy": request["ResourcePolicy"]})
    return {"ModelPackageGroupArn": record["ModelPackageGroupArn"]}


@operation("GetModelPackageGroupPolicy")
def _get_policy(context: Context, request: Record) -> Record:
    key, record = _group_for_policy(context, request["ModelPackageGroupName"])
    policy = context.store.get(context.scope, _POLICY, key)
    if policy is None:
        message = f"Cannot find resource policy for: {record['ModelPackageGroupArn']}"
        raise ServiceError("ValidationException", message)
    return policy


@operation("DeleteModelPackageGroupPolicy")
def _delete_policy(context: Context, request: Record) -> Record:
    key, record = _group_for_policy(context, request["ModelPackageGroupName"])
    if not context.store.delete(context.scope, _POLICY, key):
        message = f"Cannot find resource policy for: {record['ModelPackageGroupArn']}"
        raise ServiceError("ValidationException", message)
    return {}


def _emit(context: Context, record: Record) -> None:
    """The event of a created or updated model package, in the form that AWS documents for EventBridge."""
    detail = _described(record)
    for member in ("CreationTime", "LastModifiedTime"):
        if member in detail:
            detail[member] = datetime.fromtimestamp(detail[member], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    events.emit(context, "SageMaker Model Package State Change", [record["ModelPackageArn"]], detail)
