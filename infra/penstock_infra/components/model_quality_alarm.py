"""The alarm that a model's answers have become worse than they may be."""

from __future__ import annotations

from typing import Self

import pulumi
from pulumi_aws import cloudwatch
from pydantic import Field, model_validator

from penstock_infra.components.component import Arguments, Component
from penstock_infra.events import DRIFT_ALARM_PREFIX
from penstock_infra.inputs import Text
from penstock_infra.model import ModelName
from penstock_infra.quality import LESS_IS_BETTER, METRICS

NAMESPACE = "aws/sagemaker/Endpoints/model-metrics"
"""Of real-time endpoints; dimensions `Endpoint` and `MonitoringSchedule` (developer guide, "Model quality metrics and Amazon
CloudWatch monitoring")."""
ALARM_PREFIX = "penstock-quality-"
RETRAINING_PREFIX = f"{DRIFT_ALARM_PREFIX}quality-"
"""Of alarms that start the retraining, as drift alarms do."""
PERIOD_SECONDS = 3600
LONGEST_HOURS = 7 * 24
"""What CloudWatch looks back at most with periods of an hour (API reference, PutMetricAlarm)."""


class ModelQualityAlarmArguments(Arguments):
    """The metric of a `ModelQualityMonitor`, the value that it may not pass, and whom to tell."""

    model: ModelName
    endpoint_name: Text
    schedule_name: Text = Field(description="the ModelQualityMonitor's")
    metric: str = Field(description="as it is called in statistics.json")
    bound: float = Field(description="the metric's worst value that is borne: its least, or of errors its most")
    hours: int = Field(
        default=4,
        ge=2,
        le=LONGEST_HOURS,
        description="how far back a value may lie: it bears the time at which the job's requests begin",
    )
    retrains: bool = Field(default=True, description="the alarm starts the retraining, as the drift alarm does")
    topic_arn: Text

    @model_validator(mode="after")
    def _is_computed(self) -> Self:
        if self.metric not in frozenset().union(*METRICS.values()):
            raise ValueError(f"metric: Model Monitor computes no {self.metric!r}")
        return self


class ModelQualityAlarm(Component):
    """A CloudWatch alarm on one metric of a model's quality in service. About 0.10 USD a month."""

    TYPE = "penstock:monitoring:ModelQualityAlarm"

    arn: pulumi.Output[str]
    alarm_name: str

    def __init__(self, name: str, args: ModelQualityAlarmArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.alarm_name = f"{RETRAINING_PREFIX if args.retrains else ALARM_PREFIX}{args.model}"
        errors = args.metric in LESS_IS_BETTER
        alarm = cloudwatch.MetricAlarm(
            f"{name}-quality",
            name=self.alarm_name,
            alarm_description=f"The {args.metric} of what {args.model} answers is worse than {args.bound:g}",
            namespace=NAMESPACE,
            metric_name=args.metric,
            dimensions={"Endpoint": args.endpoint_name, "MonitoringSchedule": args.schedule_name},
            statistic="Maximum" if errors else "Minimum",
            period=PERIOD_SECONDS,
            evaluation_periods=args.hours,
            datapoints_to_alarm=1,
            threshold=args.bound,
            comparison_operator="GreaterThanThreshold" if errors else "LessThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[args.topic_arn],
            tags=self.tags,
            opts=self.child(),
        )
        self.arn = alarm.arn
        self.finish({"arn": self.arn, "alarmName": self.alarm_name})
