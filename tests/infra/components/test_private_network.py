"""A network without the internet: what can reach what."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from penstock_infra.components.private_network import SERVICES, PrivateNetwork, PrivateNetworkArguments
from penstock_infra.network import MOST_ZONES, subnets_of
from penstock_infra.placement import Placement

EXAMPLES: dict[str, dict[str, Any]] = {
    "PrivateNetwork": {
        "cidr": "10.80.0.0/16",
        "zones": ("eu-central-1a", "eu-central-1b"),
        "log_bucket_arn": "arn:aws:s3:::logs",
    },
}
GATEWAY = "com.amazonaws.eu-central-1.s3"


def run_network(run_program: Any, placement: Placement, **changes: Any) -> Any:
    arguments = PrivateNetworkArguments(placement=placement, **{**EXAMPLES["PrivateNetwork"], **changes})
    return run_program(lambda: PrivateNetwork("network", arguments))


def endpoints(run: Any) -> dict[str, dict[str, Any]]:
    """The endpoints' inputs by service."""
    return {item.inputs["serviceName"]: item.inputs for item in run.of("aws:ec2/vpcEndpoint:VpcEndpoint")}


def test_nothing_leads_to_the_internet(run_program: Any, placement: Placement) -> None:
    run = run_network(run_program, placement)
    kinds = {item.type for item in run.resources if item.custom}
    assert kinds == {
        "aws:ec2/vpc:Vpc",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:ec2/flowLog:FlowLog",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    }, "no gateway, no NAT, no route"
    assert all(item.inputs["mapPublicIpOnLaunch"] is False for item in run.of("aws:ec2/subnet:Subnet"))
    assert "routes" not in run.one("aws:ec2/routeTable:RouteTable").inputs


def test_every_rule_names_its_peer(run_program: Any, placement: Placement) -> None:
    run = run_network(run_program, placement)
    jobs, doors = "sg-penstock-prod-jobs", "sg-penstock-prod-endpoints"
    rules = {
        item.name.removeprefix("network-"): (
            item.inputs["securityGroupId"],
            item.inputs.get("referencedSecurityGroupId") or item.inputs.get("prefixListId"),
            item.inputs.get("fromPort"),
        )
        for kind in ("Ingress", "Egress")
        for item in run.of(f"aws:vpc/securityGroup{kind}Rule:SecurityGroup{kind}Rule")
    }
    assert rules == {
        "jobs-to-jobs": (jobs, jobs, None),
        "jobs-from-jobs": (jobs, jobs, None),
        "jobs-to-endpoints": (jobs, doors, 443),
        "endpoints-from-jobs": (doors, jobs, 443),
        "jobs-to-s3": (jobs, "pl-network-s3", 443),
    }


def test_services_answer_under_their_own_names_in_every_zone(run_program: Any, placement: Placement) -> None:
    run = run_network(run_program, placement)
    found = endpoints(run)
    assert set(found) == {GATEWAY} | {f"com.amazonaws.eu-central-1.{service}" for service in SERVICES}
    for service, inputs in found.items():
        assert inputs["tags"] == placement.tags.as_dict()
        if service != GATEWAY:
            assert inputs["vpcEndpointType"] == "Interface"
            assert inputs["privateDnsEnabled"] is True
            assert inputs["subnetIds"] == ["subnet-network-eu-central-1a", "subnet-network-eu-central-1b"]
            assert inputs["securityGroupIds"] == ["sg-penstock-prod-endpoints"]
    network = run.one("aws:ec2/vpc:Vpc").inputs
    assert network["enableDnsSupport"] is network["enableDnsHostnames"] is True


def test_services_of_ones_own(run_program: Any, placement: Placement) -> None:
    run = run_network(run_program, placement, services=("athena", "aws.sagemaker.eu-central-1.experiments"))
    assert set(endpoints(run)) == {
        GATEWAY,
        "com.amazonaws.eu-central-1.athena",
        "aws.sagemaker.eu-central-1.experiments",
    }


def test_endpoints_let_this_account_through_only(run_program: Any, placement: Placement) -> None:
    found = endpoints(run_network(run_program, placement))
    for service, inputs in found.items():
        if service != GATEWAY:
            (statement,) = json.loads(inputs["policy"])["Statement"]
            assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ["123456789012"]}}


def test_the_gateway_leads_to_named_buckets_only(run_program: Any, placement: Placement) -> None:
    found = endpoints(run_network(run_program, placement, other_buckets=("penstock-dev-artifacts",)))
    own, layers = json.loads(found[GATEWAY]["policy"])["Statement"]
    assert own["Resource"] == [
        "arn:aws:s3:::penstock-prod-*",
        "arn:aws:s3:::penstock-prod-*/*",
        "arn:aws:s3:::penstock-dev-artifacts",
        "arn:aws:s3:::penstock-dev-artifacts/*",
    ]
    assert own["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ["123456789012"]}}
    assert layers["Action"] == ["s3:GetObject"]
    assert layers["Resource"] == ["arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/*"]


def test_what_is_refused_is_logged(run_program: Any, placement: Placement) -> None:
    flows = run_network(run_program, placement).one("aws:ec2/flowLog:FlowLog").inputs
    assert (flows["trafficType"], flows["logDestination"]) == ("REJECT", "arn:aws:s3:::logs")
    assert not run_network(run_program, placement, log_bucket_arn=None).has("aws:ec2/flowLog:FlowLog")


def test_outputs_are_what_jobs_take(run_program: Any, placement: Placement) -> None:
    (outputs,) = run_network(run_program, placement, zones=("eu-central-1a",)).component_outputs.values()
    assert outputs == {
        "vpcId": "vpc-network",
        "subnetIds": ["subnet-network-eu-central-1a"],
        "securityGroupId": "sg-penstock-prod-jobs",
    }


@settings(max_examples=60, deadline=None)
@given(
    start=st.sampled_from(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]),
    prefix=st.integers(min_value=16, max_value=24),
    number=st.integers(min_value=0, max_value=255),
)
def test_any_range_gives_equal_subnets_within_it(start: str, prefix: int, number: int) -> None:
    whole = ipaddress.IPv4Network(start)
    count = 1 << (prefix - whole.prefixlen)
    step = 1 << (32 - prefix)
    cidr = f"{ipaddress.IPv4Address(int(whole.network_address) + (number % count) * step)}/{prefix}"
    parts = [ipaddress.IPv4Network(part) for part in subnets_of(cidr)]
    assert len(parts) == MOST_ZONES
    assert list(ipaddress.collapse_addresses(parts)) == [ipaddress.IPv4Network(cidr)]
    assert parts[0].prefixlen <= 28, "AWS takes no smaller subnet"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cidr": "10.80.0.0"}, r"/16 to /24"),
        ({"cidr": "10.80.0.1/16"}, "has host bits set"),
        ({"cidr": "8.8.0.0/16"}, "is not private"),
        ({"cidr": "127.0.0.0/16"}, "is not private"),
        ({"cidr": "10.0.0.0/8"}, "/16 to /24"),
        ({"zones": ()}, "at least 1 item"),
        ({"services": ("Athena!",)}, "should match pattern"),
        ({"zones": tuple("abcde")}, "at most 4 items"),
    ],
)
def test_what_is_wrong_is_refused(placement: Placement, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        PrivateNetworkArguments(placement=placement, **{**EXAMPLES["PrivateNetwork"], **changes})
