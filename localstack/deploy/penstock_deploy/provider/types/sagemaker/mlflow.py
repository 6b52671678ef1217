"""Managed MLflow: tracking servers, which have a size and an hourly price, and apps, which have neither."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.types.sagemaker.identified import IdentifiedType
from penstock_deploy.values import Properties

_PATIENCE = 2700.0
"""Seconds: AWS takes about 25 minutes to make a server; the first one of a local cloud makes MLflow's environment."""
_BUSY = ("Creating", "Updating", "Starting", "Stopping", "Deleting")


@resource
class MlflowTrackingServer(IdentifiedType):
    pulumi_type = "aws:sagemaker/mlflowTrackingServer:MlflowTrackingServer"
    inputs = (
        "trackingServerName artifactStoreUri roleArn automaticModelRegistration mlflowVersion trackingServerSize "
        "weeklyMaintenanceWindowStart"
    )
    outputs = "arn trackingServerUrl mlflowVersion weeklyMaintenanceWindowStart"
    required = "trackingServerName artifactStoreUri roleArn"
    immutable = "trackingServerName roleArn mlflowVersion"
    defaults: ClassVar[dict[str, Any]] = {"trackingServerSize": "Small", "automaticModelRegistration": False}
    create_operation, read_operation = "CreateMlflowTrackingServer", "DescribeMlflowTrackingServer"
    update_operation, delete_operation = "UpdateMlflowTrackingServer", "DeleteMlflowTrackingServer"
    id_member = arn_member = "TrackingServerArn"
    status_member = "TrackingServerStatus"
    busy = _BUSY
    settled = ("Created", "Updated", "Started", "Stopped")
    patience = _PATIENCE

    def identity(self, id_: str) -> dict[str, Any]:
        return {"TrackingServerName": id_}

    def create(self, aws: Aws, inputs: Properties) -> str:
        request = self.request(aws, self.create_operation, inputs)
        if inputs.get("tags") and self.tagging is not None:
            request["Tags"] = self.tagging.wrap(inputs["tags"])
        aws.call(self.service, self.create_operation, request)
        aws.made = str(inputs["trackingServerName"])
        self.settle(aws, aws.made)
        return aws.made

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["trackingServerName"])


@resource
class MlflowApp(IdentifiedType):
    pulumi_type = "aws:sagemaker/mlflowApp:MlflowApp"
    inputs = (
        "name artifactStoreUri roleArn accountDefaultStatus defaultDomainIdLists modelRegistrationMode "
        "weeklyMaintenanceWindowStart"
    )
    outputs = "arn modelRegistrationMode weeklyMaintenanceWindowStart"
    required = "artifactStoreUri roleArn"
    immutable = "roleArn"
    defaults: ClassVar[dict[str, Any]] = {"modelRegistrationMode": "AutoModelRegistrationDisabled"}
    sets = "defaultDomainIdLists"
    named = "name"
    name_limit = 256
    renames: ClassVar[dict[str, str]] = {"defaultDomainIdLists": "DefaultDomainIdList"}
    create_operation, read_operation = "CreateMlflowApp", "DescribeMlflowApp"
    update_operation, delete_operation = "UpdateMlflowApp", "DeleteMlflowApp"
    id_member = arn_member = "Arn"
    busy = _BUSY
    settled = ("Created", "Updated")
    ended = ("Deleted",)
    patience = _PATIENCE

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        """AWS chooses the ARN: the app of this name."""
        token: dict[str, Any] = {}
        while True:
            page = aws.call(self.service, "ListMlflowApps", token)
            for item in page.get("Summaries") or []:
                if item["Name"] == inputs["name"] and item["Status"] not in (*self.ended, "Deleting"):
                    return str(item["Arn"])
            if not page.get("NextToken"):
                return None
            token = {"NextToken": page["NextToken"]}
