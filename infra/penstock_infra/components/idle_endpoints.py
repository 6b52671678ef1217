"""Telling of endpoints that nobody asks."""

from __future__ import annotations

import pulumi
from pydantic import Field

from penstock_infra import grants
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.scheduled_function import ScheduledFunction, ScheduledFunctionArguments, Timing
from penstock_infra.functions.idle_endpoints import METRIC, NAMESPACE
from penstock_infra.iam import Statement
from penstock_infra.inputs import Text


class IdleEndpointsArguments(Arguments):
    """What counts as idle, when it is looked for, and who hears of it."""

    hours: int = Field(default=24, ge=1, le=24 * 14, description="hours without a request that make an endpoint idle")
    schedule: str = Field(default="cron(0 8 * * ? *)", description="EventBridge Scheduler's expression")
    timezone: str = Field(default="UTC", description="the expression's time zone, by its IANA name")
    key_arn: Text = Field(description="KMS key of the topic and of the function's settings")
    topic_arn: Text
    permissions_boundary_arn: Text


class IdleEndpoints(Component):
    """Looks once a day for endpoints of the stack that cost by the hour and were not asked anything, and names them.

    A message to the topic, and the metric `Penstock/Operations` `IdleEndpoints` for the dashboard. It changes nothing.
    About 0.40 USD a month: an alarm on its own failure, and one metric.
    """

    TYPE = "penstock:operations:IdleEndpoints"

    arn: pulumi.Output[str]
    function_name: str

    def __init__(self, name: str, args: IdleEndpointsArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        function = ScheduledFunction(
            name,
            ScheduledFunctionArguments(
                placement=args.placement,
                purpose=("idle-endpoints",),
                description="Names endpoints that nobody asks",
                module="idle_endpoints",
                timings=(Timing(purpose="look", expression=args.schedule, timezone=args.timezone),),
                environment={
                    "STACK": args.placement.stack,
                    "IDLE_HOURS": str(args.hours),
                    "TOPIC_ARN": args.topic_arn,
                },
                may=permissions(args),
                key_arn=args.key_arn,
                topic_arn=args.topic_arn,
                permissions_boundary_arn=args.permissions_boundary_arn,
            ),
            opts=self.child(),
        )
        self.arn = function.arn
        self.function_name = function.function_name
        self.finish({"arn": self.arn, "functionName": self.function_name, "metric": f"{NAMESPACE}/{METRIC}"})


def permissions(args: IdleEndpointsArguments) -> tuple[Statement, ...]:
    """Reading endpoints and their metrics, writing one metric, telling the topic."""
    return (
        *grants.find_endpoints(args.placement),
        Statement(
            sid="AnyResourceReadingMetricsHasNoArn", actions=("cloudwatch:GetMetricStatistics",), resources=("*",)
        ),
        grants.put_metrics(NAMESPACE),
        grants.publish("TellTheTopic", args.topic_arn),
        grants.use_keys("EncryptMessages", args.key_arn),
    )
