"""What a monitoring job says to CloudWatch.

Developer guide, "CloudWatch Metrics" of Model Monitor, and the searches of the Python SDK's monitoring dashboards, which
name the metrics. Each is there twice: with the dimension Feature, by which the dashboards choose, and without, for alarms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from penstock_pipelines.monitoring.violations import Distance
from penstock_services.containers.metric_file import Metric


def of_data(frame: pd.DataFrame, distances: Sequence[Distance], constraints: Mapping[str, Any]) -> list[Metric]:
    """The metrics of every column; none where the baseline's constraints disable ``emit_metrics``."""
    if constraints.get("monitoring_config", {}).get("emit_metrics") == "Disabled":
        return []
    found: list[Metric] = []
    for name in map(str, frame.columns):
        column = frame[name]
        present = column.dropna()
        numbers: dict[str, float] = {
            "null": float(column.isna().sum()),
            "non_null": float(len(present)),
            "completeness": float(column.notna().mean()),
            "estimated_unique_values": float(present.nunique()),
        }
        found += [Metric(f"feature_{what}_{name}", value, more={"Feature": name}) for what, value in numbers.items()]
        if len(present) and pd.api.types.is_numeric_dtype(present):
            values = present.astype(float)
            spread = {
                "SampleCount": float(len(values)),
                "Sum": float(values.sum()),
                "Minimum": float(values.min()),
                "Maximum": float(values.max()),
            }
            found.append(Metric(f"feature_data_{name}", statistics=spread, more={"Feature": name}))
    for each in distances:
        found.append(Metric(f"feature_baseline_drift_{each.name}", each.distance, more={"Feature": each.name}))
    return found


def of_model(statistics: Mapping[str, Any]) -> list[Metric]:
    """Every metric of the model's quality that is a number, by its name in statistics.json."""
    tables = [table for section, table in statistics.items() if section.endswith("_metrics")]
    return [
        Metric(name, entry["value"])
        for table in tables
        for name, entry in table.items()
        if isinstance(entry.get("value"), float)
    ]
