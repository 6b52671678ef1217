"""Data quality: statistics and constraints of a data set, and what it breaks of an earlier one's."""

from __future__ import annotations

from typing import Any

import pandas as pd

from penstock_pipelines.monitoring.constraints import suggest
from penstock_pipelines.monitoring.statistics import describe
from penstock_pipelines.monitoring.violations import Distance, check

# The default of Model Monitor's suggested constraints ("comparison_threshold": 0.1).
COMPARISON_THRESHOLD = 0.1


def suggested(frame: pd.DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
    """statistics.json and constraints.json of every column."""
    statistics = describe(frame)
    return statistics, suggest(statistics, [str(name) for name in frame.columns], COMPARISON_THRESHOLD)


def compared(
    frame: pd.DataFrame, statistics: dict[str, Any] | None, constraints: dict[str, Any]
) -> tuple[list[dict[str, str]], list[Distance]]:
    """What ``frame`` breaks of a baseline, and how far each column is from it; without the baseline's ``statistics`` no
    distribution is compared."""
    known = statistics or {"features": [{"name": each["name"]} for each in constraints["features"]]}
    return check(frame, known, constraints)


def named(frame: pd.DataFrame, constraints: dict[str, Any]) -> pd.DataFrame:
    """Captured CSV has no header: its columns take the baseline's names by their order, if there are as many."""
    names = [each["name"] for each in constraints["features"]]
    unnamed = [f"_c{number}" for number in range(len(names))]
    return frame.set_axis(names, axis=1) if list(frame.columns) == unnamed else frame
