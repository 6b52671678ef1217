"""What there is to see of a stack as a whole."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from pulumi_aws import cloudwatch
from pydantic import Field

from penstock_infra import naming, widgets
from penstock_infra.components.component import Arguments, Component
from penstock_infra.functions.idle_endpoints import METRIC, NAMESPACE

HOUR_SECONDS = 3600


class OperationsDashboardArguments(Arguments):
    """The functions of the operations project."""

    function_names: tuple[str, ...] = Field(default=(), description="Lambda functions whose failures are shown")


class OperationsDashboard(Component):
    """A CloudWatch dashboard of the account's endpoints and jobs and of the platform's own functions.

    Endpoints are found by search, so that a new model's shows by itself. 3 USD a month (an account's first three are free).
    """

    TYPE = "penstock:operations:OperationsDashboard"

    arn: pulumi.Output[str]
    dashboard_name: str

    def __init__(
        self, name: str, args: OperationsDashboardArguments, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args, opts)
        self.dashboard_name = args.placement.name(naming.DASHBOARD, "operations")
        dashboard = cloudwatch.Dashboard(
            name,
            dashboard_name=self.dashboard_name,
            dashboard_body=json.dumps(body(args), sort_keys=True),
            opts=self.child(),
        )
        self.arn = dashboard.dashboard_arn
        self.finish({"arn": self.arn, "dashboardName": self.dashboard_name})


def body(args: OperationsDashboardArguments) -> dict[str, Any]:
    """The dashboard's widgets."""
    region, stack = args.placement.region, args.placement.stack

    def of_endpoints(title: str, metric: str, statistic: str, unit: str) -> widgets.Widget:
        found = widgets.search("AWS/SageMaker", ("EndpointName", "VariantName"), metric, statistic)
        return widgets.graph(title, region, found, statistic=statistic, unit=unit)

    def of_jobs(title: str, namespace: str) -> widgets.Widget:
        found = widgets.search(namespace, ("Host",), "CPUUtilization", "Average")
        return widgets.graph(title, region, found, statistic="Average", unit="percent")

    shown = [
        widgets.text(f"# Penstock\nStack {stack}, region {region}"),
        of_endpoints("Requests by endpoint", "Invocations", "Sum", "requests"),
        of_endpoints("Server errors by endpoint", "Invocation5XXErrors", "Sum", "answers"),
        of_endpoints("Latency by endpoint", "ModelLatency", "p99", "microseconds"),
        widgets.graph(
            "Idle endpoints",
            region,
            [NAMESPACE, METRIC, "Stack", stack],
            statistic="Maximum",
            period=HOUR_SECONDS,
            unit="endpoints",
        ),
        of_jobs("Processors of training jobs", "/aws/sagemaker/TrainingJobs"),
        of_jobs("Processors of processing jobs", "/aws/sagemaker/ProcessingJobs"),
    ]
    if args.function_names:
        lines: list[list[Any]] = [["AWS/Lambda", "Errors", "FunctionName", name] for name in args.function_names]
        shown.append(
            widgets.graph("Failures of the platform's functions", region, *lines, statistic="Sum", unit="failures")
        )
    return widgets.body(shown)
