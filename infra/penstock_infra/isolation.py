"""The network that jobs, notebooks and Spark run in, where they are kept apart from the internet."""

from __future__ import annotations

from typing import Any

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.errors import ConfigurationError, Settings
from penstock_infra.iam import Conditions, Statement
from penstock_infra.inputs import Later, Text
from penstock_infra.placement import Placement


class Network(Settings):
    """A VPC's private subnets and the security group of what runs in them."""

    vpc_id: Text
    subnet_ids: tuple[str, ...] | Later = Field(description="ids of the private subnets")
    security_group_id: Text

    @property
    def subnets(self) -> pulumi.Output[list[str]]:
        """The subnets' ids."""
        ids: pulumi.Output[Any] = pulumi.Output.from_input(self.subnet_ids)
        return ids.apply(list)


def required(value: pulumi.Output[Any], what: str) -> pulumi.Output[Any]:
    """A value of the foundation that must not be empty. Raises ConfigurationError when it has no network."""
    return value.apply(lambda known: present(known, what))


def present(value: Any, what: str) -> Any:
    """The known value, or ConfigurationError."""
    if not value:
        raise ConfigurationError(
            f"networkIsolation is on, but the foundation exports no {what}: set penstock-foundation:network and bring it "
            "up first, or take networkIsolation out of this stack"
        )
    return value


def inside(network: Network | None) -> Conditions:
    """The condition that a job runs in this network; none without one.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
    """
    if network is None:
        return {}
    return {
        "Null": {"sagemaker:VpcSubnets": ["false"], "sagemaker:VpcSecurityGroupIds": ["false"]},
        "ForAllValues:StringEquals": {"sagemaker:VpcSecurityGroupIds": [network.security_group_id]},
    }


def joining(placement: Placement, network: Network | None) -> list[Statement]:
    """What SageMaker needs to put a job's interfaces into the network.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html, "CreateTrainingJob API"
    """
    if network is None:
        return []
    return [
        Statement(
            sid="JoinTheNetwork",
            actions=grants.JOIN_NETWORK,
            resources=tuple(
                placement.arn("ec2", f"{kind}/*") for kind in ("network-interface", "security-group", "subnet")
            ),
        ),
        Statement(sid="AnyResourceDescribingNetworksHasNoArn", actions=grants.DESCRIBE_NETWORK, resources=("*",)),
    ]
