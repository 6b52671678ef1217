"""The cloud a deployment goes to: AWS settings from the environment, admitted only when they name the local cloud."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from penstock_deploy.errors import DeploymentError

_DEFAULT_ACCOUNT = "000000000000"
_ENDPOINT = "AWS_ENDPOINT_URL"
_FIX = "Start the local cloud (penstock cloud up) and pass what `penstock cloud env` prints; on AWS use the Pulumi CLI."


@dataclass(frozen=True)
class Target:
    """Endpoint, credentials and default region of the local cloud; the access key id is the account's."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine and nothing else."""
    host = urlsplit(url).hostname or ""
    if host in ("localhost", "localhost.localstack.cloud"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_account(access_key_id: str) -> bool:
    """Whether an access key id is one of the local cloud: the twelve digits of an account.

    A real one has twenty characters and begins with letters, so that no real credentials pass.
    """
    return re.fullmatch(r"[0-9]{12}", access_key_id) is not None


def from_environment(environment: Mapping[str, str]) -> Target:
    """The target that the environment names.

    Raises DeploymentError when an endpoint is missing or is not on this machine, or when the credentials are not those
    of an account of the local cloud: this engine never touches a real account.
    """
    endpoint = environment.get(_ENDPOINT, "")
    if not endpoint:
        raise DeploymentError(f"{_ENDPOINT} is not set: the local engine deploys to the local cloud only", _FIX)
    for name, value in sorted(environment.items()):
        if name.startswith(_ENDPOINT) and value and not is_loopback(value):
            raise DeploymentError(f"{name}={value} is not on this machine: the local engine refuses it", _FIX)
    key = environment.get("AWS_ACCESS_KEY_ID", _DEFAULT_ACCOUNT)
    if not is_account(key):
        raise DeploymentError(
            "AWS_ACCESS_KEY_ID is not an account of the local cloud (twelve digits): the local engine takes no real "
            "credentials",
            _FIX,
        )
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    return Target(endpoint, region, key, environment.get("AWS_SECRET_ACCESS_KEY") or "test")
