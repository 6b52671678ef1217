"""What starts a model's pipeline anew."""

from __future__ import annotations

import json
from typing import Any, Self

import pulumi
from pulumi_aws import cloudwatch, iam, scheduler, sqs
from pydantic import Field, model_validator

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.model_quality_alarm import RETRAINING_PREFIX
from penstock_infra.events import DRIFT_ALARM_PREFIX
from penstock_infra.iam import Document, Statement, service_trust
from penstock_infra.inputs import Text
from penstock_infra.model import ModelName

RETRY_FOR_SECONDS = 3600
MOST_RETRIES = 10
UNDONE_KEPT_SECONDS = 14 * 24 * 3600


class RetrainTriggerArguments(Arguments):
    """The model's pipeline, when it is started, and with which parameters."""

    model: ModelName
    on_drift: bool = Field(default=True, description="when the model's drift or quality alarm goes off")
    schedule: str | None = Field(default=None, description="EventBridge Scheduler's expression; none for no schedule")
    timezone: str = Field(default="UTC", description="the expression's time zone, by its IANA name")
    parameters: dict[str, str] = Field(
        default_factory=dict, description="of the pipeline; those without a default must all be here"
    )
    permissions_boundary_arn: Text

    @model_validator(mode="after")
    def _by_something(self) -> Self:
        if not self.on_drift and self.schedule is None:
            raise ValueError("nothing would ever start the pipeline: set on_drift or schedule")
        return self


class RetrainTrigger(Component):
    """Starts the model's SageMaker pipeline when its drift or quality alarm goes off, or by the clock, without GitHub.

    With a repository, `RepositoryDispatch` tells `train.yml` of the drift, which knows the windows of the landed data; this
    is for pipelines whose parameters need no such knowledge. What could not be started is kept in a queue. It costs nothing
    by itself; the pipeline's jobs do.
    """

    TYPE = "penstock:monitoring:RetrainTrigger"

    undone_queue_url: pulumi.Output[str]

    def __init__(self, name: str, args: RetrainTriggerArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        placement = args.placement
        queue_name = placement.name(naming.QUEUE, "retrain", args.model)
        queue = sqs.Queue(
            name,
            name=queue_name,
            message_retention_seconds=UNDONE_KEPT_SECONDS,
            sqs_managed_sse_enabled=True,
            policy=queue_policy(args, queue_name).render() if args.on_drift else None,
            tags=self.tags,
            opts=self.child(),
        )
        if args.on_drift:
            self._on_drift(name, args, queue)
        if args.schedule is not None:
            self._by_the_clock(name, args, args.schedule, queue)
        self.undone_queue_url = queue.url
        self.finish({"undoneQueueUrl": self.undone_queue_url})

    def _role(self, name: str, args: RetrainTriggerArguments, service: str, queue: sqs.Queue | None) -> Any:
        """The role with which EventBridge, or its Scheduler, starts the one pipeline."""
        who = service.split(".")[0]
        role = iam.Role(
            f"{name}-retrain-{who}",
            name=args.placement.name(naming.ROLE, "retrain", args.model, who),
            description=f"Starts the pipeline of {args.model}",
            assume_role_policy=service_trust(service, account=args.placement.account).render(),
            permissions_boundary=args.permissions_boundary_arn,
            tags=self.tags,
            opts=self.child(),
        )
        iam.RolePolicy(
            f"{name}-retrain-{who}",
            name="permissions",
            role=role.name,
            policy=permissions(args, None if queue is None else queue.arn).render(),
            opts=self.child(),
        )
        return role

    def _on_drift(self, name: str, args: RetrainTriggerArguments, queue: sqs.Queue) -> None:
        rule = cloudwatch.EventRule(
            f"{name}-retrain",
            name=rule_name(args),
            description=f"The drift or quality alarm of {args.model} went off",
            event_pattern=json.dumps(pattern(args), separators=(",", ":"), sort_keys=True),
            tags=self.tags,
            opts=self.child(),
        )
        cloudwatch.EventTarget(
            f"{name}-retrain",
            rule=rule.name,
            target_id="pipeline",
            arn=pipeline_arn(args),
            role_arn=self._role(name, args, "events.amazonaws.com", None).arn,
            sagemaker_pipeline_target={"pipeline_parameter_lists": _parameters(args)},
            retry_policy={
                "maximum_event_age_in_seconds": RETRY_FOR_SECONDS,
                "maximum_retry_attempts": MOST_RETRIES,
            },
            dead_letter_config={"arn": queue.arn},
            opts=self.child(),
        )

    def _by_the_clock(self, name: str, args: RetrainTriggerArguments, expression: str, queue: sqs.Queue) -> None:
        scheduler.Schedule(
            f"{name}-retrain",
            name=args.placement.name(naming.SCHEDULE, "retrain", args.model),
            description=f"Trains {args.model} anew",
            schedule_expression=expression,
            schedule_expression_timezone=args.timezone,
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": pipeline_arn(args),
                "role_arn": self._role(name, args, "scheduler.amazonaws.com", queue).arn,
                "sagemaker_pipeline_parameters": {"pipeline_parameters": _parameters(args)},
                "dead_letter_config": {"arn": queue.arn},
                "retry_policy": {
                    "maximum_event_age_in_seconds": RETRY_FOR_SECONDS,
                    "maximum_retry_attempts": MOST_RETRIES,
                },
            },
            opts=self.child(),
        )


def rule_name(args: RetrainTriggerArguments) -> str:
    """The physical name of the rule."""
    return args.placement.name(naming.EVENT, "retrain", args.model)


def pipeline_arn(args: RetrainTriggerArguments) -> str:
    """The model's pipeline, which has its name."""
    return args.placement.arn("sagemaker", f"pipeline/{args.model}")


def pattern(args: RetrainTriggerArguments) -> dict[str, Any]:
    """The event: this model's drift alarm, or that of its quality, is in ALARM."""
    alarms = [f"{prefix}{args.model}" for prefix in (DRIFT_ALARM_PREFIX, RETRAINING_PREFIX)]
    return {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": alarms, "state": {"value": ["ALARM"]}},
    }


def permissions(args: RetrainTriggerArguments, queue_arn: Text | None) -> Document:
    """Starting the one pipeline, and, by the clock, keeping what could not be started."""
    start = Statement(
        sid="StartThePipeline", actions=("sagemaker:StartPipelineExecution",), resources=(pipeline_arn(args),)
    )
    if queue_arn is None:
        return Document.of(start)
    return Document.of(start, Statement(sid="KeepWhatFailed", actions=("sqs:SendMessage",), resources=(queue_arn,)))


def queue_policy(args: RetrainTriggerArguments, queue_name: str) -> Document:
    """The rule, and nothing else, may leave what it could not start; the schedule does so with its role."""
    placement = args.placement
    return Document.of(
        Statement(
            sid="UndoneStarts",
            actions=("sqs:SendMessage",),
            resources=(placement.arn("sqs", queue_name),),
            principals={"Service": ["events.amazonaws.com"]},
            conditions={"ArnEquals": {"aws:SourceArn": [placement.arn("events", f"rule/{rule_name(args)}")]}},
        )
    )


def _parameters(args: RetrainTriggerArguments) -> list[Any]:
    return [{"name": name, "value": value} for name, value in sorted(args.parameters.items())]
