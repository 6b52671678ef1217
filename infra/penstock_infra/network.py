"""Addresses of a private network, and how they are divided."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

_PRIVATE = tuple(ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
LARGEST_PREFIX = 16
SMALLEST_PREFIX = 24
MOST_ZONES = 4


def _range(cidr: str) -> str:
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise ValueError(f"{cidr!r} is no IPv4 range: {error}") from None
    if not any(network.subnet_of(private) for private in _PRIVATE):
        raise ValueError(f"{cidr} is not private: take one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
    if not LARGEST_PREFIX <= network.prefixlen <= SMALLEST_PREFIX:
        raise ValueError(f"{cidr}: AWS takes /16 to /28, and four subnets of use need /24 at least: /16 to /24")
    return cidr


type PrivateRange = Annotated[str, AfterValidator(_range)]
"""A private IPv4 range from /16 to /24, such as 10.80.0.0/16."""


type ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")]
"""An AWS service as its endpoints call it: the part after the region, or a whole name that starts `aws.` or `com.`."""


def service_name(service: str, region: str) -> str:
    """The whole name of a service's endpoint; `aws.sagemaker.us-east-1.experiments` (MLflow) is one already."""
    return service if service.startswith(("aws.", "com.")) else f"com.amazonaws.{region}.{service}"


def subnets_of(cidr: str) -> list[str]:
    """The ranges of the subnets, one for each possible zone: fewer zones now leave room for more later."""
    return [str(part) for part in ipaddress.IPv4Network(cidr).subnets(prefixlen_diff=MOST_ZONES.bit_length() - 1)]
