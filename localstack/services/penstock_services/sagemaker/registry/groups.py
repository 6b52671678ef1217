"""Groups of model packages: when they may be deleted, and the resource policies that open them to other accounts."""

from __future__ import annotations

import json
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check, operation
from penstock_services.sagemaker import engine
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.registry.access import POLICY, reached
from penstock_services.sagemaker.registry.package import KIND

Record = dict[str, Any]
_EFFECTS = ("Allow", "Deny")


@operation("DescribeModelPackageGroup", "record")
def _describe(context: Context, request: Record) -> Record:
    there = reached(context, "DescribeModelPackageGroup", request["ModelPackageGroupName"])
    return engine.serve(there, "DescribeModelPackageGroup", request)


@check("DeleteModelPackageGroup")
def _empty(context: Context, request: Record) -> None:
    """Model versions are deleted before their group
    (https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-delete-model-group.html)."""
    key, record = find(context, "ModelPackageGroup", request["ModelPackageGroupName"])
    if context.store.scan(context.scope, KIND, f"{key}/"):
        message = (
            f"Model Package Group {record['ModelPackageGroupArn']} cannot be deleted: it still has model packages."
        )
        raise ServiceError("ConflictException", message)


@hook("ModelPackageGroup", "deleted")
def _gone(context: Context, record: Record) -> None:
    context.store.delete(context.scope, POLICY, record["ModelPackageGroupName"])


def _group(context: Context, name: str) -> tuple[str, Record]:
    try:
        return find(context, "ModelPackageGroup", name)
    except ServiceError:
        arn = name if name.startswith("arn:") else kinds().by_name["ModelPackageGroup"].arn(context.scope, name)
        raise ServiceError("ValidationException", f"Cannot find Model Package Group: {arn}.") from None


@operation("PutModelPackageGroupPolicy", "record")
def _put(context: Context, request: Record) -> Record:
    key, record = _group(context, request["ModelPackageGroupName"])
    _validate(request["ResourcePolicy"])
    context.store.put(context.scope, POLICY, key, {"ResourcePolicy": request["ResourcePolicy"]})
    return {"ModelPackageGroupArn": record["ModelPackageGroupArn"]}


def _validate(policy: str) -> None:
    """A policy is a JSON document with statements that allow or deny actions to principals (the IAM policy grammar)."""
    try:
        document = json.loads(policy)
    except ValueError:
        raise ServiceError("ValidationException", "The resource policy is not valid JSON.") from None
    statements = document.get("Statement") if isinstance(document, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list):
        raise ServiceError("ValidationException", "The resource policy must have a Statement.")
    for statement in statements:
        if not isinstance(statement, dict) or statement.get("Effect") not in _EFFECTS:
            message = "Each statement of a resource policy must have an Effect: Allow or Deny."
            raise ServiceError("ValidationException", message)
        for member in ("Action", "Principal"):
            if member not in statement and f"Not{member}" not in statement:
                raise ServiceError("ValidationException", f"Each statement of a resource policy must have a {member}.")


@operation("GetModelPackageGroupPolicy", "record")
def _get(context: Context, request: Record) -> Record:
    key, record = _group(context, request["ModelPackageGroupName"])
    policy = context.store.get(context.scope, POLICY, key)
    if policy is None:
        message = f"Cannot find resource policy for: {record['ModelPackageGroupArn']}"
        raise ServiceError("ValidationException", message)
    return policy


@operation("DeleteModelPackageGroupPolicy", "record")
def _delete(context: Context, request: Record) -> Record:
    key, record = _group(context, request["ModelPackageGroupName"])
    if not context.store.delete(context.scope, POLICY, key):
        message = f"Cannot find resource policy for: {record['ModelPackageGroupArn']}"
        raise ServiceError("ValidationException", message)
    return {}
