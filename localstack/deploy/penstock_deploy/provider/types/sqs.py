"""SQS: queues."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent, sync_tags
from penstock_deploy.values import Properties

_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_ATTRIBUTES = {
    "delaySeconds": "DelaySeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "policy": "Policy",
    "redrivePolicy": "RedrivePolicy",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "fifoThroughputLimit": "FifoThroughputLimit",
}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@resource
class Queue(ResourceType):
    pulumi_type = "aws:sqs/queue:Queue"
    inputs = "name fifoQueue " + " ".join(_ATTRIBUTES)
    outputs = "arn url"
    immutable = "name fifoQueue"
    defaults: ClassVar[dict[str, Any]] = {
        "delaySeconds": 0,
        "messageRetentionSeconds": 345600,
        "receiveWaitTimeSeconds": 0,
        "visibilityTimeoutSeconds": 30,
        "fifoQueue": False,
    }
    policies = "policy"
    documents = "redrivePolicy redriveAllowPolicy"
    named = "name"
    prefix = "namePrefix"
    name_limit = 80
    taggable = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        attributes = {
            theirs: _text(inputs[ours]) for ours, theirs in _ATTRIBUTES.items() if inputs.get(ours) is not None
        }
        if inputs.get("fifoQueue"):
            attributes["FifoQueue"] = "true"
        answer = aws.client("sqs").create_queue(
            QueueName=inputs["name"], Attributes=attributes, tags=inputs.get("tags") or {}
        )
        return str(answer["QueueUrl"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        sqs = aws.client("sqs")
        answer = absent(lambda: sqs.get_queue_attributes(QueueUrl=id_, AttributeNames=["All"]), *_MISSING)
        if answer is None:
            return None
        attributes = answer["Attributes"]
        found: Properties = {
            "name": id_.rsplit("/", 1)[-1],
            "url": id_,
            "arn": attributes["QueueArn"],
            "region": aws.region,
            "tags": sqs.list_queue_tags(QueueUrl=id_).get("Tags") or {},
        }
        for ours, theirs in _ATTRIBUTES.items():
            if ours in known:
                text = attributes.get(theirs)
                found[ours] = int(text) if text and text.isdigit() else text or None
        return found

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        sqs = aws.client("sqs")
        attributes = {
            theirs: "" if inputs.get(ours) is None else _text(inputs[ours])
            for ours, theirs in _ATTRIBUTES.items()
            if ours in changed
        }
        if attributes:
            sqs.set_queue_attributes(QueueUrl=id_, Attributes=attributes)
        if "tags" in changed:
            sync_tags(
                inputs,
                old,
                lambda tags: sqs.tag_queue(QueueUrl=id_, Tags=tags),
                lambda keys: sqs.untag_queue(QueueUrl=id_, TagKeys=keys),
            )

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("sqs").delete_queue(QueueUrl=id_), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        answer = absent(lambda: aws.client("sqs").get_queue_url(QueueName=inputs["name"]), *_MISSING)
        return str(answer["QueueUrl"]) if answer else None
