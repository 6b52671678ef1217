"""Explanations: Kernel SHAP values (by the library ``shap``) and partial dependence."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, np.dtype[np.float64]]
Scores = Callable[[pd.DataFrame], Array]
# "Feature attribution drift": an nDCG below this is drift. Source: Amazon SageMaker developer guide,
# "Feature attribution drift for models in production".
NDCG_THRESHOLD = 0.90
_AGGREGATIONS: dict[str, Callable[[Array], Array]] = {
    "mean_abs": lambda values: np.abs(values).mean(axis=0),
    "median": lambda values: np.median(values, axis=0),
    "mean_sq": lambda values: (values**2).mean(axis=0),
}


class ExplanationError(ValueError):
    """Explanations that cannot be computed as asked."""


def baseline_of(features: pd.DataFrame, options: dict[str, Any]) -> pd.DataFrame:
    """The rows that stand for "feature absent": the configured ones, or a row (``num_clusters`` rows) like the data."""
    given = options.get("baseline")
    if isinstance(given, list):
        rows = [list(row.values()) if isinstance(row, dict) else row for row in given]
        if any(len(row) != len(features.columns) for row in rows):
            message = f"methods.shap.baseline must have {len(features.columns)} values, one for each feature"
            raise ExplanationError(message)
        return pd.DataFrame(rows, columns=features.columns)
    if isinstance(given, str):
        message = "methods.shap.baseline by S3 URI is not implemented here: give the rows themselves"
        raise ExplanationError(message)
    numeric = features.select_dtypes("number")
    if len(numeric.columns) == len(features.columns) and options.get("num_clusters"):
        import shap

        data = shap.kmeans(features.to_numpy(float), int(options["num_clusters"])).data
        return pd.DataFrame(data, columns=features.columns)
    row = {
        name: features[name].mean() if name in numeric.columns else features[name].mode().iloc[0]
        for name in features.columns
    }
    return pd.DataFrame([row], columns=features.columns)


def shap_values(
    features: pd.DataFrame, scores: Scores, options: dict[str, Any], labels: Sequence[str] | None
) -> tuple[dict[str, Any], dict[str, Array]]:
    """The section ``explanations.kernel_shap`` of analysis.json, and the local values (rows, features) by label."""
    import shap

    aggregate = _AGGREGATIONS.get(options.get("agg_method", "mean_abs"))
    if aggregate is None:
        message = f"methods.shap.agg_method must be one of {', '.join(_AGGREGATIONS)}"
        raise ExplanationError(message)
    names = list(features.columns)
    baseline = baseline_of(features, options)
    link = "logit" if options.get("use_logit") else "identity"
    coded, decode = _coded(features, baseline)

    def function(rows: Array) -> Array:
        return scores(decode(rows))

    if options.get("seed") is not None:
        np.random.seed(int(options["seed"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        explainer = shap.KernelExplainer(function, coded[len(features) :], link=link)
        values = explainer.shap_values(
            coded[: len(features)], nsamples=options.get("num_samples") or "auto", silent=True
        )
    table = np.asarray(values)
    if table.ndim == 2:
        table = table[:, :, None]
    expected = np.atleast_1d(explainer.expected_value)
    local = {_label(number, labels): table[:, :, number] for number in range(table.shape[2])}
    section = {
        label: {
            "global_shap_values": dict(zip(names, map(float, aggregate(part)), strict=True)),
            "expected_value": float(expected[number]),
        }
        for number, (label, part) in enumerate(local.items())
    }
    return section, local


def partial_dependence(
    features: pd.DataFrame, scores: Scores, options: dict[str, Any], ranked: Sequence[str]
) -> list[dict[str, Any]]:
    """The section ``explanations.pdp``: for each feature a grid of values and the model's mean answers there."""
    asked = options.get("features") or list(ranked)[: int(options.get("top_k_features", 10))]
    steps = int(options.get("grid_resolution", 15))
    table = []
    for name in asked:
        if name not in features.columns:
            message = f"methods.pdp.features: there is no feature {name!r}"
            raise ExplanationError(message)
        column = features[name]
        if pd.api.types.is_numeric_dtype(column):
            grid: list[Any] = [float(each) for each in np.linspace(column.min(), column.max(), steps)]
        else:
            grid = sorted(column.unique())
        answers = [scores(features.assign(**{name: value})).mean(axis=0) for value in grid]
        counts = np.histogram(column, bins=grid)[0] if len(grid) > 1 and isinstance(grid[0], float) else []
        table.append(
            {
                "feature_name": name,
                "data_type": "numerical" if pd.api.types.is_numeric_dtype(column) else "categorical",
                "feature_values": grid,
                "data_distribution": [float(count) / len(column) for count in counts],
                "model_predictions": np.asarray(answers).T.tolist(),
            }
        )
    return table


def violations(section: dict[str, Any], baseline: dict[str, Any]) -> list[dict[str, str]]:
    """Labels whose features have changed places: the nDCG of the new ranking against the baseline's is below 0.90."""
    found = []
    for label, entry in section.items():
        before = baseline.get(label, {}).get("global_shap_values")
        if not before:
            continue
        score = ndcg(before, entry["global_shap_values"])
        if score < NDCG_THRESHOLD:
            found.append(
                {
                    "label": label,
                    "metric_name": "shap",
                    "constraint_check_type": "feature_attribution_drift_check",
                    "description": f"Feature attribution drift {score:.4f} exceeds threshold {NDCG_THRESHOLD}",
                }
            )
    return found


def ndcg(before: dict[str, float], now: dict[str, float]) -> float:
    """Normalized discounted cumulative gain: gains are the baseline's attributions, the order is today's."""

    def gain(order: Sequence[str]) -> float:
        return sum(abs(before.get(name, 0.0)) / float(np.log2(place + 2)) for place, name in enumerate(order))

    ideal = gain(sorted(before, key=lambda name: -abs(before[name])))
    return gain(sorted(now, key=lambda name: -abs(now[name]))) / ideal if ideal else 1.0


def _label(number: int, labels: Sequence[str] | None) -> str:
    return labels[number] if labels and number < len(labels) else f"label{number}"


def _coded(features: pd.DataFrame, baseline: pd.DataFrame) -> tuple[Array, Callable[[Array], pd.DataFrame]]:
    """Numbers for shap: words become codes, and ``decode`` makes the model's rows of them again."""
    everything = pd.concat([features, baseline], ignore_index=True)
    words: dict[str, list[Any]] = {}
    coded = pd.DataFrame(index=everything.index)
    for name in features.columns:
        if pd.api.types.is_numeric_dtype(features[name]):
            coded[name] = everything[name].astype(float)
        else:
            codes, values = pd.factorize(everything[name])
            coded[name], words[name] = codes.astype(float), list(values)
    whole = {name for name in features.columns if pd.api.types.is_integer_dtype(features[name])}

    def decode(rows: Array) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=features.columns)
        for name, values in words.items():
            frame[name] = [values[int(code)] for code in frame[name]]
        for name in whole:
            if (frame[name] % 1 == 0).all():
                frame[name] = frame[name].astype(int)
        return frame

    return coded.to_numpy(float), decode
