"""The alarms on an endpoint's variant: errors and latency."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch

from penstock_infra.components.component import Arguments, Component
from penstock_infra.hosting import VARIANT
from penstock_infra.inputs import Text
from penstock_infra.serving import AlarmSettings

ENDPOINT_ALARM_PREFIX = "penstock-endpoint-"
NAMESPACE = "AWS/SageMaker"
PURPOSES = ("errors", "latency")


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A metric of a variant, and the value above which it alarms."""

    metric: str
    statistic: str
    threshold: float
    says: str


class EndpointAlarmsArguments(Arguments):
    """The endpoint and variant, the configuration that is to be judged, and whom to tell.

    `endpoint_config_name` narrows the alarms to the fleet of one configuration. While traffic moves, old and new fleet
    serve under one endpoint: so the new one is judged alone, and an old one that fails cannot undo the deployment that
    mends it (SageMaker developer guide, "Auto-Rollback Configuration and Monitoring"). Left out where SageMaker has no
    such metric (serverless, asynchronous).
    """

    endpoint_name: str
    variant: str = VARIANT
    endpoint_config_name: Text | None = None
    queued: bool = False
    settings: AlarmSettings = AlarmSettings()
    topic_arn: Text


class EndpointAlarms(Component):
    """Two CloudWatch alarms on one variant: the share of 5xx answers, and the mean time in the model.

    Of an asynchronous endpoint (`queued`): invocations that failed, and the mean time in the queue. Their names depend on
    endpoint and variant alone. About 0.20 USD a month.
    """

    TYPE = "penstock:monitoring:EndpointAlarms"

    alarm_names: tuple[str, ...]

    def __init__(self, name: str, args: EndpointAlarmsArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        dimensions: dict[str, Text] = {"EndpointName": args.endpoint_name, "VariantName": args.variant}
        if args.endpoint_config_name is not None:
            dimensions["EndpointConfigName"] = args.endpoint_config_name
        for purpose, watched in zip(PURPOSES, _watched(args), strict=True):
            cloudwatch.MetricAlarm(
                f"{name}-{purpose}",
                name=alarm_name(args.endpoint_name, args.variant, purpose),
                alarm_description=f"{args.variant} of {args.endpoint_name}: {watched.says}",
                namespace=NAMESPACE,
                metric_name=watched.metric,
                dimensions=dimensions,
                statistic=watched.statistic,
                period=args.settings.period_seconds,
                evaluation_periods=args.settings.periods,
                threshold=watched.threshold,
                comparison_operator="GreaterThanThreshold",
                treat_missing_data="notBreaching",
                alarm_actions=[args.topic_arn],
                tags=self.tags,
                opts=self.child(),
            )
        self.alarm_names = alarm_names(args.endpoint_name, args.variant)
        self.finish({"alarmNames": list(self.alarm_names)})


def _watched(args: EndpointAlarmsArguments) -> tuple[Watched, Watched]:
    """Errors and latency, in the units of SageMaker's metrics: shares of 1, and microseconds."""
    errors, latency = args.settings.error_percent, args.settings.latency_milliseconds
    if args.queued:
        failed = Watched(
            metric="InvocationFailures", statistic="Average", threshold=errors / 100, says=f"over {errors:g} % failed"
        )
        slow = Watched(
            metric="TimeInBacklog",
            statistic="Average",
            threshold=latency * 1000,
            says=f"over {latency} ms in the queue",
        )
        return failed, slow
    failed = Watched(
        metric="Invocation5XXErrors", statistic="Average", threshold=errors / 100, says=f"over {errors:g} % of 5xx"
    )
    slow = Watched(
        metric="ModelLatency", statistic="Average", threshold=latency * 1000, says=f"over {latency} ms in the model"
    )
    return failed, slow


def alarm_name(endpoint: str, variant: str, purpose: str) -> str:
    """The name of one alarm: `penstock-endpoint-<endpoint>-errors`; a challenger's holds its variant."""
    of = "" if variant == VARIANT else f"{variant.lower()}-"
    return f"{ENDPOINT_ALARM_PREFIX}{endpoint}-{of}{purpose}"


def alarm_names(endpoint: str, variant: str = VARIANT) -> tuple[str, ...]:
    """The names of a variant's alarms, known before they exist."""
    return tuple(alarm_name(endpoint, variant, purpose) for purpose in PURPOSES)
