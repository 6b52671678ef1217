"""Endpoints of a VPC: AWS's services without the internet."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.plugins.interface import ProviderError
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import absent
from penstock_deploy.provider.types.ec2.base import Ec2Type, filters
from penstock_deploy.values import Properties

_GONE = ("deleting", "deleted")
_SETS = {"routeTableIds": "RouteTableIds", "subnetIds": "SubnetIds", "securityGroupIds": "SecurityGroupIds"}


@resource
class VpcEndpoint(Ec2Type):
    pulumi_type = "aws:ec2/vpcEndpoint:VpcEndpoint"
    inputs = "vpcId serviceName vpcEndpointType policy routeTableIds subnetIds securityGroupIds privateDnsEnabled"
    outputs = "arn dnsEntries networkInterfaceIds ownerId policy prefixListId requesterManaged state"
    required = "vpcId"
    immutable = "vpcId serviceName vpcEndpointType"
    defaults: ClassVar[dict[str, Any]] = {"vpcEndpointType": "Gateway"}
    policies = "policy"
    sets = "routeTableIds subnetIds securityGroupIds"
    kind = "vpc-endpoint"
    describe_operation = "DescribeVpcEndpoints"
    ids, listed, missing = "VpcEndpointIds", "VpcEndpoints", "InvalidVpcEndpointId.NotFound"

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        if not inputs.get("serviceName"):
            return [("serviceName", "is required by the local provider: it knows endpoints of services only")]
        return []

    def canonical(self, name: str, value: Any) -> Any:
        found = super().canonical(name, value)
        if name == "policy" and isinstance(found, dict):  # the local cloud does not give the policy's version back
            return {key: item for key, item in found.items() if key != "Version"}
        return found

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {
            "VpcId": inputs["vpcId"],
            "ServiceName": inputs["serviceName"],
            "VpcEndpointType": inputs["vpcEndpointType"],
            **self.tag_specifications(inputs),
        }
        request |= {theirs: inputs[ours] for ours, theirs in _SETS.items() if inputs.get(ours)}
        if inputs.get("policy"):
            request["PolicyDocument"] = inputs["policy"]
        if inputs["vpcEndpointType"] == "Interface":
            request["PrivateDnsEnabled"] = bool(inputs.get("privateDnsEnabled"))
        return str(aws.client("ec2").create_vpc_endpoint(**request)["VpcEndpoint"]["VpcEndpointId"])

    def describe(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        found = super().describe(aws, id_)
        return None if found is None or str(found.get("State")).lower() in _GONE else found

    def properties(self, aws: Aws, found: dict[str, Any], known: Properties) -> Properties:  # noqa: ARG002
        result: Properties = {
            "arn": aws.arn("ec2", f"vpc-endpoint/{found['VpcEndpointId']}"),
            "vpcId": found["VpcId"],
            "serviceName": found["ServiceName"],
            "vpcEndpointType": found["VpcEndpointType"],
            "policy": found.get("PolicyDocument"),
            "routeTableIds": found.get("RouteTableIds") or None,
            "subnetIds": found.get("SubnetIds") or None,
            "securityGroupIds": [group["GroupId"] for group in found.get("Groups") or []] or None,
            "networkInterfaceIds": found.get("NetworkInterfaceIds") or [],
            "dnsEntries": [
                {"dnsName": entry.get("DnsName"), "hostedZoneId": entry.get("HostedZoneId")}
                for entry in found.get("DnsEntries") or []
            ],
            "requesterManaged": bool(found.get("RequesterManaged")),
            "state": found.get("State"),
            "ownerId": found.get("OwnerId"),
        }
        if found["VpcEndpointType"] == "Interface":
            result["privateDnsEnabled"] = bool(found.get("PrivateDnsEnabled"))
        else:
            lists = aws.client("ec2").describe_prefix_lists(Filters=filters(prefix_list_name=found["ServiceName"]))
            for prefixes in lists["PrefixLists"]:
                if prefixes["PrefixListName"] == found["ServiceName"]:
                    result["prefixListId"] = prefixes["PrefixListId"]
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        request: dict[str, Any] = {}
        for ours, theirs in _SETS.items():
            before, after = set(old.get(ours) or []), set(inputs.get(ours) or [])
            if ours in changed:
                request |= {f"Add{theirs[:-3]}Ids": sorted(after - before)} if after - before else {}
                request |= {f"Remove{theirs[:-3]}Ids": sorted(before - after)} if before - after else {}
        if "policy" in changed:
            request |= {"PolicyDocument": inputs["policy"]} if inputs.get("policy") else {"ResetPolicy": True}
        if "privateDnsEnabled" in changed:
            request["PrivateDnsEnabled"] = bool(inputs.get("privateDnsEnabled"))
        if request:
            aws.client("ec2").modify_vpc_endpoint(VpcEndpointId=id_, **request)
            self._took(aws, id_, inputs, changed)
        if "tags" in changed:
            self.sync_tags(aws, id_, inputs, old)

    def _took(self, aws: Aws, id_: str, inputs: Properties, changed: set[str]) -> None:
        """The local cloud answers a change of security groups and a reset of the policy with success, and does neither."""
        found = self.describe(aws, id_)
        live = self.properties(aws, found, {}) if found else {}
        wanted = {name: inputs.get(name) for name in changed & {"securityGroupIds", "policy"}}
        for name, value in wanted.items():
            ignored = self.canonical(name, value) != self.canonical(name, live.get(name))
            if ignored and (value or name != "policy"):
                raise ProviderError(
                    f"the local cloud does not change {name} of a VPC endpoint in place",
                    "replace the endpoint (--replace), or bring the stack up anew; AWS does change it",
                )

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[id_]), self.missing)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        for found in self.candidates(aws, filters(vpc_id=inputs["vpcId"], service_name=inputs["serviceName"])):
            if str(found.get("State")).lower() not in _GONE and self.same_tags(found, inputs):
                return str(found["VpcEndpointId"])
        return None
