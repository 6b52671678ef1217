"""Statistics of rows, in the form of Model Monitor's statistics.json.

Numbers are described by mean, deviation, extremes, ten equal-width buckets and a sketch: up to 2,048 values at evenly
spaced ranks, which stand for the distribution when it is compared later. Texts are described by their counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

Json = dict[str, Any]
SKETCH_VALUES = 2048
BUCKETS = 10
MOST_CATEGORIES = 100


def of_rows(rows: pd.DataFrame, kinds: Mapping[str, str]) -> Json:
    """statistics.json of rows; `kinds` says "number" or "text" for each column that counts, in order."""
    return {
        "version": 0.0,
        "dataset": {"item_count": len(rows)},
        "features": [_feature(name, kind, rows[name]) for name, kind in kinds.items() if name in rows],
    }


def features(statistics: Json) -> dict[str, Json]:
    """The features of a statistics or constraints document by name."""
    return {feature["name"]: feature for feature in statistics["features"]}


def sketch_values(feature: Json) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Values at evenly spaced ranks of a number feature; each stands for an equal share of the rows."""
    levels = feature["numerical_statistics"]["distribution"]["kll"]["sketch"]["data"]
    weighted = [np.repeat(np.asarray(level, dtype=np.float64), 2**height) for height, level in enumerate(levels)]
    return np.sort(np.concatenate(weighted)) if weighted else np.empty(0)


def categories(feature: Json) -> dict[str, int]:
    """Counts of a text feature's values."""
    buckets = feature["string_statistics"]["distribution"]["categorical"]["buckets"]
    return {bucket["value"]: int(bucket["count"]) for bucket in buckets}


def completeness(feature: Json) -> float:
    """Share of the rows that have a value."""
    kind = "string_statistics" if "string_statistics" in feature else "numerical_statistics"
    common = feature[kind]["common"]
    total = common["num_present"] + common["num_missing"]
    return common["num_present"] / total if total else 0.0


def _feature(name: str, kind: str, column: pd.Series[Any]) -> Json:
    present = column.dropna()
    common = {"num_present": len(present), "num_missing": int(len(column) - len(present))}
    if kind == "text":
        counts = present.astype(str).value_counts()
        ordered = sorted(counts.items(), key=lambda item: (-int(item[1]), str(item[0])))
        buckets = [{"value": str(value), "count": int(count)} for value, count in ordered[:MOST_CATEGORIES]]
        return {
            "name": name,
            "inferred_type": "String",
            "string_statistics": {
                "common": common,
                "distinct_count": float(len(counts)),
                "distribution": {"categorical": {"buckets": buckets}},
            },
        }
    values = np.sort(present.to_numpy(dtype=np.float64))
    integral = bool(len(values)) and bool(np.all(values == np.floor(values)))
    return {
        "name": name,
        "inferred_type": "Integral" if integral else "Fractional",
        "numerical_statistics": {"common": common, **_numbers(values)},
    }


def _numbers(values: np.ndarray[Any, np.dtype[np.float64]]) -> Json:
    if not len(values):
        empty = {"buckets": [], "sketch": {"parameters": {"c": 0.64, "k": float(SKETCH_VALUES)}, "data": []}}
        return {"distribution": {"kll": empty}}
    low, high = float(values[0]), float(values[-1])
    counts, edges = np.histogram(values, bins=BUCKETS, range=(low, high if high > low else low + 1))
    ranks = np.linspace(0, len(values) - 1, min(SKETCH_VALUES, len(values))).round().astype(int)
    return {
        "mean": float(values.mean()),
        "sum": float(values.sum()),
        "std_dev": float(values.std()),
        "min": low,
        "max": high,
        "distribution": {
            "kll": {
                "buckets": [
                    {"lower_bound": float(edges[i]), "upper_bound": float(edges[i + 1]), "count": float(count)}
                    for i, count in enumerate(counts)
                ],
                "sketch": {
                    "parameters": {"c": 0.64, "k": float(SKETCH_VALUES)},
                    "data": [[float(value) for value in values[ranks]]],
                },
            }
        },
    }
