"""The alarm that a model's input or output has shifted."""

from __future__ import annotations

import pulumi
from pulumi_aws import cloudwatch
from pydantic import Field

from penstock_infra.components.component import Arguments, Component
from penstock_infra.events import DRIFT_ALARM_PREFIX
from penstock_infra.inputs import Text
from penstock_infra.model import ModelName

NAMESPACE = "Penstock/Drift"
METRIC = "Violations"


class DriftAlarmArguments(Arguments):
    """The model, whom to tell, and how many violated constraints are borne."""

    model: ModelName
    topic_arn: Text
    period_seconds: int = Field(default=60, ge=10)
    violations_allowed: int = Field(default=0, ge=0)


class DriftAlarm(Component):
    """A CloudWatch alarm on the violations that the model's drift job reports. About 0.10 USD a month."""

    TYPE = "penstock:monitoring:DriftAlarm"

    arn: pulumi.Output[str]
    alarm_name: str

    def __init__(self, name: str, args: DriftAlarmArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.alarm_name = f"{DRIFT_ALARM_PREFIX}{args.model}"
        alarm = cloudwatch.MetricAlarm(
            name,
            name=self.alarm_name,
            alarm_description=f"What {args.model} is asked or answers has shifted from its baseline",
            namespace=NAMESPACE,
            metric_name=METRIC,
            dimensions={"Model": args.model},
            statistic="Maximum",
            period=args.period_seconds,
            evaluation_periods=1,
            threshold=args.violations_allowed,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[args.topic_arn],
            tags=self.tags,
            opts=self.child(),
        )
        self.arn = alarm.arn
        self.finish({"arn": self.arn, "alarmName": self.alarm_name})
