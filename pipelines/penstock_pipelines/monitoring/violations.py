"""Where rows break a baseline's constraints, in the form of Model Monitor's constraint_violations.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock_pipelines.monitoring import constraints as limits
from penstock_pipelines.monitoring import distance
from penstock_pipelines.monitoring import statistics as stats

Json = dict[str, Any]
NUMBERS = ("Integral", "Fractional")


def of(statistics: Json, baseline: Json, constraints: Json) -> Json:
    """constraint_violations.json of current statistics against a baseline's statistics and constraints."""
    return {"violations": list(_violations(statistics, baseline, constraints))}


def distances(statistics: Json, baseline: Json, constraints: Json) -> dict[str, float]:
    """Distance from the baseline of each compared feature that the rows have."""
    current, reference = stats.features(statistics), stats.features(baseline)
    return {
        name: round(_distance(reference[name], current[name]), 4)
        for name in limits.compared_features(constraints)
        if name in current and name in reference and _same_kind(reference[name], current[name])
    }


def _violations(statistics: Json, baseline: Json, constraints: Json) -> Iterator[Json]:
    current, expected = stats.features(statistics), stats.features(constraints)
    in_domain = constraints["monitoring_config"]["domain_content_threshold"]
    for name in expected.keys() - current.keys():
        yield _violation(name, "missing_column_check", "The baseline has this column, the current rows do not.")
    for name in sorted(current.keys() - expected.keys()):
        yield _violation(name, "extra_column_check", "The current rows have this column, the baseline does not.")
    for name, constraint in expected.items():
        if name not in current:
            continue
        feature = current[name]
        complete = stats.completeness(feature)
        if complete < constraint["completeness"]:
            text = f"Completeness is {complete:.2%}, below the required {constraint['completeness']:.2%}."
            yield _violation(name, "completeness_check", text)
        if not _same_kind(constraint, feature):
            text = f"Expected type {constraint['inferred_type']}, found {feature['inferred_type']}."
            yield _violation(name, "data_type_check", text)
        elif domains := constraint.get("string_constraints", {}).get("domains"):
            counts = stats.categories(feature)
            known = sum(count for value, count in counts.items() if value in domains)
            share = known / sum(counts.values()) if counts else 1.0
            if share < in_domain:
                unknown = sorted(set(counts) - set(domains))[:5]
                text = f"{share:.2%} of the values are known, below {in_domain:.2%}; new: {', '.join(unknown)}."
                yield _violation(name, "categorical_values_check", text)
    thresholds = limits.compared_features(constraints)
    for name, value in distances(statistics, baseline, constraints).items():
        if value > thresholds[name]:
            text = f"Baseline drift distance: {value} (PSI) exceeds threshold: {thresholds[name]}"
            yield _violation(name, "baseline_drift_check", text)


def _distance(baseline: Json, current: Json) -> float:
    if baseline["inferred_type"] == "String":
        return distance.of_categories(stats.categories(baseline), stats.categories(current))
    return distance.of_numbers(stats.sketch_values(baseline), stats.sketch_values(current))


def _same_kind(one: Json, other: Json) -> bool:
    return (one["inferred_type"] in NUMBERS) == (other["inferred_type"] in NUMBERS)


def _violation(name: str, check: str, description: str) -> Json:
    return {"feature_name": name, "constraint_check_type": check, "description": description}
