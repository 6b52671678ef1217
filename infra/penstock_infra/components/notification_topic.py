"""Topics that people are told through: of alarms, and of what things cost."""

from __future__ import annotations

from typing import Annotated, Literal

import pulumi
from pulumi_aws import sns
from pydantic import Field, StringConstraints

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document, Statement
from penstock_infra.inputs import Text
from penstock_infra.placement import Placement

type Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
type Publisher = Literal["budgets", "cloudwatch", "events"]


class NotificationTopicArguments(Arguments):
    """What the topic tells, its key (whose policy must let the publishers use it), and who is mailed."""

    purpose: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="part of the name: alarms, costs")
    publishers: tuple[Publisher, ...] = Field(min_length=1, description="AWS services of this account that may publish")
    key_arn: Text = Field(description="the KMS key of the messages")
    emails: tuple[Email, ...] = Field(default=(), description="addresses that every message is mailed to")


class NotificationTopic(Component):
    """An encrypted SNS topic that named AWS services publish to for this account alone, with mail subscriptions.

    Every address gets a mail that asks to confirm. 1,000 mails a month are free, then 2 USD for 100,000.
    """

    TYPE = "penstock:operations:NotificationTopic"

    arn: pulumi.Output[str]
    topic_name: str

    def __init__(self, name: str, args: NotificationTopicArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        # Stacks of the first release have their alarms' topic under this name: it is the same topic.
        before = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_="penstock:operations:AlarmTopic")])
        super().__init__(name, args, pulumi.ResourceOptions.merge(before, opts))
        self.topic_name = args.placement.name(naming.TOPIC, args.purpose)
        topic = sns.Topic(name, name=self.topic_name, kms_master_key_id=args.key_arn, tags=self.tags, opts=self.child())
        policy = sns.TopicPolicy(
            name, arn=topic.arn, policy=topic_policy(args, self.topic_name).render(), opts=self.child()
        )
        for email in args.emails:
            sns.TopicSubscription(
                f"{name}-{naming.digest(email)}", topic=topic.arn, protocol="email", endpoint=email, opts=self.child()
            )
        # Whoever makes a publisher next finds the topic open to it: AWS Budgets checks that at once.
        self.arn = pulumi.Output.all(topic.arn, policy.id).apply(lambda known: str(known[0]))
        self.finish({"arn": self.arn})


def sources(placement: Placement) -> dict[Publisher, str]:
    """What each publisher says that it publishes for (`aws:SourceArn`), as far as its service documents it.

    https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html and
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    return {
        "budgets": placement.global_arn("budgets", "*"),
        "cloudwatch": placement.arn("cloudwatch", "alarm:*"),
        "events": placement.arn("events", "rule/*"),
    }


def topic_policy(args: NotificationTopicArguments, topic_name: str) -> Document:
    """Each publisher may publish for alarms, budgets or rules of this account and region, and nobody else may."""
    return Document.of(
        *(
            Statement(
                sid=f"{publisher.capitalize()}OfThisAccount",
                actions=("sns:Publish",),
                resources=(args.placement.arn("sns", topic_name),),
                principals={"Service": [f"{publisher}.amazonaws.com"]},
                conditions={
                    "StringEquals": {"aws:SourceAccount": [args.placement.account]},
                    "ArnLike": {"aws:SourceArn": [sources(args.placement)[publisher]]},
                },
            )
            for publisher in sorted(args.publishers)
        )
    )
