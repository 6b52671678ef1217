"""Model quality: metrics of predictions against the truth, constraints on them, and violations.

Source: Amazon SageMaker developer guide, "Model quality metrics and Amazon CloudWatch monitoring" and "Monitor model
quality". A metric's standard deviation is that over five random subsets of 80 % of the rows, given from 200 rows on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from penstock_services.containers.model_monitor.captured import TRUTH

Array = np.ndarray[Any, Any]
_SUBSETS, _SHARE, _ENOUGH = 5, 0.8, 200
_GREATER, _LESS = "GreaterThanThreshold", "LessThanThreshold"
_SECTIONS = {
    "Regression": "regression",
    "BinaryClassification": "binary_classification",
    "MulticlassClassification": "multiclass_classification",
}
_OPERATORS = {
    "mae": _GREATER, "mse": _GREATER, "rmse": _GREATER, "r2": _LESS,
    "recall": _LESS, "precision": _LESS, "accuracy": _LESS, "true_positive_rate": _LESS, "true_negative_rate": _LESS,
    "false_positive_rate": _GREATER, "false_negative_rate": _GREATER, "auc": _LESS,
    "f0_5": _LESS, "f1": _LESS, "f2": _LESS,
    "weighted_recall": _LESS, "weighted_precision": _LESS,
    "weighted_f0_5": _LESS, "weighted_f1": _LESS, "weighted_f2": _LESS,
}  # fmt: skip


class ModelQualityError(ValueError):
    """Predictions that cannot be judged; the message says why."""


@dataclass(frozen=True)
class Columns:
    """Where the container's environment says the columns are: names, or numbers for data without a header."""

    ground_truth: str
    inference: str | None = None
    probability: str | None = None
    threshold: float = 0.5

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Columns:
        """From ``ground_truth_attribute``, ``inference_attribute`` and so on; a merge job put the truth under a name of
        its own."""
        merged = TRUTH if "sagemakermergejson" in environment.get("dataset_format", "").lower() else None
        truth = environment.get("ground_truth_attribute") or merged
        if not truth:
            message = "ground_truth_attribute must name the column of the truth"
            raise ModelQualityError(message)
        return cls(
            ground_truth=truth,
            inference=environment.get("inference_attribute") or None,
            probability=environment.get("probability_attribute") or None,
            threshold=float(environment.get("probability_threshold_attribute") or 0.5),
        )


def evaluate(frame: pd.DataFrame, problem_type: str, columns: Columns) -> tuple[dict[str, Any], dict[str, Any]]:
    """statistics.json and the suggested constraints.json of the predictions in ``frame``."""
    section = _SECTIONS.get(problem_type)
    if section is None:
        message = f"problem_type must be one of {', '.join(_SECTIONS)}, not {problem_type!r}"
        raise ModelQualityError(message)
    truth = _column(frame, columns.ground_truth)
    if section == "regression":
        predicted = _column(frame, columns.inference or columns.probability or "")
        table = _regression(truth.astype(float), predicted.astype(float))
    elif section == "binary_classification":
        table = _binary(*_labels(frame, truth, columns))
    else:
        table = _multiclass(truth.astype(str), _column(frame, columns.inference or "").astype(str))
    statistics = {"version": 0.0, "dataset": {"item_count": len(frame)}, f"{section}_metrics": table}
    constraints = {
        name: {"threshold": entry["value"], "comparison_operator": _OPERATORS[name]}
        for name, entry in table.items()
        if name in _OPERATORS
    }
    return statistics, {"version": 0.0, f"{section}_constraints": constraints}


def violations(statistics: Mapping[str, Any], constraints: Mapping[str, Any]) -> list[dict[str, str]]:
    """The metrics that are worse than a baseline's constraints, by more than their own standard deviation."""
    found = []
    for section in _SECTIONS.values():
        table = statistics.get(f"{section}_metrics")
        if table is None:
            continue
        for name, constraint in constraints.get(f"{section}_constraints", {}).items():
            if name not in table:
                continue
            value, spread = table[name]["value"], table[name].get("standard_deviation") or 0.0
            operator, threshold = constraint["comparison_operator"], float(constraint["threshold"])
            worse = value - spread > threshold if operator == _GREATER else value + spread < threshold
            if worse:
                found.append(
                    {
                        "constraint_check_type": operator,
                        "description": f"Metric {name} with {value} +/- {spread} was {operator} '{threshold}'",
                        "metric_name": name,
                    }
                )
    return found


def _column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    for candidate in (name, f"_c{name}"):
        if candidate in frame.columns:
            return frame[candidate]
    message = f"the data set has no column {name!r}; it has {', '.join(map(str, frame.columns))}"
    raise ModelQualityError(message)


def _labels(frame: pd.DataFrame, truth: pd.Series[Any], columns: Columns) -> tuple[Array, Array, Array | None]:
    """Truth and prediction as 0 and 1, and the probability where there is one."""
    score: Array | None = None
    if columns.probability:
        score = _column(frame, columns.probability).to_numpy(float)
    if columns.inference:
        predicted = _column(frame, columns.inference)
    elif score is not None:
        predicted = pd.Series((score > columns.threshold).astype(int))
    else:
        message = "either inference_attribute or probability_attribute must name a column"
        raise ModelQualityError(message)
    names = sorted({str(value) for value in pd.concat([truth, predicted]).map(_plain)})
    if len(names) > 2:
        message = f"a binary classification has two labels, not {len(names)}: {', '.join(names[:5])}"
        raise ModelQualityError(message)
    positive = "1" if "1" in names else names[-1]
    return (
        (truth.map(_plain) == positive).to_numpy(int),
        (predicted.map(_plain) == positive).to_numpy(int),
        score,
    )


def _plain(value: Any) -> str:
    return (
        str(int(value))
        if isinstance(value, float | bool | np.floating | np.bool_) and value == int(value)
        else str(value)
    )


def _measured(rows: int, functions: Mapping[str, Callable[[Array], float]]) -> dict[str, Any]:
    """Each metric's value over all rows, and its standard deviation over subsets of them."""
    everything = np.arange(rows)
    random = np.random.default_rng(0)
    subsets = (
        [random.choice(rows, int(rows * _SHARE), replace=False) for _ in range(_SUBSETS)] if rows >= _ENOUGH else []
    )
    table: dict[str, Any] = {}
    for name, function in functions.items():
        entry = {"value": float(function(everything))}
        if subsets:
            entry["standard_deviation"] = float(np.std([function(subset) for subset in subsets]))
        table[name] = entry
    return table


def _regression(truth: pd.Series[Any], predicted: pd.Series[Any]) -> dict[str, Any]:
    known, said = truth.to_numpy(float), predicted.to_numpy(float)
    return _measured(
        len(known),
        {
            "mae": lambda rows: float(metrics.mean_absolute_error(known[rows], said[rows])),
            "mse": lambda rows: float(metrics.mean_squared_error(known[rows], said[rows])),
            "rmse": lambda rows: float(metrics.root_mean_squared_error(known[rows], said[rows])),
            "r2": lambda rows: float(metrics.r2_score(known[rows], said[rows])),
        },
    )


def _binary(truth: Array, predicted: Array, score: Array | None) -> dict[str, Any]:
    def rate(rows: Array, *, of: int, said: int) -> float:
        chosen = truth[rows] == of
        return float((predicted[rows][chosen] == said).mean()) if chosen.any() else 0.0

    def f(beta: float) -> Callable[[Array], float]:
        return lambda rows: float(metrics.fbeta_score(truth[rows], predicted[rows], beta=beta, zero_division=0))

    functions: dict[str, Callable[[Array], float]] = {
        "recall": lambda rows: float(metrics.recall_score(truth[rows], predicted[rows], zero_division=0)),
        "precision": lambda rows: float(metrics.precision_score(truth[rows], predicted[rows], zero_division=0)),
        "accuracy": lambda rows: float(metrics.accuracy_score(truth[rows], predicted[rows])),
        "true_positive_rate": lambda rows: rate(rows, of=1, said=1),
        "true_negative_rate": lambda rows: rate(rows, of=0, said=0),
        "false_positive_rate": lambda rows: rate(rows, of=0, said=1),
        "false_negative_rate": lambda rows: rate(rows, of=1, said=0),
        "f0_5": f(0.5),
        "f1": f(1.0),
        "f2": f(2.0),
    }
    both = len(set(truth)) == 2
    if score is not None and both:
        functions["auc"] = lambda rows: (
            float(metrics.roc_auc_score(truth[rows], score[rows])) if len(set(truth[rows])) == 2 else 0.5
        )
    table = _measured(len(truth), functions)
    matrix = metrics.confusion_matrix(truth, predicted, labels=[0, 1])
    table["confusion_matrix"] = {str(i): {str(j): int(matrix[i][j]) for j in (0, 1)} for i in (0, 1)}
    if score is not None and both:
        false, true, _ = metrics.roc_curve(truth, score)
        table["receiver_operating_characteristic_curve"] = {
            "false_positive_rates": [float(each) for each in false],
            "true_positive_rates": [float(each) for each in true],
        }
        precisions, recalls, _ = metrics.precision_recall_curve(truth, score)
        table["precision_recall_curve"] = {
            "precisions": [float(each) for each in precisions],
            "recalls": [float(each) for each in recalls],
        }
    return table


def _multiclass(truth: pd.Series[Any], predicted: pd.Series[Any]) -> dict[str, Any]:
    known, said = truth.to_numpy(str), predicted.to_numpy(str)

    def weighted(function: Callable[..., float], **options: float) -> Callable[[Array], float]:
        return lambda rows: float(function(known[rows], said[rows], average="weighted", zero_division=0, **options))

    table = _measured(
        len(known),
        {
            "accuracy": lambda rows: float(metrics.accuracy_score(known[rows], said[rows])),
            "weighted_recall": weighted(metrics.recall_score),
            "weighted_precision": weighted(metrics.precision_score),
            "weighted_f0_5": weighted(metrics.fbeta_score, beta=0.5),
            "weighted_f1": weighted(metrics.fbeta_score, beta=1.0),
            "weighted_f2": weighted(metrics.fbeta_score, beta=2.0),
        },
    )
    labels = sorted(set(known) | set(said))
    matrix = metrics.confusion_matrix(known, said, labels=labels)
    table["confusion_matrix"] = {
        one: {other: int(matrix[i][j]) for j, other in enumerate(labels)} for i, one in enumerate(labels)
    }
    return table
