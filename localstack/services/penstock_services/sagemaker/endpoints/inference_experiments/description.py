"""What DescribeInferenceExperiment says of the endpoint and of the variants."""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.inference_experiments import variants

Record = dict[str, Any]
ENDED = ("Completed", "Cancelled")


def endpoint_metadata(context: Context, record: Record) -> Record:
    """EndpointMetadata: how the endpoint is now; its name alone where it was deleted."""
    endpoint = context.store.get(context.scope, "Endpoint", record["EndpointName"]) or {}
    members = ("EndpointConfigName", "EndpointStatus", "FailureReason")
    return {
        "EndpointName": record["EndpointName"],
        **{member: endpoint[member] for member in members if member in endpoint},
    }


def model_variants(context: Context, record: Record) -> list[Record]:
    """ModelVariants with the ModelVariantStatus of each; when the experiment has ended, as it was left."""
    endpoint = context.store.get(context.scope, "Endpoint", record["EndpointName"]) or {}
    runs = variants.deployed(endpoint)
    kept = runs
    if record["Status"] == "Stopping":
        kept = variants.deployed(variants.configured(context, record["_deploying"]["Config"]) or {})

    def status(name: str) -> str:
        if name not in runs:
            return "Deleted" if record["Status"] in (*ENDED, "Stopping") else "Creating"
        if name not in kept:
            return "Deleting"
        return "Updating" if record["Status"] == "Updating" and "_deploying" in record else "InService"

    return [{"Status": status(each["VariantName"]), **each} for each in record["ModelVariants"]]
