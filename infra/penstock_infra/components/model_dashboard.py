"""What there is to see of a model in service."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from pulumi_aws import cloudwatch
from pydantic import Field

from penstock_infra import naming, widgets
from penstock_infra.components import drift_alarm
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text
from penstock_infra.model import ModelName

ENDPOINT = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"
VARIANT = ("EndpointName", "VariantName")


class ModelDashboardArguments(Arguments):
    """The model, its endpoint, the features that are watched, and its alarms."""

    model: ModelName
    endpoint_name: str = Field(description="the endpoint's name, whether it is there yet or not")
    features: tuple[str, ...] = Field(default=(), description="columns whose distance from the baseline is shown")
    alarm_arns: tuple[Text, ...] = ()


class ModelDashboard(Component):
    """A CloudWatch dashboard of one model: requests, errors, latency, load, drift, and the state of its alarms.

    Each of the endpoint's variants has a line of its own, a challenger's too. 3 USD a month (an account's first three are
    free).
    """

    TYPE = "penstock:monitoring:ModelDashboard"

    arn: pulumi.Output[str]
    dashboard_name: str

    def __init__(self, name: str, args: ModelDashboardArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.dashboard_name = args.placement.name(naming.DASHBOARD, args.model)
        dashboard = cloudwatch.Dashboard(
            name,
            dashboard_name=self.dashboard_name,
            dashboard_body=pulumi.Output.from_input(body(args)).apply(lambda known: json.dumps(known, sort_keys=True)),
            opts=self.child(),
        )
        self.arn = dashboard.dashboard_arn
        self.finish({"arn": self.arn, "dashboardName": self.dashboard_name})


def body(args: ModelDashboardArguments) -> dict[str, Any]:
    """The dashboard's widgets; the alarms' ARNs may come later."""
    region, endpoint = args.placement.region, args.endpoint_name

    def of_endpoint(title: str, metric: str, statistic: str, unit: str, namespace: str = ENDPOINT) -> widgets.Widget:
        found = widgets.search(namespace, VARIANT, metric, statistic, EndpointName=endpoint)
        return widgets.graph(title, region, found, statistic=statistic, unit=unit)

    def of_drift(title: str, *metrics: str, unit: str) -> widgets.Widget:
        lines = [[drift_alarm.NAMESPACE, metric, "Model", args.model] for metric in metrics]
        return widgets.graph(title, region, *lines, statistic="Maximum", unit=unit)

    shown = [
        widgets.text(f"# {args.model}\nStack {args.placement.stack}, endpoint {endpoint}"),
        of_endpoint("Requests", "Invocations", "Sum", "requests"),
        of_endpoint("Server errors", "Invocation5XXErrors", "Sum", "answers"),
        of_endpoint("Client errors", "Invocation4XXErrors", "Sum", "answers"),
        of_endpoint("Latency in the model", "ModelLatency", "p99", "microseconds"),
        of_endpoint("Processors", "CPUUtilization", "Average", "percent", INSTANCES),
        of_endpoint("Memory", "MemoryUtilization", "Average", "percent", INSTANCES),
        of_drift("Violations of the baseline", drift_alarm.METRIC, unit="violations"),
    ]
    if args.features:
        metrics = [f"feature_baseline_drift_{feature}" for feature in args.features]
        shown.append(of_drift("Distance from the baseline", *metrics, unit="distance"))
    if args.alarm_arns:
        shown.insert(1, widgets.alarms("Alarms", args.alarm_arns))
    return widgets.body(shown)
