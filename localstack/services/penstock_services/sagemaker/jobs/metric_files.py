"""Metrics that the container of a monitoring job leaves in /opt/ml/output/metrics/cloudwatch, for CloudWatch.

Developer guide, "CloudWatch Metrics for Bring Your Own Containers": files of one JSON object a line, each like an entry of
PutMetricData, without a namespace. Who knows the namespace registers by ``takes_metrics``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from penstock_services.operations import Context

_LOG = logging.getLogger(__name__)
Record = dict[str, Any]
Taker = Callable[[Context, Record, list[Record]], None]
_LONGEST = 8 << 20
_takers: list[Taker] = []


def takes_metrics(function: Taker) -> Taker:
    """Call ``function(context, job, metrics)`` when a monitoring job has done its work; it must not raise."""
    _takers.append(function)
    return function


def hand_over(context: Context, job: Record, output: Path) -> None:
    """Hand over the metrics below ``output``, a host's /opt/ml/output; only jobs of a monitoring schedule have any."""
    if "MonitoringScheduleArn" not in job:
        return
    place = output / "metrics" / "cloudwatch"
    # The container wrote these: a link may lead out of its files.
    if any(path.is_symlink() for path in (output, place.parent, place)):
        return
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    metrics = [metric for file in files for metric in _read(file)]
    if metrics:
        for function in _takers:
            function(context, job, metrics)


def _read(file: Path) -> Iterator[Record]:
    if file.is_symlink() or not file.is_file() or file.stat().st_size > _LONGEST:
        return
    for line in file.read_text(errors="replace").splitlines():
        if not line.strip():
            continue
        try:
            metric = json.loads(line)
        except ValueError:
            _LOG.warning("a line of %s is no JSON", file.name)
            continue
        if isinstance(metric, dict):
            yield metric
