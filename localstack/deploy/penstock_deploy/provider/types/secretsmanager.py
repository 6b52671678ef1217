"""Secrets Manager: secrets and their versions."""

from __future__ import annotations

import base64
import uuid
from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent, sync_tags, tag_list, tag_map
from penstock_deploy.values import Properties

_LONGEST_WINDOW_DAYS = 30
_CURRENT = "AWSCURRENT"


@resource
class Secret(ResourceType):
    pulumi_type = "aws:secretsmanager/secret:Secret"
    inputs = "name description kmsKeyId policy recoveryWindowInDays forceOverwriteReplicaSecret"
    outputs = "arn policy"
    immutable = "name"
    defaults: ClassVar[dict[str, Any]] = {"forceOverwriteReplicaSecret": False, "recoveryWindowInDays": 30}
    policies = "policy"
    named = "name"
    prefix = "namePrefix"
    name_limit = 512
    taggable = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        secrets = aws.client("secretsmanager")
        request: dict[str, Any] = {"Name": inputs["name"], "Tags": tag_list(inputs.get("tags"))}
        if inputs.get("description"):
            request["Description"] = inputs["description"]
        if inputs.get("kmsKeyId"):
            request["KmsKeyId"] = inputs["kmsKeyId"]
        arn = aws.made = str(secrets.create_secret(**request)["ARN"])
        if inputs.get("policy"):
            secrets.put_resource_policy(SecretId=arn, ResourcePolicy=inputs["policy"])
        return arn

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        secrets = aws.client("secretsmanager")
        found = absent(lambda: secrets.describe_secret(SecretId=id_))
        if found is None or found.get("DeletedDate"):
            return None
        result: Properties = {
            "arn": found["ARN"],
            "name": found["Name"],
            "description": found.get("Description") or None,
            "kmsKeyId": found.get("KmsKeyId"),
            "region": aws.region,
            "tags": tag_map(found.get("Tags")),
        }
        if "policy" in known:
            result["policy"] = secrets.get_resource_policy(SecretId=id_).get("ResourcePolicy")
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        secrets = aws.client("secretsmanager")
        if changed & {"description", "kmsKeyId"}:
            request: dict[str, Any] = {"SecretId": id_, "Description": inputs.get("description") or ""}
            if inputs.get("kmsKeyId"):
                request["KmsKeyId"] = inputs["kmsKeyId"]
            secrets.update_secret(**request)
        if "policy" in changed:
            if inputs.get("policy"):
                secrets.put_resource_policy(SecretId=id_, ResourcePolicy=inputs["policy"])
            else:
                secrets.delete_resource_policy(SecretId=id_)
        if "tags" in changed:
            sync_tags(
                inputs,
                old,
                lambda tags: secrets.tag_resource(SecretId=id_, Tags=tag_list(tags)),
                lambda keys: secrets.untag_resource(SecretId=id_, TagKeys=keys),
            )

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        days = inputs.get("recoveryWindowInDays")
        days = _LONGEST_WINDOW_DAYS if days is None else int(days)
        how: dict[str, Any] = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        absent(lambda: aws.client("secretsmanager").delete_secret(SecretId=id_, **how), "InvalidRequestException")

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        found = absent(lambda: aws.client("secretsmanager").describe_secret(SecretId=inputs["name"]))
        return str(found["ARN"]) if found and not found.get("DeletedDate") else None


@resource
class SecretVersion(ResourceType):
    pulumi_type = "aws:secretsmanager/secretVersion:SecretVersion"
    inputs = "secretId secretString secretBinary versionStages"
    outputs = "arn secretArn versionId versionStages"
    required = "secretId"
    immutable = "secretId secretString secretBinary"
    sets = "versionStages"
    confidential = "secretString secretBinary"

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {"SecretId": inputs["secretId"], "ClientRequestToken": str(uuid.uuid4())}
        if inputs.get("secretString") is not None:
            request["SecretString"] = inputs["secretString"]
        elif inputs.get("secretBinary") is not None:
            request["SecretBinary"] = base64.b64decode(inputs["secretBinary"])
        if inputs.get("versionStages"):
            request["VersionStages"] = inputs["versionStages"]
        answer = aws.client("secretsmanager").put_secret_value(**request)
        return f"{inputs['secretId']}|{answer['VersionId']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        secret, _, version = id_.rpartition("|")
        found = absent(
            lambda: aws.client("secretsmanager").get_secret_value(SecretId=secret, VersionId=version),
            "InvalidRequestException",
        )
        if found is None:
            return None
        result: Properties = {
            "secretId": known.get("secretId") or secret,
            "arn": found["ARN"],
            "secretArn": found["ARN"],
            "versionId": found["VersionId"],
            "versionStages": found.get("VersionStages", []),
            "region": aws.region,
        }
        if found.get("SecretString") is not None:
            result["secretString"] = found["SecretString"]
        if found.get("SecretBinary") is not None:
            result["secretBinary"] = base64.b64encode(found["SecretBinary"]).decode()
        return result

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        secret, _, version = id_.rpartition("|")
        before, after = set(old.get("versionStages") or []), set(inputs.get("versionStages") or [])
        for stage in sorted(after - before):
            aws.client("secretsmanager").update_secret_version_stage(
                SecretId=secret, VersionStage=stage, MoveToVersionId=version
            )

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        """A version goes when its stages do; the current one stays with its secret, as on AWS."""
        secret, _, version = id_.rpartition("|")
        secrets = aws.client("secretsmanager")
        found = absent(lambda: secrets.get_secret_value(SecretId=secret, VersionId=version), "InvalidRequestException")
        for stage in (found or {}).get("VersionStages", []):
            if stage != _CURRENT:
                absent(
                    lambda stage=stage: secrets.update_secret_version_stage(  # type: ignore[misc]
                        SecretId=secret, VersionStage=stage, RemoveFromVersionId=version
                    ),
                    "InvalidRequestException",
                )
