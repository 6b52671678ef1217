"""Evaluation metrics: the library's, and those that the algorithm computes with scikit-learn.

SageMaker developer guide, "Tune an XGBoost Model", "Evaluation Metrics Computed by the XGBoost Algorithm".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Values = Any

MAXIMIZED = (
    "accuracy", "auc", "aucpr", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "map", "ndcg", "precision",
    "precision_macro", "precision_micro", "r2", "recall", "recall_macro", "recall_micro",
)  # fmt: skip
MINIMIZED = (
    "aft-nloglik", "cox-nloglik", "error", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy", "logloss",
    "mae", "mape", "merror", "mlogloss", "mphe", "mse", "poisson-nloglik", "rmse", "rmsle", "tweedie-nloglik",
)  # fmt: skip
CUSTOM = (
    "accuracy", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "precision", "precision_macro", "precision_micro",
    "recall", "recall_macro", "recall_micro", "mse", "r2",
)  # fmt: skip
NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


def _score(name: str, labels: Values, predicted: Values) -> float:
    from sklearn import metrics

    average = {"f1": "macro", "f1_binary": "binary", "precision": "binary", "recall": "binary"}.get(name)
    if average is None and name.endswith(("_macro", "_micro")):
        average = name.rpartition("_")[2]
    match name.partition("_")[0]:
        case "accuracy":
            value = metrics.accuracy_score(labels, predicted)
        case "balanced":
            value = metrics.balanced_accuracy_score(labels, predicted)
        case "f1":
            value = metrics.f1_score(labels, predicted, average=average)
        case "precision":
            value = metrics.precision_score(labels, predicted, average=average)
        case "recall":
            value = metrics.recall_score(labels, predicted, average=average)
        case "mse":
            value = metrics.mean_squared_error(labels, predicted)
        case _:
            value = metrics.r2_score(labels, predicted)
    return float(value)


def custom(names: list[str], objective: str) -> Callable[[Values, Values], list[tuple[str, float]]]:
    """A metric function for the library that computes these metrics from what the objective predicts."""
    import numpy as np

    def classes(predicted: Values) -> Values:
        if predicted.ndim > 1:
            return np.argmax(predicted, axis=-1)
        if objective in ("multi:softmax", "binary:hinge"):
            return predicted
        return (predicted > (0.0 if objective == "binary:logitraw" else 0.5)).astype(int)

    def compute(predicted: Values, data: Values) -> list[tuple[str, float]]:
        labels = data.get_label()
        return [
            (name, _score(name, labels, predicted if name in ("mse", "r2") else classes(predicted))) for name in names
        ]

    return compute


def definitions() -> Iterator[dict[str, str]]:
    """The metric definitions that SageMaker has for this algorithm: each metric, of both channels."""
    for part in ("train", "validation"):
        for name in (*MAXIMIZED, *MINIMIZED):
            yield {"Name": f"{part}:{name}", "Regex": rf".*\[[0-9]+\].*#011{part}-{name}:{NUMBER}.*"}
