"""KMS: keys and aliases."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent, sync_tags, tag_list, tag_map
from penstock_deploy.values import Properties

_TAG = ("TagKey", "TagValue")
_MISSING = ("NotFoundException", "KMSInvalidStateException")
_LONGEST_WINDOW_DAYS = 30


@resource
class Key(ResourceType):
    pulumi_type = "aws:kms/key:Key"
    inputs = (
        "description keyUsage customerMasterKeySpec deletionWindowInDays enableKeyRotation rotationPeriodInDays "
        "isEnabled policy multiRegion bypassPolicyLockoutSafetyCheck"
    )
    outputs = "arn keyId policy"
    immutable = "keyUsage customerMasterKeySpec multiRegion"
    defaults: ClassVar[dict[str, Any]] = {
        "description": "Managed by Pulumi",
        "keyUsage": "ENCRYPT_DECRYPT",
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "isEnabled": True,
    }
    policies = "policy"
    taggable = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        kms = aws.client("kms")
        request: dict[str, Any] = {
            "Description": inputs["description"],
            "KeyUsage": inputs["keyUsage"],
            "KeySpec": inputs["customerMasterKeySpec"],
            "MultiRegion": bool(inputs.get("multiRegion")),
            "Tags": tag_list(inputs.get("tags"), *_TAG),
        }
        if inputs.get("policy"):
            request["Policy"] = inputs["policy"]
        id_ = aws.made = str(kms.create_key(**request)["KeyMetadata"]["KeyId"])
        self._rotate(kms, id_, inputs)
        if inputs.get("isEnabled") is False:
            kms.disable_key(KeyId=id_)
        return id_

    @staticmethod
    def _rotate(kms: Any, id_: str, inputs: Properties) -> None:
        if inputs.get("enableKeyRotation"):
            period = inputs.get("rotationPeriodInDays")
            kms.enable_key_rotation(KeyId=id_, **({"RotationPeriodInDays": int(period)} if period else {}))
        else:
            kms.disable_key_rotation(KeyId=id_)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        kms = aws.client("kms")
        answer = absent(lambda: kms.describe_key(KeyId=id_), *_MISSING)
        if answer is None or answer["KeyMetadata"]["KeyState"] == "PendingDeletion":
            return None
        data = answer["KeyMetadata"]
        found: Properties = {
            "arn": data["Arn"],
            "keyId": data["KeyId"],
            "region": aws.region,
            "description": data.get("Description"),
            "keyUsage": data["KeyUsage"],
            "customerMasterKeySpec": data["KeySpec"],
            "isEnabled": data["Enabled"],
            "policy": kms.get_key_policy(KeyId=id_, PolicyName="default")["Policy"],
            "tags": tag_map(kms.list_resource_tags(KeyId=id_).get("Tags"), *_TAG),
        }
        if data["KeySpec"] == "SYMMETRIC_DEFAULT":
            rotation = kms.get_key_rotation_status(KeyId=id_)
            found["enableKeyRotation"] = rotation["KeyRotationEnabled"]
            if rotation.get("RotationPeriodInDays"):
                found["rotationPeriodInDays"] = rotation["RotationPeriodInDays"]
        return found

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        kms = aws.client("kms")
        if "isEnabled" in changed and inputs.get("isEnabled") is not False:
            kms.enable_key(KeyId=id_)
        if "description" in changed:
            kms.update_key_description(KeyId=id_, Description=inputs["description"])
        if changed & {"enableKeyRotation", "rotationPeriodInDays"}:
            self._rotate(kms, id_, inputs)
        if "policy" in changed and inputs.get("policy"):
            kms.put_key_policy(KeyId=id_, PolicyName="default", Policy=inputs["policy"])
        if "isEnabled" in changed and inputs.get("isEnabled") is False:
            kms.disable_key(KeyId=id_)
        if "tags" in changed:
            sync_tags(
                inputs,
                old,
                lambda tags: kms.tag_resource(KeyId=id_, Tags=tag_list(tags, *_TAG)),
                lambda keys: kms.untag_resource(KeyId=id_, TagKeys=keys),
            )

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        days = int(inputs.get("deletionWindowInDays") or _LONGEST_WINDOW_DAYS)
        kms = aws.client("kms")
        absent(lambda: kms.schedule_key_deletion(KeyId=id_, PendingWindowInDays=days), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        """AWS chooses ids of keys: the newest usable key of the same description and tags that no alias names."""
        kms = aws.client("kms")
        aliased = {
            alias.get("TargetKeyId")
            for page in kms.get_paginator("list_aliases").paginate()
            for alias in page["Aliases"]
        }
        wanted = (inputs["description"], inputs.get("tags") or {})
        best: tuple[Any, str] | None = None
        for page in kms.get_paginator("list_keys").paginate():
            for item in page["Keys"]:
                id_ = item["KeyId"]
                data = kms.describe_key(KeyId=id_)["KeyMetadata"]
                if id_ in aliased or data["KeyState"] not in ("Enabled", "Disabled"):
                    continue
                tags = tag_map(kms.list_resource_tags(KeyId=id_).get("Tags"), *_TAG)
                if (data.get("Description"), tags) == wanted and (best is None or data["CreationDate"] > best[0]):
                    best = (data["CreationDate"], id_)
        return best[1] if best else None


@resource
class Alias(ResourceType):
    pulumi_type = "aws:kms/alias:Alias"
    inputs = "name targetKeyId"
    outputs = "arn targetKeyArn"
    required = "targetKeyId"
    immutable = "name"
    prefix = "namePrefix"
    named = "name"
    name_start = "alias/"
    name_limit = 256

    def check(self, inputs: Properties) -> list[tuple[str, str]]:
        if not str(inputs.get("name", "")).startswith("alias/"):
            return [("name", "must begin with 'alias/'")]
        return []

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.client("kms").create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return str(inputs["name"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        for page in aws.client("kms").get_paginator("list_aliases").paginate():
            for alias in page["Aliases"]:
                if alias["AliasName"] == id_:
                    key = alias["TargetKeyId"]
                    arn = alias["AliasArn"].split(":alias/")[0] + f":key/{key}"
                    given = known.get("targetKeyId")
                    target = given if given in (key, arn) else key
                    return {
                        "name": id_,
                        "arn": alias["AliasArn"],
                        "targetKeyId": target,
                        "targetKeyArn": arn,
                        "region": aws.region,
                    }
        return None

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        aws.client("kms").update_alias(AliasName=id_, TargetKeyId=inputs["targetKeyId"])

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("kms").delete_alias(AliasName=id_), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["name"])
