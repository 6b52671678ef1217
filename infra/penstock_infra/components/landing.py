"""Where data arrives, and how it is heard of."""

from __future__ import annotations

import json

import pulumi
from pulumi_aws import cloudwatch, s3, sqs
from pydantic import Field

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.iam import Document, Statement
from penstock_infra.inputs import Text

PREFIX = "landing/"
QUEUE = RULE = "landing"
KEPT_SECONDS = 14 * 86_400
"""How long SQS keeps a message at most."""
HANDLED_WITHIN_SECONDS = 900
"""How long a reader may take for a message before another gets it."""


class LandingArguments(Arguments):
    """The bucket that data arrives in, and the key of the messages about it."""

    bucket: Text = Field(description="the raw zone's bucket")
    key_arn: Text = Field(description="a KMS key that EventBridge may write with: the messages are encrypted with it")
    attempts: int = Field(default=5, ge=1, le=100, description="reads of a message before it is set aside")


class Landing(Component):
    """An event for every object that arrives below `landing/` of the raw bucket, in a queue for whoever ingests it.

    S3 tells EventBridge of all changes in the bucket; a rule takes new objects of that prefix to the queue; what is read
    in vain `attempts` times goes to a second queue. Both keep messages 14 days. EventBridge's own events of S3 are free,
    SQS costs 0.40 USD a million requests.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
    """

    TYPE = "penstock:lake:Landing"

    queue_url: pulumi.Output[str]
    queue_arn: pulumi.Output[str]

    def __init__(self, name: str, args: LandingArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        placement = args.placement
        aside = sqs.Queue(
            f"{name}-aside",
            name=placement.name(naming.QUEUE, QUEUE, "aside"),
            message_retention_seconds=KEPT_SECONDS,
            kms_master_key_id=args.key_arn,
            tags=self.tags,
            opts=self.child(),
        )
        queue = sqs.Queue(
            name,
            name=placement.name(naming.QUEUE, QUEUE),
            message_retention_seconds=KEPT_SECONDS,
            visibility_timeout_seconds=HANDLED_WITHIN_SECONDS,
            kms_master_key_id=args.key_arn,
            policy=queue_policy(args).render(),
            redrive_policy=aside.arn.apply(
                lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": args.attempts})
            ),
            tags=self.tags,
            opts=self.child(),
        )
        rule = cloudwatch.EventRule(
            name,
            name=placement.name(naming.EVENT, RULE),
            description=f"Objects that arrive below {PREFIX} of the raw zone",
            event_pattern=pulumi.Output.concat(args.bucket).apply(arrivals),
            tags=self.tags,
            opts=self.child(),
        )
        target = cloudwatch.EventTarget(name, rule=rule.name, target_id="queue", arn=queue.arn, opts=self.child())
        s3.BucketNotification(name, bucket=args.bucket, eventbridge=True, opts=self.child(depends_on=[target]))
        self.queue_url = queue.url
        self.queue_arn = queue.arn
        self.finish({"queueUrl": self.queue_url, "queueArn": self.queue_arn})


def arrivals(bucket: str) -> str:
    """The event pattern of objects that arrive below `landing/` of a bucket."""
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": PREFIX}]}},
    }
    return json.dumps(pattern, separators=(",", ":"), sort_keys=True)


def queue_policy(args: LandingArguments) -> Document:
    """The rule, and nothing else, may write to the queue."""
    placement = args.placement
    return Document.of(
        Statement(
            sid="ArrivalsOfThisRule",
            actions=("sqs:SendMessage",),
            resources=(placement.arn("sqs", placement.name(naming.QUEUE, QUEUE)),),
            principals={"Service": ["events.amazonaws.com"]},
            conditions={
                "ArnEquals": {"aws:SourceArn": [placement.arn("events", f"rule/{placement.name(naming.EVENT, RULE)}")]}
            },
        )
    )
