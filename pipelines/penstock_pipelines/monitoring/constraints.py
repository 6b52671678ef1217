"""What later rows must satisfy, in the form of Model Monitor's constraints.json, suggested from a baseline's statistics.

Distributions are compared for chosen features only (seasons move others every month), by overriding the general setting
feature by feature. The method is the population stability index, named PSI.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from penstock_pipelines.errors import ConfigurationError
from penstock_pipelines.monitoring import statistics as stats

Json = dict[str, Any]
COMPLETENESS_SLACK = 0.1
"""How much less complete than the baseline a feature may be."""


def suggest(statistics: Json, compared: Collection[str], threshold: float) -> Json:
    """constraints.json of a baseline. ConfigurationError for a compared feature that the baseline does not have."""
    known = stats.features(statistics)
    if unknown := sorted(set(compared) - set(known)):
        raise ConfigurationError(
            f"monitor.features names {', '.join(unknown)}, which the model does not have.",
            f"It has {', '.join(known)}.",
        )
    return {
        "version": 0.0,
        "features": [_feature(feature, name in compared, threshold) for name, feature in known.items()],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 0.99,
            "domain_content_threshold": 0.99,
            "distribution_constraints": {
                "perform_comparison": "Disabled",
                "comparison_threshold": threshold,
                "comparison_method": "PSI",
                "categorical_comparison_threshold": threshold,
                "categorical_drift_method": "PSI",
            },
        },
    }


def compared_features(constraints: Json) -> dict[str, float]:
    """Features whose distribution is compared, and from which distance they count as drifted."""
    general = constraints["monitoring_config"]["distribution_constraints"]
    found = {}
    for feature in constraints["features"]:
        own = {**general, **feature.get("monitoring_config_overrides", {}).get("distribution_constraints", {})}
        if own["perform_comparison"] == "Enabled":
            text = feature["inferred_type"] == "String"
            found[feature["name"]] = float(own["categorical_comparison_threshold" if text else "comparison_threshold"])
    return found


def _feature(feature: Json, is_compared: bool, threshold: float) -> Json:
    constraint: Json = {
        "name": feature["name"],
        "inferred_type": feature["inferred_type"],
        "completeness": round(max(0.0, stats.completeness(feature) - COMPLETENESS_SLACK), 4),
    }
    if feature["inferred_type"] == "String":
        constraint["string_constraints"] = {"domains": sorted(stats.categories(feature))}
    else:
        smallest = feature["numerical_statistics"].get("min")
        constraint["num_constraints"] = {"is_non_negative": smallest is not None and smallest >= 0}
    if is_compared:
        constraint["monitoring_config_overrides"] = {
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": threshold,
                "categorical_comparison_threshold": threshold,
            }
        }
    return constraint
