"""constraints.json: what later data must hold to, suggested from a baseline's statistics (Model Monitor, version 0).

Source: Amazon SageMaker developer guide, "Schema for Constraints (constraints.json file)".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# A column of words with more distinct values than this is not checked against the words of the baseline.
MOST_CATEGORIES = 100


def suggest_column(feature: dict[str, Any]) -> dict[str, Any]:
    """The constraints on one column, from its entry in statistics.json."""
    constraint: dict[str, Any] = {"name": feature["name"], "inferred_type": feature["inferred_type"]}
    statistics = feature.get("numerical_statistics") or feature.get("string_statistics")
    if statistics is None:
        return {**constraint, "completeness": 0.0}
    common = statistics["common"]
    constraint["completeness"] = common["num_present"] / (common["num_present"] + common["num_missing"])
    if "numerical_statistics" in feature:
        constraint["num_constraints"] = {"is_non_negative": statistics["min"] >= 0}
    elif statistics["distinct_count"] <= MOST_CATEGORIES:
        buckets = statistics["distribution"]["categorical"]["buckets"]
        constraint["string_constraints"] = {"domains": sorted(bucket["value"] for bucket in buckets)}
    return constraint


def suggest(statistics: dict[str, Any], features: Sequence[str], threshold: float) -> dict[str, Any]:
    """constraints.json on `features` (names of columns), with `threshold` (0 to 1) as the largest distance that is no drift.

    Raises ValueError when a name is no column of the statistics.
    """
    known = {feature["name"]: feature for feature in statistics["features"]}
    unknown = sorted(set(features) - set(known))
    if unknown:
        raise ValueError(f"the monitor names columns that the model does not have: {', '.join(unknown)}")
    return {
        "version": 0.0,
        "features": [suggest_column(known[name]) for name in features],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": threshold,
                "comparison_method": "Simple",
                "categorical_comparison_threshold": threshold,
                "categorical_drift_method": "LInfinity",
            },
        },
    }
