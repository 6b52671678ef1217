"""SNS: topics, their policies and subscriptions."""

from __future__ import annotations

from typing import Any, ClassVar

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import resource
from penstock_deploy.provider.resource_type import ResourceType, absent, sync_tags, tag_list, tag_map
from penstock_deploy.values import Properties

_MISSING = ("NotFound",)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_TOPIC = {
    "displayName": "DisplayName",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}


@resource
class Topic(ResourceType):
    pulumi_type = "aws:sns/topic:Topic"
    inputs = "name fifoTopic " + " ".join(_TOPIC)
    outputs = "arn owner"
    immutable = "name fifoTopic"
    policies = "policy"
    documents = "deliveryPolicy"
    named = "name"
    prefix = "namePrefix"
    name_limit = 256
    taggable = True

    def create(self, aws: Aws, inputs: Properties) -> str:
        attributes = {theirs: _text(inputs[ours]) for ours, theirs in _TOPIC.items() if inputs.get(ours) is not None}
        if inputs.get("fifoTopic"):
            attributes["FifoTopic"] = "true"
        answer = aws.client("sns").create_topic(
            Name=inputs["name"], Attributes=attributes, Tags=tag_list(inputs.get("tags"))
        )
        return str(answer["TopicArn"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        sns = aws.client("sns")
        answer = absent(lambda: sns.get_topic_attributes(TopicArn=id_), *_MISSING)
        if answer is None:
            return None
        attributes = answer["Attributes"]
        found: Properties = {
            "name": id_.rsplit(":", 1)[-1],
            "arn": id_,
            "owner": attributes.get("Owner"),
            "region": aws.region,
            "tags": tag_map(sns.list_tags_for_resource(ResourceArn=id_).get("Tags")),
        }
        for ours, theirs in _TOPIC.items():
            if attributes.get(theirs):
                found[ours] = attributes[theirs]
            elif ours in known:
                found[ours] = None
        return found

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
        sns = aws.client("sns")
        for ours, theirs in _TOPIC.items():
            if ours in changed:
                value = "" if inputs.get(ours) is None else _text(inputs[ours])
                sns.set_topic_attributes(TopicArn=id_, AttributeName=theirs, AttributeValue=value)
        if "tags" in changed:
            sync_tags(
                inputs,
                old,
                lambda tags: sns.tag_resource(ResourceArn=id_, Tags=tag_list(tags)),
                lambda keys: sns.untag_resource(ResourceArn=id_, TagKeys=keys),
            )

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("sns").delete_topic(TopicArn=id_), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        return aws.arn("sns", inputs["name"])


@resource
class TopicPolicy(ResourceType):
    pulumi_type = "aws:sns/topicPolicy:TopicPolicy"
    inputs = "arn policy"
    outputs = "owner"
    required = "arn policy"
    immutable = "arn"
    policies = "policy"

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.client("sns").set_topic_attributes(
            TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
        )
        return str(inputs["arn"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:  # noqa: ARG002
        answer = absent(lambda: aws.client("sns").get_topic_attributes(TopicArn=id_), *_MISSING)
        if answer is None or not answer["Attributes"].get("Policy"):
            return None
        attributes = answer["Attributes"]
        return {"arn": id_, "policy": attributes["Policy"], "owner": attributes.get("Owner"), "region": aws.region}

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        self.create(aws, inputs)

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        """A topic always has a policy: deleting puts AWS's default back, which lets its owner's account use it."""
        import json

        default = {
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [
                {
                    "Sid": "__default_statement_ID",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes"],
                    "Resource": id_,
                    "Condition": {"StringEquals": {"AWS:SourceOwner": aws.account}},
                }
            ],
        }
        absent(
            lambda: aws.client("sns").set_topic_attributes(
                TopicArn=id_, AttributeName="Policy", AttributeValue=json.dumps(default)
            ),
            *_MISSING,
        )

    def locate(self, aws: Aws, inputs: Properties) -> str | None:  # noqa: ARG002
        return str(inputs["arn"])


_SUBSCRIPTION = {
    "rawMessageDelivery": "RawMessageDelivery",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "deliveryPolicy": "DeliveryPolicy",
    "redrivePolicy": "RedrivePolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


@resource
class TopicSubscription(ResourceType):
    pulumi_type = "aws:sns/topicSubscription:TopicSubscription"
    inputs = "topic protocol endpoint endpointAutoConfirms confirmationTimeoutInMinutes " + " ".join(_SUBSCRIPTION)
    outputs = "arn ownerId pendingConfirmation confirmationWasAuthenticated"
    required = "topic protocol endpoint"
    immutable = "topic protocol endpoint"
    defaults: ClassVar[dict[str, Any]] = {"endpointAutoConfirms": False, "rawMessageDelivery": False}
    documents = "filterPolicy deliveryPolicy redrivePolicy"

    def create(self, aws: Aws, inputs: Properties) -> str:
        attributes = {theirs: _text(inputs[ours]) for ours, theirs in _SUBSCRIPTION.items() if inputs.get(ours)}
        answer = aws.client("sns").subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )
        return str(answer["SubscriptionArn"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        answer = absent(lambda: aws.client("sns").get_subscription_attributes(SubscriptionArn=id_), *_MISSING)
        if answer is None:
            return None
        attributes = answer["Attributes"]
        found: Properties = {
            "arn": id_,
            "topic": attributes["TopicArn"],
            "protocol": attributes["Protocol"],
            "endpoint": attributes["Endpoint"],
            "ownerId": attributes.get("Owner"),
            "pendingConfirmation": attributes.get("PendingConfirmation") == "true",
            "confirmationWasAuthenticated": attributes.get("ConfirmationWasAuthenticated") == "true",
            "rawMessageDelivery": attributes.get("RawMessageDelivery") == "true",
            "region": aws.region,
        }
        for ours, theirs in _SUBSCRIPTION.items():
            if ours != "rawMessageDelivery" and (ours in known or attributes.get(theirs)):
                found[ours] = attributes.get(theirs) or None
        return found

    def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:  # noqa: ARG002
        for ours, theirs in _SUBSCRIPTION.items():
            if ours in changed:
                value = "" if inputs.get(ours) is None else _text(inputs[ours])
                aws.client("sns").set_subscription_attributes(
                    SubscriptionArn=id_, AttributeName=theirs, AttributeValue=value
                )

    def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:  # noqa: ARG002
        absent(lambda: aws.client("sns").unsubscribe(SubscriptionArn=id_), *_MISSING)

    def locate(self, aws: Aws, inputs: Properties) -> str | None:
        sns = aws.client("sns")
        pages = absent(
            lambda: list(sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=inputs["topic"])), *_MISSING
        )
        wanted = (inputs["protocol"], inputs["endpoint"])
        for page in pages or []:
            for item in page["Subscriptions"]:
                if (item["Protocol"], item["Endpoint"]) == wanted:
                    return str(item["SubscriptionArn"])
        return None
