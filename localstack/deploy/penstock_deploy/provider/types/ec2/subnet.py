"""Subnets, the tables that route their traffic, and which table is whose."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.types.ec2.base import Ec2Type, filters
from penstock_deploy.values import Properties


@resource
class Subnet(Ec2Type):
    pulumi_type = "aws:ec2/subnet:Subnet"
    inputs = "vpcId cidrBlock availabilityZone mapPublicIpOnLaunch"
    outputs = "arn availabilityZone availabilityZoneId ownerId"
    required = "vpcId cidrBlock"
    immutable = "vpcId cidrBlock availabilityZone"
    defaults: ClassVar[dict[str, Any]] = {"mapPublicIpOnLaunch": False}
    kind = "subnet"
    describe_operation = "DescribeSubnets"
    ids, listed, missing = "SubnetIds", "Subnets", "InvalidSubnetID.NotFound"

    def create(self, aws: Aws, inputs: Properties) -> str:
        ec2 = aws.client("ec2")
        zone = {"AvailabilityZone": inputs["availabilityZone"]} if inputs.get("availabilityZone") else {}
        answer = ec2.create_subnet(
            VpcId=inputs["vpcId"], CidrBlock=inputs["cidrBlock"], **zone, **self.tag_specifications(inputs)
        )
        id_ = aws.made = str(answer["Subnet"]["SubnetId"])
        if inputs["mapPublicIpOnLaunch"]:
            ec2.modify_subnet_attribute(SubnetId=id_, MapPublicIpOnLaunch={"Value": True})
        return id_

    def properties(self, aws: Aws, found: dict[str, Any], known: Properties) -> Properties:  # noqa: ARG002
        return {
            "arn": found["SubnetArn"],
            "vpcId": found["VpcId"],
            "cidrBlock": found["CidrBlock"],
            "availabilityZone": found["AvailabilityZone"],
            "availabilityZoneId": found.get("AvailabilityZoneId"),
            "mapPublicIpOnLaunch": found["MapPublicIpOnLaunch"],
            "ownerId": found.get("OwnerId"),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if "mapPublicIpOnLaunch" in changed:
            value = {"Value": bool(inputs["mapPublicIpOnLaunch"])}
            aws.client("ec2").modify_subnet_attribute(SubnetId=id_, MapPublicIpOnLaunch=value)
        if "tags" in changed:
            self.sync_tags(aws, id_, inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("ec2").delete_subnet(SubnetId=id_), self.missing)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        found = self.candidates(aws, filters(vpc_id=inputs["vpcId"], cidr=inputs["cidrBlock"]))
        return str(found[0]["SubnetId"]) if found else None


@resource
class RouteTable(Ec2Type):
    """Without `routes`: those that gateways and endpoints add belong to them."""

    pulumi_type = "aws:ec2/routeTable:RouteTable"
    inputs = "vpcId"
    outputs = "arn ownerId"
    required = "vpcId"
    immutable = "vpcId"
    kind = "route-table"
    describe_operation = "DescribeRouteTables"
    ids, listed, missing = "RouteTableIds", "RouteTables", "InvalidRouteTableID.NotFound"

    def create(self, aws: Aws, inputs: Properties) -> str:
        answer = aws.client("ec2").create_route_table(VpcId=inputs["vpcId"], **self.tag_specifications(inputs))
        return str(answer["RouteTable"]["RouteTableId"])

    def properties(self, aws: Aws, found: dict[str, Any], known: Properties) -> Properties:  # noqa: ARG002
        return {
            "arn": aws.arn("ec2", f"route-table/{found['RouteTableId']}"),
            "vpcId": found["VpcId"],
            "ownerId": found.get("OwnerId"),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if "tags" in changed:
            self.sync_tags(aws, id_, inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("ec2").delete_route_table(RouteTableId=id_), self.missing)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        for found in self.candidates(aws, filters(vpc_id=inputs["vpcId"])):
            main = any(association.get("Main") for association in found.get("Associations") or [])
            if not main and self.same_tags(found, inputs) and inputs.get("tags"):
                return str(found["RouteTableId"])
        return None


@resource
class RouteTableAssociation(ResourceType):
    pulumi_type = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    inputs = "routeTableId subnetId"
    required = "routeTableId subnetId"
    immutable = "subnetId"
    missing: ClassVar[str] = "InvalidAssociationID.NotFound"

    def create(self, aws: Aws, inputs: Properties) -> str:
        answer = aws.client("ec2").associate_route_table(
            RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"]
        )
        return str(answer["AssociationId"])

    def _found(self, aws: Aws, wanted: str, id_: str) -> dict[str, Any] | None:
        tables = aws.client("ec2").describe_route_tables(Filters=[{"Name": f"association.{wanted}", "Values": [id_]}])
        member = {"route-table-association-id": "RouteTableAssociationId", "subnet-id": "SubnetId"}[wanted]
        associations = [item for table in tables["RouteTables"] for item in table["Associations"]]
        return next((item for item in associations if item.get(member) == id_), None)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        # An update gives the association another id: the subnet, which has one table at a time, finds it again.
        found = self._found(aws, "route-table-association-id", id_)
        if found is None and known.get("subnetId"):
            found = self._found(aws, "subnet-id", known["subnetId"])
        if found is None:
            return None
        return {"routeTableId": found["RouteTableId"], "subnetId": found["SubnetId"], "region": aws.region}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        present = self._found(aws, "subnet-id", inputs["subnetId"])
        current = present["RouteTableAssociationId"] if present else id_
        aws.client("ec2").replace_route_table_association(AssociationId=current, RouteTableId=inputs["routeTableId"])

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        present = self._found(aws, "subnet-id", inputs["subnetId"]) if inputs.get("subnetId") else None
        current = present["RouteTableAssociationId"] if present else id_
        absent(lambda: aws.client("ec2").disassociate_route_table(AssociationId=current), self.missing)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        found = self._found(aws, "subnet-id", inputs["subnetId"])
        return str(found["RouteTableAssociationId"]) if found else None
