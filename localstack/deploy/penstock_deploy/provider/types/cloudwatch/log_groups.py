"""Log groups."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent
from penstock_deploy.provider.tagging import Tagging
from penstock_deploy.values import Properties

_LOGS = Tagging("logs", arn="resourceArn", tags="tags", keys="tagKeys", as_map=True)


@resource
class LogGroup(ResourceType):
    pulumi_type = "aws:cloudwatch/logGroup:LogGroup"
    inputs = "name retentionInDays kmsKeyId logGroupClass skipDestroy"
    outputs = "arn"
    immutable = "name logGroupClass"
    defaults: ClassVar[dict[str, Any]] = {"retentionInDays": 0, "skipDestroy": False}
    named = "name"
    prefix = "namePrefix"
    name_limit = 512
    taggable = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        request: dict[str, Any] = {"logGroupName": inputs["name"]}
        if inputs.get("kmsKeyId"):
            request["kmsKeyId"] = inputs["kmsKeyId"]
        if inputs.get("tags"):
            request["tags"] = inputs["tags"]
        if inputs.get("logGroupClass"):
            request["logGroupClass"] = inputs["logGroupClass"]
        aws.client("logs").create_log_group(**request)
        aws.made = str(inputs["name"])
        self._retain(aws, inputs["name"], inputs)
        return str(inputs["name"])

    @staticmethod
    def _retain(aws: Aws, name: str, inputs: Properties) -> None:
        days = int(inputs.get("retentionInDays") or 0)
        if days:
            aws.client("logs").put_retention_policy(logGroupName=name, retentionInDays=days)

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=id_)
        found = next((item for page in pages for item in page["logGroups"] if item["logGroupName"] == id_), None)
        if found is None:
            return None
        arn = str(found["arn"]).removesuffix(":*")
        return {
            "name": id_,
            "arn": arn,
            "retentionInDays": found.get("retentionInDays", 0),
            "kmsKeyId": found.get("kmsKeyId"),
            "region": aws.region,
            "tags": _LOGS.read(aws, arn),
        }

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        logs = aws.client("logs")
        if "retentionInDays" in changed:
            if inputs.get("retentionInDays"):
                self._retain(aws, id_, inputs)
            else:
                logs.delete_retention_policy(logGroupName=id_)
        if "kmsKeyId" in changed:
            if inputs.get("kmsKeyId"):
                logs.associate_kms_key(logGroupName=id_, kmsKeyId=inputs["kmsKeyId"])
            else:
                logs.disassociate_kms_key(logGroupName=id_)
        if "tags" in changed:
            _LOGS.sync(aws, aws.arn("logs", f"log-group:{id_}"), inputs, old)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        if not inputs.get("skipDestroy"):
            absent(lambda: aws.client("logs").delete_log_group(logGroupName=id_))

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["name"])
