"""The metrics of a candidate: developer guide, "Autopilot metrics and validation"."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn import metrics


def of(model: Any, rows: Any, target: Any, problem: str, classes: int) -> dict[str, float]:
    """Every metric of the problem type by its name; one that these rows leave undefined is not there."""
    if problem == "Regression":
        found = _regression(target, model.predict(rows))
    else:
        found = _classification(target, model.predict_proba(rows), classes, binary=problem == "BinaryClassification")
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def _regression(target: Any, predicted: Any) -> dict[str, float]:
    squared = metrics.mean_squared_error(target, predicted)
    found = {"MAE": metrics.mean_absolute_error(target, predicted), "MSE": squared, "RMSE": math.sqrt(squared)}
    if len(target) > 1:
        found["R2"] = metrics.r2_score(target, predicted)
    return found


def _classification(target: Any, probabilities: Any, classes: int, *, binary: bool) -> dict[str, float]:
    predicted = np.argmax(probabilities, axis=1)
    found = {
        "Accuracy": metrics.accuracy_score(target, predicted),
        "BalancedAccuracy": metrics.balanced_accuracy_score(target, predicted),
        "LogLoss": metrics.log_loss(target, probabilities, labels=list(range(classes))),
    }
    named = {"F1": metrics.f1_score, "Precision": metrics.precision_score, "Recall": metrics.recall_score}
    if not binary:
        macro = {"F1": "F1macro", "Precision": "PrecisionMacro", "Recall": "RecallMacro"}
        return found | {
            macro[name]: score(target, predicted, average="macro", zero_division=0) for name, score in named.items()
        }
    found |= {name: score(target, predicted, zero_division=0) for name, score in named.items()}
    if len(set(target)) == 2:
        found["AUC"] = metrics.roc_auc_score(target, probabilities[:, 1])
    return found
