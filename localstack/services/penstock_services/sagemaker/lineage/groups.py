"""The lineage group of an account: every entity is in the default one, which AWS makes.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/xaccount-lineage-tracking.html. A policy comes to a lineage group
by AWS Resource Access Manager, which is not here: there is never one.
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker import listing
from penstock_services.sagemaker.engine import now
from penstock_services.sagemaker.model import load

Record = dict[str, Any]
DEFAULT = "sagemaker-default-lineage-group"
_KIND = "LineageGroup"


def default_arn(context: Context) -> str:
    """The ARN of the account's default lineage group."""
    partition = "aws-cn" if context.scope.region.startswith("cn-") else "aws"
    scope = context.scope
    return f"arn:{partition}:sagemaker:{scope.region}:{scope.account}:lineage-group/{DEFAULT}"


def _group(context: Context, name_or_arn: str) -> Record:
    """The record of a lineage group; that of the default one is made when it is first asked for."""
    arn = default_arn(context)
    if name_or_arn not in (DEFAULT, arn):
        raise ServiceError("ResourceNotFound", f"Lineage group '{name_or_arn}' does not exist.")
    made = {"LineageGroupName": DEFAULT, "LineageGroupArn": arn, "CreationTime": now(), "LastModifiedTime": now()}
    context.store.insert(context.scope, _KIND, DEFAULT, made)
    return context.store.get(context.scope, _KIND, DEFAULT) or made


@operation("DescribeLineageGroup", "record")
def _describe(context: Context, request: Record) -> Record:
    return _group(context, request["LineageGroupName"])


@operation("ListLineageGroups", "record")
def _list(context: Context, request: Record) -> Record:
    found, token = listing.page(
        load("sagemaker"), "ListLineageGroups", request, [_group(context, DEFAULT)], "LineageGroupName", None
    )
    return {"LineageGroupSummaries": found, **({"NextToken": token} if token else {})}


@operation("GetLineageGroupPolicy", "record")
def _policy(context: Context, request: Record) -> Record:
    group = _group(context, request["LineageGroupName"])
    raise ServiceError("ResourceNotFound", f"Lineage group {group['LineageGroupArn']} has no resource policy.")
