"""A small function that runs by the clock."""

from __future__ import annotations

import json

import pulumi
from pulumi_aws import cloudwatch, iam, lambda_, scheduler, sqs
from pydantic import Field

from penstock_infra import function_code, grants, naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.errors import Settings
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text

MEMORY_MEGABYTES = 256
LONGEST_RUN_SECONDS = 300
LOGS_KEPT_DAYS = 30
UNDONE_KEPT_SECONDS = 14 * 24 * 3600
RETRY_FOR_SECONDS = 3600
MOST_RETRIES = 5
"""Of EventBridge Scheduler, where Lambda does not take the invocation; Lambda itself tries a failed run twice again."""


class Timing(Settings):
    """When the function runs, and what it is told."""

    purpose: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="part of the schedule's name: daily")
    expression: str = Field(description="EventBridge Scheduler's: cron(0 20 ? * MON-FRI *), rate(1 day)")
    timezone: str = Field(default="UTC", description="the expression's time zone, by its IANA name")
    event: dict[str, str] = Field(
        default_factory=dict,
        description="the function's event; Scheduler fills in context attributes such as <aws.scheduler.scheduled-time>",
    )


class ScheduledFunctionArguments(Arguments):
    """Which module runs, when, what it may do, and who hears of its failures."""

    purpose: tuple[str, ...] = Field(min_length=1, description="parts of the name: nightly-off")
    description: str = Field(min_length=1, max_length=256)
    module: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="of penstock_infra.functions: nightly_off")
    timings: tuple[Timing, ...] = Field(min_length=1)
    environment: dict[str, Text] = Field(default_factory=dict, description="encrypted with the key")
    may: tuple[Statement, ...] = Field(description="besides writing its own log")
    key_arn: Text = Field(description="KMS key of the environment; its policy lets IAM grant its use")
    topic_arn: Text = Field(description="the topic that failures are told to")
    permissions_boundary_arn: Text


class ScheduledFunction(Component):
    """A Lambda function, its role, log and schedules, an alarm on failures, and a queue of runs that failed for good.

    The function's and the schedules' roles may do nothing else than this. The log, encrypted by CloudWatch Logs with AWS's
    key, holds names and counts and is kept for 30 days. A run a day is far within the free tier of Lambda and Scheduler
    (then 0.20 USD and 1 USD for a million); the alarm costs about 0.10 USD a month.
    """

    TYPE = "penstock:operations:ScheduledFunction"

    arn: pulumi.Output[str]
    function_name: str

    def __init__(self, name: str, args: ScheduledFunctionArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.function_name = args.placement.name(naming.FUNCTION, *args.purpose)
        queue = sqs.Queue(
            name,
            name=args.placement.name(naming.QUEUE, *args.purpose),
            message_retention_seconds=UNDONE_KEPT_SECONDS,
            sqs_managed_sse_enabled=True,
            tags=self.tags,
            opts=self.child(),
        )
        log = cloudwatch.LogGroup(
            name,
            name=f"/aws/lambda/{self.function_name}",
            retention_in_days=LOGS_KEPT_DAYS,
            tags=self.tags,
            opts=self.child(),
        )
        role, permissions = self._role(
            name, args, "lambda.amazonaws.com", function_permissions(args, self.function_name, queue.arn)
        )
        function = lambda_.Function(
            name,
            name=self.function_name,
            description=args.description,
            runtime=function_code.RUNTIME,
            architectures=["arm64"],
            handler=function_code.handler(args.module),
            code=function_code.archive(args.module),
            role=role.arn,
            timeout=LONGEST_RUN_SECONDS,
            memory_size=MEMORY_MEGABYTES,
            environment={"variables": args.environment},
            kms_key_arn=args.key_arn,
            dead_letter_config={"target_arn": queue.arn},
            tags=self.tags,
            opts=self.child(depends_on=[log, permissions]),
        )
        self.arn = function.arn
        self._schedules(name, args, queue)
        self._alarm(name, args)
        self.finish({"arn": self.arn, "functionName": self.function_name, "undoneQueueUrl": queue.url})

    def _role(
        self, name: str, args: ScheduledFunctionArguments, service: str, may: Document
    ) -> tuple[iam.Role, iam.RolePolicy]:
        """The role of the function, or of its schedules, with its one policy."""
        who = service.split(".")[0]
        role = iam.Role(
            f"{name}-{who}",
            name=args.placement.name(naming.ROLE, *args.purpose, who),
            description=f"{args.description} ({who})",
            assume_role_policy=service_trust(service, account=args.placement.account).render(),
            permissions_boundary=args.permissions_boundary_arn,
            tags=self.tags,
            opts=self.child(),
        )
        policy = iam.RolePolicy(
            f"{name}-{who}", name="permissions", role=role.name, policy=may.render(), opts=self.child()
        )
        return role, policy

    def _schedules(self, name: str, args: ScheduledFunctionArguments, queue: sqs.Queue) -> None:
        role, permissions = self._role(name, args, "scheduler.amazonaws.com", schedule_permissions(self.arn, queue.arn))
        for timing in args.timings:
            scheduler.Schedule(
                f"{name}-{timing.purpose}",
                name=args.placement.name(naming.SCHEDULE, *args.purpose, timing.purpose),
                description=args.description,
                schedule_expression=timing.expression,
                schedule_expression_timezone=timing.timezone,
                flexible_time_window={"mode": "OFF"},
                target={
                    "arn": self.arn,
                    "role_arn": role.arn,
                    "input": json.dumps(timing.event, sort_keys=True),
                    "dead_letter_config": {"arn": queue.arn},
                    "retry_policy": {
                        "maximum_event_age_in_seconds": RETRY_FOR_SECONDS,
                        "maximum_retry_attempts": MOST_RETRIES,
                    },
                },
                opts=self.child(depends_on=[permissions]),
            )

    def _alarm(self, name: str, args: ScheduledFunctionArguments) -> None:
        cloudwatch.MetricAlarm(
            name,
            name=args.placement.name(naming.ALARM, *args.purpose, "failed"),
            alarm_description=f"{self.function_name} failed: see its log group /aws/lambda/{self.function_name}",
            namespace="AWS/Lambda",
            metric_name="Errors",
            dimensions={"FunctionName": self.function_name},
            statistic="Sum",
            period=300,
            evaluation_periods=1,
            threshold=0,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[args.topic_arn],
            tags=self.tags,
            opts=self.child(),
        )


def function_permissions(args: ScheduledFunctionArguments, function_name: str, queue_arn: Text) -> Document:
    """What its caller grants, its own log, its environment's key, and the queue of what failed."""
    return Document.of(
        *args.may,
        grants.write_logs("WriteOwnLog", args.placement, f"/aws/lambda/{function_name}"),
        grants.use_keys("ReadOwnEnvironment", args.key_arn, write=False),
        Statement(sid="KeepWhatFailed", actions=("sqs:SendMessage",), resources=(queue_arn,)),
    )


def schedule_permissions(function_arn: Text, queue_arn: Text) -> Document:
    """Invoking the one function, and keeping what could not be."""
    return Document.of(
        Statement(sid="InvokeTheFunction", actions=("lambda:InvokeFunction",), resources=(function_arn,)),
        Statement(sid="KeepWhatFailed", actions=("sqs:SendMessage",), resources=(queue_arn,)),
    )
