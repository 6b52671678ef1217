"""constraint_violations.json: what later data broke of a baseline's constraints (Model Monitor's form).

Source: Amazon SageMaker developer guide, "Schema for Violations (constraint_violations.json file)".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from penstock_pipelines.monitoring.distances import categorical_distance, numerical_distance, shares
from penstock_pipelines.monitoring.statistics import bucket_counts, inferred_type


@dataclass(frozen=True, kw_only=True)
class Distance:
    """How far one column has moved from its baseline. `baseline` and `observed` are shares of the `bins`, in order."""

    name: str
    distance: float
    threshold: float
    bins: list[str]
    baseline: list[float]
    observed: list[float]

    @property
    def violated(self) -> bool:
        return self.distance > self.threshold

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "violated": self.violated}


def compare_column(feature: dict[str, Any], column: pd.Series[Any], threshold: float) -> Distance | None:
    """The distance of a column from its baseline entry in statistics.json; None where either side has no values."""
    present = column.dropna()
    if present.empty:
        return None
    if "numerical_statistics" in feature:
        buckets = feature["numerical_statistics"]["distribution"]["kll"]["buckets"]
        edges = [buckets[0]["lower_bound"], *(bucket["upper_bound"] for bucket in buckets)]
        baseline = [bucket["count"] for bucket in buckets]
        observed = bucket_counts(pd.to_numeric(present, errors="coerce").dropna().to_numpy(float), edges)
        distance = numerical_distance(baseline, observed)
        bins = [f"{bucket['lower_bound']:.3g} to {bucket['upper_bound']:.3g}" for bucket in buckets]
    elif "string_statistics" in feature:
        before = {
            b["value"]: b["count"] for b in feature["string_statistics"]["distribution"]["categorical"]["buckets"]
        }
        after = {str(value): int(count) for value, count in present.astype(str).value_counts().items()}
        distance = categorical_distance(before, after)
        bins = sorted(set(before) | set(after))
        baseline, observed = [before.get(value, 0) for value in bins], [after.get(value, 0) for value in bins]
    else:
        return None
    return Distance(
        name=feature["name"],
        distance=distance,
        threshold=threshold,
        bins=bins,
        baseline=shares(baseline),
        observed=shares(observed),
    )


def fits(observed: str, expected: str) -> bool:
    """Whether a column of the observed type may stand where the baseline had the expected one."""
    return observed in {expected, "Unknown"} or (observed, expected) == ("Integral", "Fractional")


def check(
    frame: pd.DataFrame, statistics: dict[str, Any], constraints: dict[str, Any]
) -> tuple[list[dict[str, str]], list[Distance]]:
    """The violations of `constraints` by `frame`, and the distance of every watched column that has values.

    `frame` has one row a prediction and columns named as in `statistics`, the baseline's.
    """
    configuration = constraints["monitoring_config"]["distribution_constraints"]
    described = {feature["name"]: feature for feature in statistics["features"]}
    found: list[dict[str, str]] = []
    distances: list[Distance] = []

    def violation(name: str, kind: str, description: str) -> None:
        found.append({"feature_name": name, "constraint_check_type": kind, "description": description})

    for constraint in constraints["features"]:
        name = constraint["name"]
        if name not in frame.columns:
            violation(name, "missing_column_check", "There are missing columns in current dataset.")
            continue
        column = frame[name]
        completeness = float(column.notna().mean()) if len(column) else 0.0
        # Sampling moves the share of missing values a little; a column that was complete must stay so.
        allowed = constraint["completeness"] if constraint["completeness"] == 1.0 else constraint["completeness"] - 0.05
        if completeness < allowed:
            violation(
                name,
                "completeness_check",
                f"Data completeness: {completeness:.4f} is below the baseline's: {constraint['completeness']:.4f}",
            )
        observed = inferred_type(column)
        if not fits(observed, constraint["inferred_type"]):
            violation(
                name,
                "data_type_check",
                f"Data type {observed} does not match the baseline's: {constraint['inferred_type']}",
            )
            continue
        domains = constraint.get("string_constraints", {}).get("domains")
        if domains is not None:
            unknown = sorted(set(column.dropna().astype(str)) - set(domains))
            if unknown:
                violation(
                    name,
                    "categorical_values_check",
                    f"Values that the baseline does not know: {', '.join(unknown[:5])}",
                )
        threshold = configuration["categorical_comparison_threshold" if domains is not None else "comparison_threshold"]
        distance = compare_column(described[name], column, threshold)
        if distance is None:
            continue
        distances.append(distance)
        if distance.violated:
            violation(
                name,
                "baseline_drift_check",
                f"Baseline drift distance: {distance.distance:.4f} exceeds threshold: {threshold:g}",
            )
    extra = [str(name) for name in frame.columns if str(name) not in described]
    for name in extra:
        violation(name, "extra_column_check", "There are extra columns in current dataset.")
    return found, distances
