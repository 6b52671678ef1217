"""The KMS key that encrypts states and the secrets in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock_ci.bootstrap.backend import KEY_ALIAS
from penstock_ci.bootstrap.pieces import MANAGED_BY, Piece, Setting, seen, settle, tags

if TYPE_CHECKING:
    from penstock_ci.target import Target

KIND = "KMS key"


def key(target: Target, *, check: bool) -> tuple[Piece, str]:
    """The key with its alias, usable, rotated every year; and its ARN, empty where there is none (`check` only)."""
    client = target.client("kms")
    existed = True
    try:
        found = client.describe_key(KeyId=KEY_ALIAS)["KeyMetadata"]
    except client.exceptions.NotFoundException:
        if check:
            return Piece(KIND, KEY_ALIAS, "missing"), ""
        existed = False
        found = client.create_key(
            Description="Pulumi state and secrets of Penstock's stacks",
            Tags=[{"TagKey": name, "TagValue": value} for name, value in MANAGED_BY.items()],
        )["KeyMetadata"]
        client.create_alias(AliasName=KEY_ALIAS, TargetKeyId=found["KeyId"])
    arn = str(found["Arn"])
    wrong = settle(_settings(client, arn, str(found["KeyState"])), check=check)
    return seen(KIND, KEY_ALIAS, existed=existed, wrong=wrong, check=check, note=arn), arn


def _settings(client: Any, arn: str, state: str) -> list[Setting]:
    def usable() -> None:
        if state == "PendingDeletion":
            client.cancel_key_deletion(KeyId=arn)
        client.enable_key(KeyId=arn)

    # a key that waits for its deletion answers no question about rotation
    rotated = state in {"PendingDeletion", "PendingImport"}
    return [
        Setting(f"state {state}", lambda: state == "Enabled", usable),
        Setting(
            "rotation is off",
            lambda: rotated or bool(client.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]),
            lambda: client.enable_key_rotation(KeyId=arn),
        ),
        Setting(
            "tags",
            lambda: tags(client.list_resource_tags(KeyId=arn)["Tags"], "TagKey", "TagValue"),
            lambda: client.tag_resource(
                KeyId=arn, Tags=[{"TagKey": name, "TagValue": value} for name, value in MANAGED_BY.items()]
            ),
        ),
    ]
