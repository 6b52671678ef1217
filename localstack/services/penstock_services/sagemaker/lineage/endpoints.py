"""The lineage of endpoints: models and images contribute to a deployment, which an endpoint is associated with.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html, "Tracking Entities for
Endpoints". An update of an endpoint is a deployment of its own.
"""

from __future__ import annotations

from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.lineage.associations import link
from penstock_services.sagemaker.lineage.entities import artifact, named
from penstock_services.sagemaker.lineage.models import containers_of
from penstock_services.sagemaker.lineage.packages import package_arn
from penstock_services.sagemaker.lineage.recording import recorded

Record = dict[str, Any]


@recorded("Endpoint", "created")
def created(context: Context, endpoint: Record) -> None:
    """Record a new endpoint."""
    context_of(context, endpoint)


@recorded("Endpoint", "updated")
def deployed(context: Context, endpoint: Record) -> None:
    """Record the deployment of a configuration, once the endpoint is in service with it."""
    if endpoint.get("EndpointStatus") != "InService":
        return
    here = context_of(context, endpoint)
    _, config = find(context, "EndpointConfig", endpoint["EndpointConfigName"])
    name = f"{endpoint['EndpointName']}-{config['EndpointConfigName']}-{int(endpoint['CreationTime'])}-aws-endpoint"
    source = {"SourceUri": endpoint["EndpointArn"], "SourceType": "ARN"}
    more = {"Status": "Completed", "Properties": {"EndpointConfigName": config["EndpointConfigName"]}}
    action = named(context, "Action", name, source, "ModelDeployment", more)
    for variant in [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]:
        for each in containers_of(context, variant.get("ModelName")):
            package = each.package and package_arn(context, each.package)
            for uri, artifact_type in ((each.image, "Image"), (each.data, "Model"), (package, "Model")):
                if uri:
                    link(context, artifact(context, uri, artifact_type), action, "ContributedTo")
    link(context, action, here, "AssociatedWith")


def context_of(context: Context, endpoint: Record) -> str:
    """The context of an endpoint."""
    name = f"{endpoint['EndpointName']}-{int(endpoint['CreationTime'])}-aws-endpoint"
    source = {"SourceUri": endpoint["EndpointArn"], "SourceType": "ARN"}
    return named(context, "Context", name, source, "Endpoint")
