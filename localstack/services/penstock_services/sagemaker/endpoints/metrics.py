"""CloudWatch metrics of endpoints (namespace AWS/SageMaker), summed up and sent every few seconds.

Names, units and dimensions: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html. What a
configuration's variant does is published with and without ``EndpointConfigName``, so that an alarm can look at a new
fleet alone (.../deployment-guardrails-configuration.html).
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context
from penstock_services.store import Scope

_LOG = logging.getLogger(__name__)
_BATCH = 100
_POINTS = 200_000


@dataclass(frozen=True)
class Source:
    """What a value is about: an endpoint, its variant, and the configuration of the fleet that served; or an inference
    component of the endpoint."""

    endpoint: str
    variant: str = ""
    config: str = ""
    component: str = ""

    def dimensions(self) -> list[dict[str, str]]:
        """As CloudWatch names them; an inference component's name stands alone."""
        if self.component:
            return [{"Name": "InferenceComponentName", "Value": self.component}]
        named = (("EndpointName", self.endpoint), ("VariantName", self.variant), ("EndpointConfigName", self.config))
        return [{"Name": name, "Value": value} for name, value in named if value]


@dataclass(frozen=True)
class Point:
    """One value of a metric, at a moment of the monotonic clock."""

    when: float
    source: Source
    metric: str
    value: float


@dataclass
class Record:
    """Every value of one endpoint's metrics since ``since``; kept while a deployment watches them."""

    scope: Scope
    endpoint: str
    since: float = field(default_factory=time.monotonic)
    points: deque[Point] = field(default_factory=lambda: deque(maxlen=_POINTS))


@dataclass
class _Sum:
    context: Context
    unit: str
    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.least, self.most = min(self.least, value), max(self.most, value)


class Metrics:
    """Sums for each source and metric; a thread sends them while there is something to send."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[tuple[Scope, Source, str], _Sum] = {}
        self._records: list[Record] = []
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, context: Context, source: Source, metric: str, value: float, unit: str) -> None:
        """Count one value."""
        sources = [source, Source(source.endpoint, source.variant)] if source.config else [source]
        with self._lock:
            for each in sources:
                key = (context.scope, each, metric)
                if key not in self._sums:
                    self._sums[key] = _Sum(context, unit)
                self._sums[key].add(value)
            for record in self._records:
                if (record.scope, record.endpoint) == (context.scope, source.endpoint):
                    record.points.append(Point(time.monotonic(), source, metric, value))
            if self._thread is None:
                seconds = context.settings.metrics_seconds
                self._thread = threading.Thread(target=self._run, args=(seconds,), name="metrics", daemon=True)
                self._thread.start()

    @contextlib.contextmanager
    def recorded(self, scope: Scope, endpoint: str) -> Iterator[Record]:
        """Keep every value of an endpoint meanwhile."""
        record = Record(scope, endpoint)
        with self._lock:
            self._records.append(record)
        try:
            yield record
        finally:
            with self._lock:
                self._records.remove(record)

    def points(self, record: Record) -> list[Point]:
        """What was recorded so far."""
        with self._lock:
            return list(record.points)

    def _run(self, seconds: float) -> None:
        while True:
            self._wake.wait(seconds)
            self.flush()

    def flush(self) -> None:
        """Send the sums so far."""
        with self._lock:
            sums, self._sums = self._sums, {}
        batches: dict[Scope, tuple[Context, list[dict[str, Any]]]] = {}
        for (scope, source, metric), found in sums.items():
            _, data = batches.setdefault(scope, (found.context, []))
            statistics = {
                "SampleCount": found.count,
                "Sum": found.total,
                "Minimum": found.least,
                "Maximum": found.most,
            }
            named = {"MetricName": metric, "Dimensions": source.dimensions()}
            data.append({**named, "StatisticValues": statistics, "Unit": found.unit})
        for context, data in batches.values():
            for start in range(0, len(data), _BATCH):
                try:
                    client = context.client("cloudwatch")
                    client.put_metric_data(Namespace="AWS/SageMaker", MetricData=data[start : start + _BATCH])
                except (BotoCoreError, ClientError) as error:
                    _LOG.warning("endpoint metrics were not sent: %s", error)


METRICS = Metrics()
