"""Bias metrics before and after training, computed by ``smclarify``, AWS's own library of them."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
from smclarify.bias.report import FacetColumn, LabelColumn, StageType, bias_report

from penstock_services.containers.clarify.configuration import Analysis

# A metric that cannot be computed has the value None and the reason beside it; the library logs it on top.
logging.getLogger("smclarify").setLevel(logging.CRITICAL)
# The value of a metric where there is no bias: a ratio's is 1.
_NEUTRAL = {"DI": 1.0}
_RESAMPLES = 30
_DEVIATIONS = 1.96


def metrics(
    frame: pd.DataFrame, analysis: Analysis, stage: str, predicted: pd.Series[Any] | None = None
) -> dict[str, Any]:
    """One section of analysis.json: ``label``, ``label_value_or_threshold`` and, by facet, values and their metrics.

    ``stage`` is "pre_training_bias" or "post_training_bias"; the latter needs the ``predicted`` labels.
    """
    asked = analysis.methods[stage].get("methods") or "all"
    wanted = [asked] if isinstance(asked, str) else list(asked)
    label = LabelColumn(analysis.label, frame[analysis.label], analysis.label_values or None)
    kind = StageType.PRE_TRAINING if stage == "pre_training_bias" else StageType.POST_TRAINING
    said = None if predicted is None else LabelColumn("prediction", predicted, analysis.label_values or None)
    group = frame[analysis.group_variable] if analysis.group_variable else None
    facets = {
        facet.name: bias_report(frame, FacetColumn(facet.name, facet.values or None), label, kind, said, wanted, group)
        for facet in analysis.facets
    }
    section: dict[str, Any] = {"label": analysis.label, "facets": facets}
    if analysis.label_values:
        section["label_value_or_threshold"] = ",".join(map(str, analysis.label_values))
    return section


def violations(
    frame: pd.DataFrame,
    analysis: Analysis,
    stage: str,
    predicted: pd.Series[Any] | None,
    baseline: dict[str, Any],
) -> list[dict[str, str]]:
    """Metrics that have left the range from a baseline's value to no bias at all.

    A metric has left it when its whole confidence interval (normal bootstrap) lies outside. Source: Amazon SageMaker
    developer guide, "Bias drift for models in production".
    """
    random = np.random.default_rng(0)
    resampled: list[dict[tuple[str, str, str], float]] = []
    for _ in range(_RESAMPLES):
        rows = random.integers(0, len(frame), len(frame))
        part = frame.iloc[rows].reset_index(drop=True)
        said = None if predicted is None else predicted.iloc[rows].reset_index(drop=True)
        resampled.append(_flat(metrics(part, analysis, stage, said)))
    found: list[dict[str, str]] = []
    now = _flat(metrics(frame, analysis, stage, predicted))
    before = _flat(baseline)
    for key, value in now.items():
        facet, facet_value, name = key
        if key not in before or not np.isfinite(value) or not np.isfinite(before[key]):
            continue
        neutral = _NEUTRAL.get(name, 0.0)
        low, high = sorted((before[key], neutral))
        samples = [each[key] for each in resampled if key in each and np.isfinite(each[key])]
        margin = _DEVIATIONS * float(np.std(samples)) if samples else 0.0
        if value + margin < low or value - margin > high:
            found.append(
                {
                    "facet": facet,
                    "facet_value": facet_value,
                    "metric_name": name,
                    "constraint_check_type": "bias_drift_check",
                    "description": f"Value {value} does not meet the constraint requirement ({low} to {high})",
                }
            )
    return found


def _flat(section: dict[str, Any]) -> dict[tuple[str, str, str], float]:
    return {
        (facet, str(entry["value_or_threshold"]), metric["name"]): float(metric["value"])
        for facet, entries in section.get("facets", {}).items()
        for entry in entries
        for metric in entry["metrics"]
        if metric["value"] is not None
    }
