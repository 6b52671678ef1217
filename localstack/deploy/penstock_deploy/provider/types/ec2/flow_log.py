"""Flow logs: who talked to whom in a VPC."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.types.ec2.base import Ec2Type, filters
from penstock_deploy.values import Properties


@resource
class FlowLog(Ec2Type):
    """The log of one VPC. AWS changes nothing of it but tags: every other change replaces it."""

    pulumi_type = "aws:ec2/flowLog:FlowLog"
    inputs = "vpcId trafficType logDestination logDestinationType iamRoleArn logFormat maxAggregationInterval"
    outputs = "arn logFormat"
    required = "vpcId trafficType logDestination"
    immutable = inputs
    defaults: ClassVar[dict[str, Any]] = {"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600}
    kind = "vpc-flow-log"
    describe_operation = "DescribeFlowLogs"
    ids, listed, missing = "FlowLogIds", "FlowLogs", "InvalidFlowLogId.NotFound"

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {
            "ResourceIds": [inputs["vpcId"]],
            "ResourceType": "VPC",
            "TrafficType": inputs["trafficType"],
            "LogDestinationType": inputs["logDestinationType"],
            "LogDestination": inputs["logDestination"],
            "MaxAggregationInterval": int(inputs["maxAggregationInterval"]),
            **self.tag_specifications(inputs),
        }
        if inputs.get("iamRoleArn"):
            request["DeliverLogsPermissionArn"] = inputs["iamRoleArn"]
        if inputs.get("logFormat"):
            request["LogFormat"] = inputs["logFormat"]
        answer = aws.client("ec2").create_flow_logs(**request)
        for failure in answer.get("Unsuccessful") or []:  # a refusal comes as a success that lists it
            error = failure["Error"]
            raise ProviderError(f"CreateFlowLogs: {error.get('Code')}: {error.get('Message')}")
        return str(answer["FlowLogIds"][0])

    def properties(self, aws: Aws, found: dict[str, Any], known: Properties) -> Properties:  # noqa: ARG002
        return {
            "arn": aws.arn("ec2", f"vpc-flow-log/{found['FlowLogId']}"),
            "vpcId": found["ResourceId"],
            "trafficType": found["TrafficType"],
            "logDestination": found.get("LogDestination"),
            "logDestinationType": found["LogDestinationType"],
            "iamRoleArn": found.get("DeliverLogsPermissionArn"),
            "logFormat": found.get("LogFormat"),
            "maxAggregationInterval": int(found["MaxAggregationInterval"]),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if "tags" in changed:
            self.sync_tags(aws, id_, inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        aws.client("ec2").delete_flow_logs(FlowLogIds=[id_])

    def candidates(self, aws: Aws, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return list(aws.client("ec2").describe_flow_logs(Filter=wanted).get("FlowLogs") or [])

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        for found in self.candidates(aws, filters(resource_id=inputs["vpcId"])):
            if found.get("LogDestination") == inputs["logDestination"] and self.same_tags(found, inputs):
                return str(found["FlowLogId"])
        return None
