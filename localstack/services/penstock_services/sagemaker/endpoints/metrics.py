"""CloudWatch metrics of endpoints (namespace AWS/SageMaker), summed up and sent every few seconds."""

from __future__ import annotations

import logging
import threading
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from penstock_services.operations import Context

_LOG = logging.getLogger(__name__)
_INTERVAL = 10.0
_BATCH = 100


class Metrics:
    """Sums for each endpoint, variant and metric; a thread sends them while there is something to send."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[tuple[str, str, str, str], list[float]] = {}
        self._contexts: dict[tuple[str, str, str, str], tuple[Context, str]] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, context: Context, endpoint: str, variant: str, metric: str, value: float, unit: str) -> None:
        """Count one value."""
        key = (f"{context.scope.account}/{context.scope.region}", endpoint, variant, metric)
        with self._lock:
            found = self._sums.get(key)
            if found is None:
                self._sums[key] = [1, value, value, value]
                self._contexts[key] = (context, unit)
            else:
                found[0] += 1
                found[1] += value
                found[2] = min(found[2], value)
                found[3] = max(found[3], value)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._wake.wait(_INTERVAL)
            self.flush()

    def flush(self) -> None:
        """Send the sums so far."""
        with self._lock:
            sums, self._sums = self._sums, {}
            contexts, self._contexts = self._contexts, {}
        batches: dict[str, tuple[Context, list[dict[str, Any]]]] = {}
        for key, (count, total, least, most) in sums.items():
            scope, endpoint, variant, metric = key
            context, unit = contexts[key]
            _, data = batches.setdefault(scope, (context, []))
            data.append(
                {
                    "MetricName": metric,
                    "Dimensions": [
                        {"Name": "EndpointName", "Value": endpoint},
                        {"Name": "VariantName", "Value": variant},
                    ],
                    "StatisticValues": {"SampleCount": count, "Sum": total, "Minimum": least, "Maximum": most},
                    "Unit": unit,
                }
            )
        for context, data in batches.values():
            for start in range(0, len(data), _BATCH):
                try:
                    client = context.client("cloudwatch")
                    client.put_metric_data(Namespace="AWS/SageMaker", MetricData=data[start : start + _BATCH])
                except (BotoCoreError, ClientError) as error:
                    _LOG.warning("endpoint metrics were not sent: %s", error)


METRICS = Metrics()
