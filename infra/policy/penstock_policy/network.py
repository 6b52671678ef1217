"""Networks are closed: nothing is heard from everywhere, nothing gets a public address, endpoints let one's own through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock_policy.permissions import is_narrowed
from penstock_policy.resource import Finding, Resource, everyone, finding, items, of_type, statements, texts
from penstock_policy.settings import UNSPECIFIED, Settings

POLICY = "closed_network"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
SUBNET = "aws:ec2/subnet:Subnet"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
SOURCES = ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")


def closed_network(resources: Sequence[Resource], settings: Settings = UNSPECIFIED) -> Iterator[Finding]:  # noqa: ARG001 - every policy's signature
    """No rule hears the whole internet, no subnet gives public addresses, no VPC endpoint lets other accounts through."""
    for rule in of_type(resources, INGRESS, RULE):
        if rule.type == INGRESS or rule.inputs.get("type") == "ingress":
            yield from _heard(rule, [rule.inputs])
    for group in of_type(resources, GROUP):
        yield from _heard(group, items(group.inputs.get("ingress")))
    for subnet in of_type(resources, SUBNET):
        if subnet.inputs.get("mapPublicIpOnLaunch") is True:
            yield finding(POLICY, subnet, "it gives public addresses", "Leave mapPublicIpOnLaunch out")
    for endpoint in of_type(resources, ENDPOINT):
        yield from _let_through(endpoint)


def _heard(resource: Resource, rules: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for rule in rules:
        sources = [source for key in SOURCES for source in texts(rule.get(key))]
        if wide := sorted(EVERYWHERE & set(sources)):
            yield finding(
                POLICY, resource, f"it hears {' and '.join(wide)}", "Name a security group, or a range of one's own"
            )


def _let_through(endpoint: Resource) -> Iterator[Finding]:
    if "policy" not in endpoint.inputs or endpoint.inputs["policy"] is None:
        yield finding(
            POLICY, endpoint, "it has no policy: anybody's credentials work", "Allow aws:PrincipalAccount of one's own"
        )
    for statement in statements(endpoint.inputs.get("policy")):
        anything = any(not text.strip("*?/") for text in texts(statement.get("Resource")))
        if (
            statement.get("Effect") == "Allow"
            and everyone(statement.get("Principal"))
            and anything
            and not is_narrowed(statement.get("Condition"))
        ):
            name = statement.get("Sid") or "a statement"
            yield finding(
                POLICY,
                endpoint,
                f"{name} lets everybody through to everything",
                "Demand StringEquals on aws:PrincipalAccount, or name the resources",
            )
