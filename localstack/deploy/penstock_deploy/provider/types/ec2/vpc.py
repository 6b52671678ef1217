"""Virtual private clouds."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import absent
from penstock_deploy.provider.types.ec2.base import Ec2Type, filters
from penstock_deploy.values import Properties

_ATTRIBUTES = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}


@resource
class Vpc(Ec2Type):
    pulumi_type = "aws:ec2/vpc:Vpc"
    inputs = "cidrBlock enableDnsHostnames enableDnsSupport instanceTenancy"
    outputs = (
        "arn defaultNetworkAclId defaultRouteTableId defaultSecurityGroupId dhcpOptionsId mainRouteTableId ownerId"
    )
    required = "cidrBlock"
    immutable = "cidrBlock"
    defaults: ClassVar[dict[str, Any]] = {"enableDnsSupport": True, "instanceTenancy": "default"}
    kind = "vpc"
    describe_operation = "DescribeVpcs"
    ids, listed, missing = "VpcIds", "Vpcs", "InvalidVpcID.NotFound"

    def create(self, aws: Aws, inputs: Properties) -> str:
        ec2 = aws.client("ec2")
        answer = ec2.create_vpc(
            CidrBlock=inputs["cidrBlock"],
            InstanceTenancy=inputs["instanceTenancy"],
            **self.tag_specifications(inputs),
        )
        id_ = aws.made = str(answer["Vpc"]["VpcId"])
        self._set(aws, id_, inputs, set(_ATTRIBUTES))
        return id_

    @staticmethod
    def _set(aws: Aws, id_: str, inputs: Properties, names: set[str]) -> None:
        """EC2 changes one attribute a call."""
        for name, attribute in _ATTRIBUTES.items():
            if name in names:
                value = {attribute: {"Value": bool(inputs.get(name))}}
                aws.client("ec2").modify_vpc_attribute(VpcId=id_, **value)

    def properties(self, aws: Aws, found: dict[str, Any], known: Properties) -> Properties:  # noqa: ARG002
        ec2 = aws.client("ec2")
        id_ = found["VpcId"]
        result: Properties = {
            "arn": aws.arn("ec2", f"vpc/{id_}"),
            "cidrBlock": found["CidrBlock"],
            "instanceTenancy": found.get("InstanceTenancy", "default"),
            "dhcpOptionsId": found.get("DhcpOptionsId"),
            "ownerId": found.get("OwnerId"),
        }
        for name, attribute in _ATTRIBUTES.items():
            answer = ec2.describe_vpc_attribute(VpcId=id_, Attribute=name)
            result[name] = answer[attribute]["Value"]
        for tables in ec2.describe_route_tables(
            Filters=[*filters(vpc_id=id_), {"Name": "association.main", "Values": ["true"]}]
        )["RouteTables"]:
            result["mainRouteTableId"] = result["defaultRouteTableId"] = tables["RouteTableId"]
        for group in ec2.describe_security_groups(Filters=filters(vpc_id=id_, group_name="default"))["SecurityGroups"]:
            result["defaultSecurityGroupId"] = group["GroupId"]
        for acl in ec2.describe_network_acls(Filters=filters(vpc_id=id_, default="true"))["NetworkAcls"]:
            result["defaultNetworkAclId"] = acl["NetworkAclId"]
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        self._set(aws, id_, inputs, changed)
        if "instanceTenancy" in changed:
            aws.client("ec2").modify_vpc_tenancy(VpcId=id_, InstanceTenancy=inputs["instanceTenancy"])
        if "tags" in changed:
            self.sync_tags(aws, id_, inputs, old)

    def replaces(self, old: Properties, new: Properties, changed: set[str]) -> set[str]:
        forced = super().replaces(old, new, changed)
        # AWS gives tenancy up, and never takes it on later.
        if "instanceTenancy" in changed and new.get("instanceTenancy") != "default":
            forced = forced | {"instanceTenancy"}
        return forced

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("ec2").delete_vpc(VpcId=id_), self.missing)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        for found in self.candidates(aws, filters(cidr=inputs["cidrBlock"])):
            if self.same_tags(found, inputs) and inputs.get("tags"):
                return str(found["VpcId"])
        return None
