"""EC2's networks on a local cloud: made, unchanged, drifted, changed, gone; and the zones that a region has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.localstack.deploy.round_trip import changed, client, find_again, project, run

from penstock_deploy import Deployment
from penstock_deploy.plugins.interface import ProviderError, Subject
from penstock_deploy.provider.core import AwsProvider
from penstock_deploy.target import from_environment

pytestmark = pytest.mark.cloud

NETWORK = """
zones = aws.get_availability_zones(state="available")
vpc = aws.ec2.Vpc("vpc", cidr_block="10.90.0.0/16", enable_dns_hostnames=one, tags={"v": v})
subnets = [aws.ec2.Subnet(f"subnet-{i}", vpc_id=vpc.id, cidr_block=f"10.90.{i}.0/24", availability_zone=zones.names[i],
    tags={"v": v}) for i in range(2)]
tables = [aws.ec2.RouteTable(f"table-{i}", vpc_id=vpc.id, tags={"i": str(i), "v": v}) for i in range(2)]
aws.ec2.RouteTableAssociation("routes", subnet_id=subnets[0].id, route_table_id=tables[0 if one else 1].id)
jobs = aws.ec2.SecurityGroup("jobs", name="types-jobs", description="jobs", vpc_id=vpc.id, tags={"v": v})
doors = aws.ec2.SecurityGroup("doors", description="endpoints", vpc_id=vpc.id)
aws.vpc.SecurityGroupIngressRule("in", security_group_id=doors.id, ip_protocol="tcp", from_port=443,
    to_port=443 if one else 444, referenced_security_group_id=jobs.id, tags={"v": v})
aws.vpc.SecurityGroupEgressRule("out", security_group_id=jobs.id, ip_protocol="-1", cidr_ipv4="10.90.0.0/16")
policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": f"v{v}", "Effect": "Allow", "Principal": "*",
    "Action": "s3:GetObject", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": "000000000000"}}}]})
s3 = aws.ec2.VpcEndpoint("s3", vpc_id=vpc.id, service_name="com.amazonaws.us-east-1.s3", tags={"v": v}, policy=policy,
    route_table_ids=[table.id for table in (tables if one else tables[:1])])
aws.vpc.SecurityGroupEgressRule("to-s3", security_group_id=jobs.id, ip_protocol="tcp", from_port=443, to_port=443,
    prefix_list_id=s3.prefix_list_id)
sts = aws.ec2.VpcEndpoint("sts", vpc_id=vpc.id, service_name="com.amazonaws.us-east-1.sts", vpc_endpoint_type="Interface",
    subnet_ids=[subnet.id for subnet in (subnets[:1] if one else subnets)], security_group_ids=[doors.id],
    private_dns_enabled=True)
logs = aws.s3.Bucket("logs", force_destroy=True)
aws.ec2.FlowLog("flows", vpc_id=vpc.id, traffic_type="REJECT", log_destination_type="s3", log_destination=logs.arn,
    tags={"v": v})
pulumi.export("zones", zones.names)
pulumi.export("prefixes", s3.prefix_list_id)
pulumi.export("default", vpc.default_security_group_id)
for name, thing in {"vpc": vpc, "jobs": jobs, "sts": sts, "table": tables[0]}.items():
    pulumi.export(name, thing.id)
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, cloud_environment: dict[str, str]) -> Iterator[Path]:
    """A folder with the network, up; gone with the module, leaving nothing."""
    folder = tmp_path_factory.mktemp("network")
    stack = project(folder, cloud_environment, "network", NETWORK)
    ec2 = client(cloud_environment, "ec2")
    before = {group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]}
    try:
        run(stack, "up")
        yield folder
    finally:
        gone = project(folder, cloud_environment, "network", NETWORK, "2").destroy()
    assert gone.ok, gone.errors
    assert stack.resources() == []
    assert [vpc["CidrBlock"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["CidrBlock"] == "10.90.0.0/16"] == []
    assert {group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]} <= before
    assert ec2.describe_flow_logs()["FlowLogs"] == []


@pytest.fixture
def stack(network: Path, cloud_environment: dict[str, str]) -> Deployment:
    return project(network, cloud_environment, "network", NETWORK)


def test_unchanged_and_found_again(stack: Deployment, cloud_environment: dict[str, str]) -> None:
    assert run(stack, "preview").changes == []
    assert run(stack, "refresh").changes == []
    assert run(stack, "up").changes == []
    find_again(stack, cloud_environment)


def test_what_ec2_computes(stack: Deployment, cloud_environment: dict[str, str]) -> None:
    outputs = stack.outputs()
    assert outputs["zones"][:2] == ["us-east-1a", "us-east-1b"]
    assert outputs["prefixes"].startswith("pl-")
    assert outputs["default"].startswith("sg-")
    ec2 = client(cloud_environment, "ec2")
    routes = ec2.describe_route_tables(RouteTableIds=[outputs["table"]])["RouteTables"][0]["Routes"]
    assert outputs["prefixes"] in [route.get("DestinationPrefixListId") for route in routes]
    (jobs,) = ec2.describe_security_groups(GroupIds=[outputs["jobs"]])["SecurityGroups"]
    assert not any(
        peer["CidrIp"] == "0.0.0.0/0" for rule in jobs["IpPermissionsEgress"] for peer in rule["IpRanges"]
    ), "AWS's own rule for a new group, everything out, is taken away"


def test_drift_is_found_and_mended(stack: Deployment, cloud_environment: dict[str, str]) -> None:
    """A tag changed, a rule taken away, names switched off: each by hand."""
    ec2 = client(cloud_environment, "ec2")
    outputs = stack.outputs()
    ec2.create_tags(Resources=[outputs["jobs"]], Tags=[{"Key": "v", "Value": "by hand"}])
    ec2.modify_vpc_attribute(VpcId=outputs["vpc"], EnableDnsHostnames={"Value": False})
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [outputs["jobs"]]}])
    (everything,) = [rule for rule in rules["SecurityGroupRules"] if rule["IpProtocol"] == "-1"]
    ec2.revoke_security_group_egress(GroupId=outputs["jobs"], SecurityGroupRuleIds=[everything["SecurityGroupRuleId"]])
    assert changed(run(stack, "refresh")) == [("delete", "out"), ("update", "jobs"), ("update", "vpc")]
    assert changed(run(stack, "up")) == [("create", "out"), ("update", "jobs"), ("update", "vpc")]
    assert run(stack, "refresh").changes == []


def test_changes_in_place(stack: Deployment, network: Path, tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    second = project(network, cloud_environment, "network", NETWORK, "2")
    foreseen = run(second, "preview")
    done = run(second, "up")
    assert done.counts == foreseen.counts
    assert done.counts["create"] == done.counts["delete"] == done.counts["replace"] == 0
    assert done.counts["update"] == 11
    assert run(second, "refresh").changes == []
    assert run(second, "preview").changes == []
    (sts,) = client(cloud_environment, "ec2").describe_vpc_endpoints(VpcEndpointIds=[second.outputs()["sts"]])[
        "VpcEndpoints"
    ]
    assert len(sts["SubnetIds"]) == 2


def test_what_cannot_change_is_replaced(network: Path, cloud_environment: dict[str, str]) -> None:
    """Preview only: a VPC's range, a subnet's zone, a group's description, an endpoint's service, a flow log."""
    program = (
        NETWORK.replace("zones.names[i]", "zones.names[i + 1]")
        .replace('description="jobs"', 'description="other"')
        .replace("us-east-1.sts", "us-east-1.logs")
        .replace('"REJECT"', '"ALL"')
    )
    foreseen = run(project(network, cloud_environment, "network", program), "preview")
    replaced = {name for op, name in changed(foreseen) if op == "replace"}
    assert {"subnet-0", "subnet-1", "jobs", "sts", "flows"} <= replaced
    assert "vpc" not in replaced
    foreseen = run(
        project(
            network, cloud_environment, "network", NETWORK.replace('_block="10.90.0.0/16"', '_block="10.91.0.0/16"')
        ),
        "preview",
    )
    assert ("replace", "vpc") in changed(foreseen)


@pytest.mark.parametrize(
    ("type_", "inputs", "told"),
    [
        (
            "vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            {"securityGroupId": "sg-1", "ipProtocol": "-1"},
            "exactly one other of cidrIpv4 cidrIpv6 prefixListId referencedSecurityGroupId must be given, not 0",
        ),
        ("ec2/vpcEndpoint:VpcEndpoint", {"vpcId": "vpc-1"}, "serviceName is required by the local provider"),
        ("ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "ipv6CidrBlock": "::/56"}, "ipv6CidrBlock is not a property"),
    ],
)
def test_what_is_wrong_is_named(
    cloud_environment: dict[str, str], type_: str, inputs: dict[str, str], told: str
) -> None:
    provider = AwsProvider(from_environment(cloud_environment), {})
    with pytest.raises(ProviderError, match=told):
        provider.check(Subject("urn", f"aws:{type_}", "it"), {}, dict(inputs), b"")


def test_a_flow_log_without_its_bucket_fails(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    program = """
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.92.0.0/16")
    aws.ec2.FlowLog("flows", vpc_id=vpc.id, traffic_type="ALL", log_destination_type="s3",
        log_destination="arn:aws:s3:::types-not-there")
    """
    stack = project(tmp_path, cloud_environment, "nowhere", program)
    try:
        result = stack.up()
        assert not result.ok
        assert "CreateFlowLogs: 400: LogDestination: types-not-there does not exist" in result.errors[0]
    finally:
        assert stack.destroy().ok


def test_security_groups_of_an_endpoint_are_refused_by_name(network: Path, cloud_environment: dict[str, str]) -> None:
    """The local cloud answers with success and changes nothing: the provider does not pretend."""
    program = NETWORK.replace("security_group_ids=[doors.id]", "security_group_ids=[jobs.id]")
    result = project(network, cloud_environment, "network", program, "2").up()
    assert not result.ok
    assert "the local cloud does not change securityGroupIds of a VPC endpoint in place" in result.errors[0]
