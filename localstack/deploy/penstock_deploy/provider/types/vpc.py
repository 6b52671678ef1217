"""The rules of security groups, one resource each."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import absent
from penstock_deploy.provider.types.ec2.base import Ec2Type, filters
from penstock_deploy.values import Properties

_PEERS = "cidrIpv4 cidrIpv6 prefixListId referencedSecurityGroupId"
_ALL = "-1"
_MISSING = ("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound", "InvalidGroup.NotFound")


class Rule(Ec2Type):
    """A rule that lets traffic in or out, to exactly one peer. Changes happen in place but for the group's."""

    inputs = f"securityGroupId ipProtocol fromPort toPort description {_PEERS}"
    outputs = "arn securityGroupRuleId"
    required = "securityGroupId ipProtocol"
    immutable = "securityGroupId"
    kind = "security-group-rule"
    describe_operation = "DescribeSecurityGroupRules"
    ids, listed, missing = "SecurityGroupRuleIds", "SecurityGroupRules", "InvalidSecurityGroupRuleId.NotFound"
    outwards: ClassVar[bool] = False

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        given = [name for name in _PEERS.split() if inputs.get(name)]
        if len(given) != 1:
            return [("cidrIpv4", f"or exactly one other of {_PEERS} must be given, not {len(given)}")]
        return []

    def _direction(self) -> str:
        return "egress" if self.outwards else "ingress"

    def create(self, aws: Aws, inputs: Properties) -> str:
        permission: dict[str, Any] = {"IpProtocol": str(inputs["ipProtocol"])}
        if permission["IpProtocol"] != _ALL:
            permission |= {"FromPort": int(inputs["fromPort"]), "ToPort": int(inputs["toPort"])}
        text = {"Description": inputs["description"]} if inputs.get("description") else {}
        if inputs.get("cidrIpv4"):
            permission["IpRanges"] = [{"CidrIp": inputs["cidrIpv4"], **text}]
        elif inputs.get("cidrIpv6"):
            permission["Ipv6Ranges"] = [{"CidrIpv6": inputs["cidrIpv6"], **text}]
        elif inputs.get("prefixListId"):
            permission["PrefixListIds"] = [{"PrefixListId": inputs["prefixListId"], **text}]
        else:
            permission["UserIdGroupPairs"] = [{"GroupId": inputs["referencedSecurityGroupId"], **text}]
        authorize = getattr(aws.client("ec2"), f"authorize_security_group_{self._direction()}")
        answer = authorize(
            GroupId=inputs["securityGroupId"], IpPermissions=[permission], **self.tag_specifications(inputs)
        )
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def properties(self, aws: Aws, found: dict[str, Any], known: Properties) -> Properties:  # noqa: ARG002
        every = found["IpProtocol"] == _ALL
        result: Properties = {
            "arn": aws.arn("ec2", f"security-group-rule/{found['SecurityGroupRuleId']}"),
            "securityGroupRuleId": found["SecurityGroupRuleId"],
            "securityGroupId": found["GroupId"],
            "ipProtocol": found["IpProtocol"],
            "fromPort": None if every else found.get("FromPort"),
            "toPort": None if every else found.get("ToPort"),
            "cidrIpv4": found.get("CidrIpv4"),
            "cidrIpv6": found.get("CidrIpv6"),
            "prefixListId": found.get("PrefixListId"),
            "referencedSecurityGroupId": (found.get("ReferencedGroupInfo") or {}).get("GroupId"),
        }
        if "Description" in found:  # the local cloud does not keep it everywhere
            result["description"] = found["Description"]
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        if changed - {"tags"}:
            rule: dict[str, Any] = {"IpProtocol": str(inputs["ipProtocol"])}
            if rule["IpProtocol"] != _ALL:
                rule |= {"FromPort": int(inputs["fromPort"]), "ToPort": int(inputs["toPort"])}
            names = {"cidrIpv4": "CidrIpv4", "cidrIpv6": "CidrIpv6", "prefixListId": "PrefixListId"}
            names |= {"referencedSecurityGroupId": "ReferencedGroupId", "description": "Description"}
            rule |= {theirs: inputs[ours] for ours, theirs in names.items() if inputs.get(ours)}
            aws.client("ec2").modify_security_group_rules(
                GroupId=inputs["securityGroupId"],
                SecurityGroupRules=[{"SecurityGroupRuleId": id_, "SecurityGroupRule": rule}],
            )
        if "tags" in changed:
            self.sync_tags(aws, id_, inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        revoke = getattr(aws.client("ec2"), f"revoke_security_group_{self._direction()}")
        absent(lambda: revoke(GroupId=inputs["securityGroupId"], SecurityGroupRuleIds=[id_]), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        for found in self.candidates(aws, filters(group_id=inputs["securityGroupId"])):
            live = self.properties(aws, found, {})
            names = [*_PEERS.split(), "ipProtocol", "fromPort", "toPort"]
            if found["IsEgress"] is self.outwards and all(live[name] == inputs.get(name) for name in names):
                return str(found["SecurityGroupRuleId"])
        return None


@resource
class SecurityGroupIngressRule(Rule):
    pulumi_type = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


@resource
class SecurityGroupEgressRule(Rule):
    pulumi_type = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    outwards = True
