"""Security groups; their rules are types of their own (`types/vpc.py`)."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import absent
from penstock_deploy.provider.types.ec2.base import Ec2Type, filters
from penstock_deploy.values import Properties

_EVERYWHERE = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


@resource
class SecurityGroup(Ec2Type):
    """Without `ingress` and `egress` in line. As Pulumi's own provider does, it takes away the rule that AWS gives a new
    group: everything out."""

    pulumi_type = "aws:ec2/securityGroup:SecurityGroup"
    inputs = "name description vpcId revokeRulesOnDelete"
    outputs = "arn ownerId"
    required = "vpcId"
    immutable = "name description vpcId"
    defaults: ClassVar[dict[str, Any]] = {"description": "Managed by Pulumi", "revokeRulesOnDelete": False}
    named = "name"
    prefix = "namePrefix"
    name_limit = 255
    kind = "security-group"
    describe_operation = "DescribeSecurityGroups"
    ids, listed, missing = "GroupIds", "SecurityGroups", "InvalidGroup.NotFound"

    def create(self, aws: Aws, inputs: Properties) -> str:
        ec2 = aws.client("ec2")
        answer = ec2.create_security_group(
            GroupName=inputs["name"],
            Description=inputs["description"],
            VpcId=inputs["vpcId"],
            **self.tag_specifications(inputs),
        )
        id_ = aws.made = str(answer["GroupId"])
        ec2.revoke_security_group_egress(GroupId=id_, IpPermissions=_EVERYWHERE)
        return id_

    def properties(self, aws: Aws, found: dict[str, Any], known: Properties) -> Properties:  # noqa: ARG002
        return {
            "arn": found["SecurityGroupArn"],
            "name": found["GroupName"],
            "description": found["Description"],
            "vpcId": found["VpcId"],
            "ownerId": found.get("OwnerId"),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if "tags" in changed:
            self.sync_tags(aws, id_, inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        ec2 = aws.client("ec2")
        if inputs.get("revokeRulesOnDelete"):
            rules = ec2.describe_security_group_rules(Filters=filters(group_id=id_))["SecurityGroupRules"]
            for outwards, revoke in (
                (False, ec2.revoke_security_group_ingress),
                (True, ec2.revoke_security_group_egress),
            ):
                if ids := [rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"] is outwards]:
                    revoke(GroupId=id_, SecurityGroupRuleIds=ids)
        absent(lambda: ec2.delete_security_group(GroupId=id_), self.missing)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        found = self.candidates(aws, filters(vpc_id=inputs["vpcId"], group_name=inputs["name"]))
        return str(found[0]["GroupId"]) if found else None
