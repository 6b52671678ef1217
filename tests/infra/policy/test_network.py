"""Networks are closed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.infra.policy.samples import UNKNOWN, resource, said

from penstock_policy import Resource, network

OWN = {"StringEquals": {"aws:PrincipalAccount": ["123456789012"]}}


def door(*statements: dict[str, Any]) -> Resource:
    """A VPC endpoint with a policy of these statements."""
    return resource(network.ENDPOINT, policy=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def through(**changes: Any) -> dict[str, Any]:
    return {"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **changes}


PASSING = {
    "a rule for a group": [resource(network.INGRESS, referencedSecurityGroupId="sg-1")],
    "a rule for a range": [resource(network.INGRESS, cidrIpv4="10.0.0.0/8")],
    "a rule that speaks to everywhere": [resource(network.RULE, type="egress", cidrBlocks=["0.0.0.0/0"])],
    "a group that hears a range": [resource(network.GROUP, ingress=[{"cidrBlocks": ["10.0.0.0/8"]}])],
    "a group without rules": [resource(network.GROUP)],
    "a private subnet": [resource(network.SUBNET, mapPublicIpOnLaunch=False)],
    "an endpoint for one's own account": [door(through(Condition=OWN))],
    "an endpoint to named things": [door(through(Resource=["arn:aws:s3:::prod-x-starport-layer-bucket/*"]))],
    "an endpoint that denies": [door(through(Condition=OWN), through(Effect="Deny"))],
    "a policy that is not known yet": [resource(network.ENDPOINT, policy=UNKNOWN)],
    "a rule that goes": [replace(resource(network.INGRESS, cidrIpv4="0.0.0.0/0"), operation="delete")],
}
FAILING = {
    "it hears 0.0.0.0/0": resource(network.INGRESS, cidrIpv4="0.0.0.0/0"),
    "it hears ::/0": resource(network.INGRESS, cidrIpv6="::/0"),
    "it hears 0.0.0.0/0 and ::/0": resource(
        network.RULE, type="ingress", cidrBlocks=["10.0.0.0/8", "0.0.0.0/0"], ipv6CidrBlocks=["::/0"]
    ),
    "it gives public addresses": resource(network.SUBNET, mapPublicIpOnLaunch=True),
    "it has no policy: anybody's credentials work": resource(network.ENDPOINT),
    "All lets everybody through to everything": door(through()),
}


@pytest.mark.parametrize("case", PASSING)
def test_closed(case: str) -> None:
    assert said(network.closed_network(PASSING[case])) == []


@pytest.mark.parametrize("message", FAILING)
def test_open(message: str) -> None:
    assert said(network.closed_network([FAILING[message]])) == [message]


def test_a_group_that_hears_everywhere_in_line() -> None:
    group = resource(network.GROUP, ingress=[{"cidrBlocks": ["10.0.0.0/8"]}, {"cidrBlocks": ["0.0.0.0/0"]}])
    assert said(network.closed_network([group])) == ["it hears 0.0.0.0/0"]


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEqualsIfExists": OWN["StringEquals"]},
        {"StringLike": {"aws:PrincipalAccount": ["*"]}},
        {"StringNotEquals": OWN["StringEquals"]},
    ],
)
def test_a_condition_that_narrows_nothing(condition: dict[str, Any]) -> None:
    assert said(network.closed_network([door(through(Condition=condition))])) == [
        "All lets everybody through to everything"
    ]
