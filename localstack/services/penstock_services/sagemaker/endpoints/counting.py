"""What one invocation adds to the metrics of the endpoint, and of the inference component that answered.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html, "Endpoint invocation metrics". An
asynchronous endpoint has metrics of its own beside the errors and latencies of the model.
"""

from __future__ import annotations

from penstock_services.operations import Context
from penstock_services.sagemaker.endpoints.metrics import METRICS, Source
from penstock_services.sagemaker.endpoints.routing import Route


def count(context: Context, endpoint: str, route: Route, status: int, model: float, total: float) -> None:
    """Count a synchronous invocation: the container's HTTP status (0: no answer), its seconds, and all seconds."""
    source = Source(endpoint, route.variant.plan.name, route.config)
    _count(context, source, status, model, total)
    METRICS.add(context, source, "InvocationsPerInstance", 1 / max(1, route.variant.machines), "None")
    if route.component:
        source = Source(endpoint, component=route.component)
        _count(context, source, status, model, total)
        METRICS.add(context, source, "InvocationsPerCopy", 1 / max(1, route.copies), "None")


def _count(context: Context, source: Source, status: int, model: float, total: float) -> None:
    METRICS.add(context, source, "Invocations", 1, "None")
    METRICS.add(context, source, "OverheadLatency", max(0.0, total - model) * 1e6, "Microseconds")
    count_model(context, source, status, model)


def count_model(context: Context, source: Source, status: int, seconds: float) -> None:
    """Count what the model answered; the errors are 0 where there was none, so that their average is a rate."""
    METRICS.add(context, source, "ModelLatency", seconds * 1e6, "Microseconds")
    METRICS.add(context, source, "Invocation4XXErrors", 1 if 400 <= status < 500 else 0, "None")
    METRICS.add(context, source, "Invocation5XXErrors", 1 if status >= 500 or status == 0 else 0, "None")
    METRICS.add(context, source, "InvocationModelErrors", 0 if 200 <= status < 300 else 1, "None")
