"""What DescribeEndpoint says of what runs, and of a deployment under way."""

from __future__ import annotations

from typing import Any

from penstock_services.execution.images import UnknownImageError
from penstock_services.execution.images import find as find_image
from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.components.placement import Host
from penstock_services.sagemaker.endpoints.plan import VariantPlan
from penstock_services.sagemaker.endpoints.serving.fleet import Fleet
from penstock_services.sagemaker.endpoints.serving.serverless import ServerlessVariant
from penstock_services.sagemaker.endpoints.serving.variant import Variant
from penstock_services.sagemaker.engine import now

Record = dict[str, Any]


def described(context: Context, fleet: Fleet) -> Record:
    """Members of DescribeEndpoint that say what runs."""
    hosts = [_host(each) for each in fleet.hosts.values()]
    members: Record = {"ProductionVariants": [*(_summary(context, each) for each in fleet.variants.values()), *hosts]}
    if fleet.shadows:
        members["ShadowProductionVariants"] = [_summary(context, each) for each in fleet.shadows.values()]
    if fleet.plan.asynchronous is not None:
        members["AsyncInferenceConfig"] = fleet.plan.asynchronous
    capture = fleet.plan.capture
    if capture is not None:
        enabled = bool(capture.get("EnableCapture"))
        members["DataCaptureConfig"] = {
            "EnableCapture": enabled,
            "CaptureStatus": "Started" if enabled else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    return members


OPTIONAL = ("ShadowProductionVariants", "AsyncInferenceConfig", "DataCaptureConfig")
"""Members of ``described`` that a record may have from before and must lose where they are not there any more."""


def _summary(context: Context, variant: Variant) -> Record:
    summary: Record = {
        "VariantName": variant.plan.name,
        "DeployedImages": [deployed_image(context, variant.plan.image)],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
    }
    if isinstance(variant, ServerlessVariant):
        config: Record = {"MemorySizeInMB": variant.memory, "MaxConcurrency": variant.concurrency}
        if variant.provisioned:
            config["ProvisionedConcurrency"] = variant.provisioned
        return {**summary, "CurrentServerlessConfig": config, "DesiredServerlessConfig": config}
    count = len(variant.instances)
    return {**summary, "CurrentInstanceCount": count, "DesiredInstanceCount": count}


def _host(host: Host) -> Record:
    """A variant whose instances host inference components."""
    plan, count = host.plan, len(host.plan.instances)
    summary: Record = {
        "VariantName": plan.name,
        "CurrentWeight": plan.weight,
        "DesiredWeight": plan.weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
        "RoutingConfig": {"RoutingStrategy": plan.routing},
    }
    return {**summary, "ManagedInstanceScaling": plan.scaling} if plan.scaling else summary


def deployed_image(context: Context, name: str) -> Record:
    """A DeployedImage: the image that is named, and which one that is now."""
    deployed = {"SpecifiedImage": name, "ResolutionTime": now()}
    try:
        image = find_image(context.settings.state_dir, name)
    except UnknownImageError:
        return deployed
    return {**deployed, "ResolvedImage": f"{image.repository}@{image.digest}"}


def pending(context: Context, fleet: Fleet, started: float, status: str, message: str) -> Record:
    """The PendingDeploymentSummary of a fleet that is coming up: ``status`` is AWS's VariantStatus."""
    stage = [{"Status": status, "StatusMessage": message, "StartTime": now()}]
    summary: Record = {"EndpointConfigName": fleet.plan.config, "StartTime": started}
    groups = (("ProductionVariants", fleet.variants), ("ShadowProductionVariants", fleet.shadows))
    for member, variants in groups:
        if variants:
            summary[member] = [
                {**_summary(context, variant), **_desired(variant.plan), "VariantStatus": stage}
                for variant in variants.values()
            ]
    return summary


def _desired(plan: VariantPlan) -> Record:
    return {} if plan.serverless else {"DesiredInstanceCount": plan.instances}
