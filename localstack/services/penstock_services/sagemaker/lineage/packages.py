"""The lineage of the registry: what a version is made of, its approvals, and the group that it belongs to.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html, "Tracking Entities for Model
Packages": an artifact for each model package, a context for each group, an action for the creation of a version (and
one for each change of its approval), artifacts for the images and models of its containers and source algorithms.
"""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.lineage.associations import link
from penstock_services.sagemaker.lineage.entities import artifact, named
from penstock_services.sagemaker.lineage.models import container
from penstock_services.sagemaker.lineage.recording import recorded

Record = dict[str, Any]
_EXECUTION = "/execution/"


@recorded("ModelPackage", "created")
def registered(context: Context, package: Record) -> None:
    """Record a new model package."""
    here = artifact_of(context, package)
    for each in map(container, package.get("InferenceSpecification", {}).get("Containers", [])):
        for uri, artifact_type in ((each.image, "Image"), (each.data, "Model")):
            if uri:
                link(context, artifact(context, uri, artifact_type), here, "ContributedTo")
    for algorithm in package.get("SourceAlgorithmSpecification", {}).get("SourceAlgorithms", []):
        for uri, artifact_type in ((algorithm["AlgorithmName"], "Algorithm"), (container(algorithm).data, "Model")):
            if uri:
                link(context, artifact(context, uri, artifact_type), here, "ContributedTo")
    if "ModelPackageGroupName" in package:
        link(context, here, group_context(context, package), "AssociatedWith")
        approved(context, package)


def artifact_of(context: Context, package: Record) -> str:
    """The artifact of a model package: a "Model" whose SourceUri is the package's ARN."""
    return artifact(context, package["ModelPackageArn"], "Model")


def group_context(context: Context, package: Record) -> str:
    """The context of the package's group."""
    _, group = find(context, "ModelPackageGroup", package["ModelPackageGroupName"])
    name = f"{group['ModelPackageGroupName']}-{int(group['CreationTime'])}-aws-model-package-group"
    source = {"SourceUri": group["ModelPackageGroupArn"], "SourceType": "ARN"}
    made_by = package.get("MetadataProperties", {}).get("GeneratedBy", "")
    properties = {"PipelineExecutionArn": made_by} if _EXECUTION in made_by else {}
    return named(context, "Context", name, source, "ModelGroup", {"Properties": properties} if properties else None)


@recorded("ModelPackage", "updated")
def approved(context: Context, package: Record) -> None:
    """Record the package's approval status, once for each change."""
    status = package.get("ModelApprovalStatus")
    if status is None:
        return
    moment = int((package.get("LastModifiedTime") or package["CreationTime"]) * 1000)
    here = artifact_of(context, package)
    previous = package.get("_recorded_status")
    if previous == status:
        return
    name = f"{package['ModelPackageName'].replace('/', '-')}-{status}-{moment}-aws-model-package"
    source = {"SourceUri": package["ModelPackageArn"], "SourceType": "ARN"}
    more = {"Status": "Completed", "Properties": {"ModelApprovalStatus": status}}
    link(context, named(context, "Action", name, source, "Approval", more), here, "ContributedTo")

    def remember(record: Record) -> None:
        record["_recorded_status"] = status

    context.store.update(context.scope, "ModelPackage", package["ModelPackageName"], remember)


def package_arn(context: Context, name_or_arn: str) -> str | None:
    """The ARN of the model package of that ARN, or name; None where it is gone."""
    try:
        return str(context.call("DescribeModelPackage", {"ModelPackageName": name_or_arn})["ModelPackageArn"])
    except ServiceError:
        return None
