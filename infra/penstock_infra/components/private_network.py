"""A network without the internet, for jobs and endpoints that must not reach it."""

from __future__ import annotations

import pulumi
from pulumi_aws import ec2, vpc
from pydantic import Field

from penstock_infra import grants, naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document, Passage
from penstock_infra.inputs import Text
from penstock_infra.network import MOST_ZONES, PrivateRange, ServiceName, service_name, subnets_of
from penstock_infra.placement import Placement

HTTPS = 443
SERVICES = (
    "ecr.api",
    "ecr.dkr",
    "logs",
    "monitoring",
    "sagemaker.api",
    "sagemaker.featurestore-runtime",
    "sagemaker.runtime",
    "sts",
)
"""What jobs and models call: images, logs, metrics, SageMaker's three APIs, and credentials. Objects go by the gateway."""


class PrivateNetworkArguments(Arguments):
    """The addresses, the zones that the subnets lie in, and the AWS services that can be reached."""

    cidr: PrivateRange = Field(
        description="the network's addresses; those of networks that are to be joined must differ"
    )
    zones: tuple[str, ...] = Field(
        min_length=1, max_length=MOST_ZONES, description="availability zones by name; one subnet in each"
    )
    services: tuple[ServiceName, ...] = Field(
        default=SERVICES,
        description="AWS services with an interface endpoint in each zone: athena, or a whole name of another form",
    )
    other_buckets: tuple[Text, ...] = Field(
        default=(), description="buckets beside the stack's own that can be reached: that of another stack's registry"
    )
    log_bucket_arn: Text | None = Field(default=None, description="the bucket that refused connections are logged to")


class PrivateNetwork(Component):
    """A VPC with private subnets and no way to the internet; AWS's own services are reached through endpoints.

    S3 by a gateway endpoint, for the buckets of this stack and ECR's layers only; the other services by interface
    endpoints that let principals of this account through and nobody else. Jobs and models take `security_group_id`, which
    reaches the endpoints and itself (for training on several machines) by the group, and nothing more. What is refused is
    logged. An interface endpoint costs 7.30 USD a month and zone, so eight services in two zones about 117 USD, and 0.01
    USD a GB; a GB of flow logs costs 0.25 USD, the rest is free.
    """

    TYPE = "penstock:network:PrivateNetwork"

    vpc_id: pulumi.Output[str]
    subnet_ids: pulumi.Output[list[str]]
    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: PrivateNetworkArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        network = ec2.Vpc(
            name,
            cidr_block=args.cidr,
            enable_dns_support=True,  # with host names, an endpoint answers under the service's own address
            enable_dns_hostnames=True,
            tags=self.tags,
            opts=self.child(),
        )
        table = ec2.RouteTable(name, vpc_id=network.id, tags=self.tags, opts=self.child())
        subnets = self._subnets(name, args, network, table)
        jobs = self._group(name, "jobs", "Jobs and models", network)
        doors = self._group(name, "endpoints", "AWS's services", network)
        gateway = ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=network.id,
            service_name=service_name("s3", args.placement.region),
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id],
            policy=reachable_buckets(args).render(),
            tags=self.tags,
            opts=self.child(),
        )
        for service in args.services:
            ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=network.id,
                service_name=service_name(service, args.placement.region),
                vpc_endpoint_type="Interface",
                subnet_ids=[subnet.id for subnet in subnets],
                security_group_ids=[doors.id],
                private_dns_enabled=True,
                policy=own_principals(args.placement).render(),
                tags=self.tags,
                opts=self.child(),
            )
        self._rules(name, jobs, doors, gateway)
        if args.log_bucket_arn is not None:
            ec2.FlowLog(
                name,
                vpc_id=network.id,
                traffic_type="REJECT",
                log_destination_type="s3",
                log_destination=args.log_bucket_arn,
                tags=self.tags,
                opts=self.child(),
            )
        self.vpc_id = network.id
        self.subnet_ids = pulumi.Output.all(*(subnet.id for subnet in subnets))
        self.security_group_id = jobs.id
        self.finish(
            {"vpcId": self.vpc_id, "subnetIds": self.subnet_ids, "securityGroupId": self.security_group_id},
        )

    def _subnets(
        self, name: str, args: PrivateNetworkArguments, network: ec2.Vpc, table: ec2.RouteTable
    ) -> list[ec2.Subnet]:
        """A subnet in each zone, all of one size, which leaves room for four; without a route but to the gateway."""
        subnets = []
        for zone, addresses in zip(args.zones, subnets_of(args.cidr), strict=False):
            subnet = ec2.Subnet(
                f"{name}-{zone}",
                vpc_id=network.id,
                cidr_block=addresses,
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags=self.tags,
                opts=self.child(),
            )
            ec2.RouteTableAssociation(f"{name}-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=self.child())
            subnets.append(subnet)
        return subnets

    def _group(self, name: str, role: str, description: str, network: ec2.Vpc) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            f"{name}-{role}",
            name=self.placement.name(naming.SECURITY_GROUP, role),
            description=description,
            vpc_id=network.id,
            tags=self.tags,
            opts=self.child(),
        )

    def _rules(self, name: str, jobs: ec2.SecurityGroup, doors: ec2.SecurityGroup, gateway: ec2.VpcEndpoint) -> None:
        """Jobs reach one another, the endpoints and S3; the endpoints hear jobs."""
        everything = {"ip_protocol": "-1"}
        https = {"ip_protocol": "tcp", "from_port": HTTPS, "to_port": HTTPS}
        egress = vpc.SecurityGroupEgressRule
        ingress = vpc.SecurityGroupIngressRule
        for rule, title, group, peer, what in (
            (egress, "jobs-to-jobs", jobs, {"referenced_security_group_id": jobs.id}, everything),
            (ingress, "jobs-from-jobs", jobs, {"referenced_security_group_id": jobs.id}, everything),
            (egress, "jobs-to-endpoints", jobs, {"referenced_security_group_id": doors.id}, https),
            (ingress, "endpoints-from-jobs", doors, {"referenced_security_group_id": jobs.id}, https),
            (egress, "jobs-to-s3", jobs, {"prefix_list_id": gateway.prefix_list_id}, https),
        ):
            rule(f"{name}-{title}", security_group_id=group.id, **peer, **what, tags=self.tags, opts=self.child())


def own_principals(placement: Placement) -> Document:
    """Interface endpoints: for principals of this account, whatever their own policies allow them."""
    return Document.of(Passage(sid="PrincipalsOfThisAccount", account=placement.account))


def reachable_buckets(args: PrivateNetworkArguments) -> Document:
    """The gateway: this account's principals to the stack's own buckets, and everybody to the layers of ECR's images.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html names the bucket of the layers.
    """
    placement = args.placement
    reachable = (f"penstock-{placement.stack}-*", *args.other_buckets)
    return Document.of(
        Passage(
            sid="NamedBuckets",
            account=placement.account,
            actions=("s3:*",),
            resources=tuple(
                arn
                for bucket in reachable
                for arn in (grants.bucket_arn(placement, bucket), grants.objects(placement, bucket))
            ),
        ),
        Passage(
            sid="LayersOfImages",
            account=None,
            actions=("s3:GetObject",),
            resources=(grants.objects(placement, f"prod-{placement.region}-starport-layer-bucket"),),
        ),
    )
