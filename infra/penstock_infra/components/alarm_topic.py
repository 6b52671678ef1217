"""The topic that alarms are told to."""

from __future__ import annotations

from typing import Annotated

import pulumi
from pulumi_aws import sns
from pydantic import StringConstraints

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document, Statement
from penstock_infra.inputs import Text

type Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


class AlarmTopicArguments(Arguments):
    """The topic's key, whose policy must let CloudWatch use it, and who is mailed."""

    key_arn: Text
    emails: tuple[Email, ...] = ()


class AlarmTopic(Component):
    """An encrypted SNS topic that CloudWatch's alarms of this account publish to, with mail subscriptions.

    Every address gets a mail that asks to confirm. 1,000 mails a month are free, then 2 USD for 100,000.
    """

    TYPE = "penstock:operations:AlarmTopic"

    arn: pulumi.Output[str]
    topic_name: str

    def __init__(self, name: str, args: AlarmTopicArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.topic_name = args.placement.name(naming.TOPIC, "alarms")
        topic = sns.Topic(name, name=self.topic_name, kms_master_key_id=args.key_arn, tags=self.tags, opts=self.child())
        sns.TopicPolicy(name, arn=topic.arn, policy=topic_policy(args, self.topic_name).render(), opts=self.child())
        for email in args.emails:
            sns.TopicSubscription(
                f"{name}-{naming.digest(email)}", topic=topic.arn, protocol="email", endpoint=email, opts=self.child()
            )
        self.arn = topic.arn
        self.finish({"arn": self.arn})


def topic_policy(args: AlarmTopicArguments, topic_name: str) -> Document:
    """CloudWatch may publish the alarms of this account."""
    return Document.of(
        Statement(
            sid="AlarmsOfThisAccount",
            actions=("sns:Publish",),
            resources=(args.placement.arn("sns", topic_name),),
            principals={"Service": ["cloudwatch.amazonaws.com"]},
            conditions={"StringEquals": {"aws:SourceAccount": [args.placement.account]}},
        )
    )
