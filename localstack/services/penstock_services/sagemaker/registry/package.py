"""One model package: its ARN, its record, how it is described and what is told of its changes."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker import events
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.model import load

Record = dict[str, Any]
KIND = "ModelPackage"
EVENT = "SageMaker Model Package State Change"
# "Possible values" of UpdatedModelPackageFields, as the documented event spells them, by the member of the request.
_FIELDS = {
    "ModelLifeCycle": "ModelLifeCycle",
    "ModelApprovalStatus": "ModelApprovalStatus",
    "ApprovalDescription": "ApprovalDescription",
    "SourceUri": "sourceUri",
    "CustomerMetadataProperties": "CustomerMetadataProperties",
    "CustomerMetadataPropertiesToRemove": "CustomerMetadataProperties",
    "InferenceSpecification": "InferenceSpecification",
}


def arn_of(context: Context, key: str) -> str:
    """ARN of a model package: ``model-package/<group>/<version>``, or ``model-package/<name>`` without a group."""
    return kinds().by_name[KIND].arn(context.scope, key)


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


def described(record: Record) -> Record:
    """As DescribeModelPackage answers it."""
    members = load("sagemaker").outputs("DescribeModelPackage")
    return {member: copy.deepcopy(value) for member, value in record.items() if member in members}


def announce(context: Context, record: Record, changed: Record | None = None) -> None:
    """Send the event of a package that is new, changed by the request ``changed``, or being deleted.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html#eventbridge-model-package
    """
    detail = described(record)
    for member in ("CreationTime", "LastModifiedTime"):
        if member in detail:
            detail[member] = datetime.fromtimestamp(detail[member], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {name: None for member, name in _FIELDS.items() if member in (changed or {})}
    if fields:
        detail["UpdatedModelPackageFields"] = list(fields)
    events.emit(context, EVENT, [record["ModelPackageArn"]], detail)
