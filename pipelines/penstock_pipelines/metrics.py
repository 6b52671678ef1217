"""Metrics of a binary classifier's scores, and the report that a pipeline leaves as evaluation.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

Floats = npt.NDArray[np.float64]
DECIMALS = 6
CURVE_POINTS = 101
CALIBRATION_BINS = 10


def binary(labels: Floats, scores: Floats) -> dict[str, float]:
    """Metrics of scores (probability of label 1) against labels (0 or 1), rounded to six decimals.

    auc: area under the ROC curve; average_precision; brier and log_loss: lower is better; positive_rate: share of label
    1; mean_score: what the model says that share is; rows.
    """
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    values = {
        "auc": sk.roc_auc_score(labels, scores),
        "average_precision": sk.average_precision_score(labels, scores),
        "brier": sk.brier_score_loss(labels, clipped),
        "log_loss": sk.log_loss(labels, clipped),
        "positive_rate": labels.mean(),
        "mean_score": scores.mean(),
    }
    return {**{name: round(float(value), DECIMALS) for name, value in values.items()}, "rows": len(labels)}


def by_slice(
    labels: Floats, scores: Floats, slices: npt.NDArray[Any], smallest: int = 200
) -> dict[str, dict[str, float]]:
    """Metrics of each slice that has at least `smallest` rows and both labels."""
    found = {}
    for value in sorted({str(value) for value in slices}):
        chosen = slices.astype(str) == value
        if chosen.sum() >= smallest and 0 < labels[chosen].mean() < 1:
            found[value] = binary(labels[chosen], scores[chosen])
    return found


def curves(labels: Floats, scores: Floats) -> dict[str, Any]:
    """ROC curve at 101 false positive rates, and calibration in tenths of the rows by score."""
    false_positive, true_positive, _ = sk.roc_curve(labels, scores)
    grid = np.linspace(0, 1, CURVE_POINTS)
    rates = np.interp(grid, false_positive, true_positive)
    rates[0] = 0.0
    order = np.argsort(scores, kind="stable")
    bins = [part for part in np.array_split(order, CALIBRATION_BINS) if len(part)]
    return {
        "roc": {
            "false_positive_rate": [round(float(x), 4) for x in grid],
            "true_positive_rate": [round(float(x), 4) for x in rates],
        },
        "calibration": [
            {"score": round(float(scores[p].mean()), 4), "rate": round(float(labels[p].mean()), 4), "rows": len(p)}
            for p in bins
        ],
    }


def as_model_quality(values: Mapping[str, float]) -> dict[str, Any]:
    """The metrics in the form that SageMaker's model registry shows."""
    names = {"auc": "auc", "average_precision": "average_precision", "brier": "brier_score", "log_loss": "log_loss"}
    return {
        "binary_classification_metrics": {
            shown: {"value": values[name], "standard_deviation": "NaN"} for name, shown in names.items()
        }
    }
