"""Dashboards."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import absent
from penstock_deploy.provider.shaped_type import ShapedType
from penstock_deploy.values import Properties


@resource
class Dashboard(ShapedType):
    pulumi_type = "aws:cloudwatch/dashboard:Dashboard"
    inputs = "dashboardName dashboardBody"
    outputs = "dashboardArn"
    required = "dashboardName dashboardBody"
    immutable = "dashboardName"
    documents = "dashboardBody"
    key = "dashboardName"
    service = "cloudwatch"
    create_operation = update_operation = "PutDashboard"
    read_operation, delete_operation = "GetDashboard", "DeleteDashboards"
    arn_member = "DashboardArn"
    missing: ClassVar[tuple[str, ...]] = ("ResourceNotFound", "DashboardNotFoundError")

    def create(self, aws: Aws, inputs: Properties) -> str:
        self._put(aws, inputs)
        return str(inputs["dashboardName"])

    def apply_update(self, aws: Aws, id_: str, inputs: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self._put(aws, inputs)

    def _put(self, aws: Aws, inputs: Properties) -> None:
        answer = aws.call("cloudwatch", "PutDashboard", self.request(aws, "PutDashboard", inputs))
        faults = [str(fault.get("Message")) for fault in answer.get("DashboardValidationMessages") or []]
        if faults:
            raise ProviderError(f"PutDashboard: {inputs['dashboardName']}: {'; '.join(faults)}")

    def describe(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        found = absent(lambda: aws.client("cloudwatch").get_dashboard(DashboardName=id_), *self.missing)
        return None if found is None else dict(found)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        found = super().read(aws, id_, known)
        return None if found is None else {**found, "dashboardArn": found["arn"]}

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        try:
            json.loads(inputs["dashboardBody"])
        except ValueError as error:
            return [("dashboardBody", f"is not JSON: {error}")]
        return []

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("cloudwatch").delete_dashboards(DashboardNames=[id_]), *self.missing)
