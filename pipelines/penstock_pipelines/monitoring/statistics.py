"""statistics.json: what a data set looks like, column by column, in Model Monitor's form (version 0).

Source: Amazon SageMaker developer guide, "Schema for Statistics (statistics.json file)". The KLL sketch itself is left
out (it is optional to readers of the file); the buckets that it would be asked for are counted exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

BUCKETS = 10


def inferred_type(column: pd.Series[Any]) -> str:
    """Integral, Fractional or String, as Model Monitor names types; Unknown for a column without a value."""
    present = column.dropna()
    if present.empty:
        return "Unknown"
    if pd.api.types.is_bool_dtype(present) or pd.api.types.is_integer_dtype(present):
        return "Integral"
    if pd.api.types.is_numeric_dtype(present):
        return "Integral" if bool(np.all(np.mod(present.to_numpy(float), 1) == 0)) else "Fractional"
    return "String"


def bucket_edges(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float]:
    """Edges of equally wide buckets over all values; one value alone gets a bucket of width zero."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return [low, high]
    return [float(edge) for edge in np.linspace(low, high, BUCKETS + 1)]


def bucket_counts(values: np.ndarray[Any, np.dtype[np.float64]], edges: Sequence[float]) -> list[int]:
    """How many values fall into each bucket; values beyond the outermost edges count in the outermost buckets."""
    if len(edges) == 2 and edges[0] == edges[1]:
        return [len(values)]
    clipped = np.clip(values, edges[0], edges[-1])
    return [int(count) for count in np.histogram(clipped, bins=np.asarray(edges))[0]]


def describe_column(name: str, column: pd.Series[Any]) -> dict[str, Any]:
    """The entry of one column in `features`."""
    kind = inferred_type(column)
    common = {"num_present": int(column.notna().sum()), "num_missing": int(column.isna().sum())}
    if kind == "Unknown":
        return {"name": name, "inferred_type": kind}
    if kind == "String":
        counts = column.dropna().astype(str).value_counts()
        # Equal counts are ordered by value, so that the same data give the same file.
        ordered = sorted(counts.items(), key=lambda item: (-int(item[1]), str(item[0])))
        return {
            "name": name,
            "inferred_type": kind,
            "string_statistics": {
                "common": common,
                "distinct_count": len(counts),
                "distribution": {
                    "categorical": {"buckets": [{"value": str(value), "count": int(count)} for value, count in ordered]}
                },
            },
        }
    values = column.dropna().to_numpy(float)
    edges = bucket_edges(values)
    counts_of_buckets = bucket_counts(values, edges)
    return {
        "name": name,
        "inferred_type": kind,
        "numerical_statistics": {
            "common": common,
            "mean": float(values.mean()),
            "sum": float(values.sum()),
            "std_dev": float(values.std()),
            "min": float(values.min()),
            "max": float(values.max()),
            "distribution": {
                "kll": {
                    "buckets": [
                        {"lower_bound": edges[index], "upper_bound": edges[index + 1], "count": count}
                        for index, count in enumerate(counts_of_buckets)
                    ]
                }
            },
        },
    }


def describe(frame: pd.DataFrame) -> dict[str, Any]:
    """statistics.json of a frame, columns in their order. Raises ValueError for a frame without rows."""
    if frame.empty:
        raise ValueError("statistics need at least one row")
    return {
        "version": 0.0,
        "dataset": {"item_count": len(frame)},
        "features": [describe_column(str(name), frame[name]) for name in frame.columns],
    }
