"""Which stacks were bootstrapped in an account: an object in its state bucket, read before anything is done to a stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from penstock_ci.bootstrap.backend import backend_environment, state_bucket
from penstock_ci.bootstrap.pieces import Piece

if TYPE_CHECKING:
    from penstock_ci.target import Target

KIND = "record"
KEY = ".penstock/bootstrap.json"


def record(target: Target, *, check: bool) -> Piece:
    """The record with the target's stack in it."""
    account = target.account()
    bucket = state_bucket(account, target.region)
    name = f"s3://{bucket}/{KEY}"
    found = _read(target, bucket)
    if found is not None and target.stack in found:
        return Piece(KIND, name, "there")
    if check:
        return Piece(KIND, name, "missing" if found is None else "differs", f"it does not name {target.stack}")
    document = {"account": account, "region": target.region, "stacks": sorted({*(found or ()), target.stack})}
    target.client("s3").put_object(
        Bucket=bucket, Key=KEY, Body=json.dumps(document, indent=2).encode(), ContentType="application/json"
    )
    return Piece(KIND, name, "created" if found is None else "changed", target.stack)


def recorded_stacks(target: Target) -> tuple[str, ...] | None:
    """The stacks bootstrapped in the account and region; None without a record, or when states are kept elsewhere."""
    chosen = target.environment.get("PULUMI_BACKEND_URL", "")
    if not backend_environment(target) and not chosen.startswith("s3://penstock-state-"):
        return None
    return _read(target, state_bucket(target.account(), target.region))


def _read(target: Target, bucket: str) -> tuple[str, ...] | None:
    client = target.client("s3")
    try:
        content: Any = json.loads(client.get_object(Bucket=bucket, Key=KEY)["Body"].read())
    except (client.exceptions.ClientError, ValueError):
        return None
    stacks = content.get("stacks") if isinstance(content, dict) else None
    return tuple(str(name) for name in stacks) if isinstance(stacks, list) else None
