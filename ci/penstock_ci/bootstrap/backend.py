"""Where the states of stacks on AWS are kept, and what encrypts their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock_ci.target import Target

KEY_ALIAS = "alias/penstock-state"


def state_bucket(account: str, region: str) -> str:
    """The name of the account's state bucket."""
    return f"penstock-state-{account}-{region}"


def backend_environment(target: Target) -> dict[str, str]:
    """PULUMI_BACKEND_URL of the bootstrapped state bucket, unless the user has chosen a backend."""
    if target.environment.get("PULUMI_BACKEND_URL") or target.environment.get("PULUMI_ACCESS_TOKEN"):
        return {}
    bucket = state_bucket(target.account(), target.region)
    return {"PULUMI_BACKEND_URL": f"s3://{bucket}?region={target.region}&awssdk=v2"}


def secrets_provider(target: Target, environment: Mapping[str, str]) -> str | None:
    """The bootstrapped key as Pulumi's secrets provider, when the state is in the bootstrapped bucket.

    The form with two slashes is that of an alias (https://www.pulumi.com/docs/iac/concepts/secrets/); three are an ARN's.
    """
    if not environment.get("PULUMI_BACKEND_URL", "").startswith("s3://penstock-state-"):
        return None
    return f"awskms://{KEY_ALIAS}?region={target.region}&awssdk=v2"
