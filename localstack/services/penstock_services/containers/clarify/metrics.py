"""What a monitoring job of Clarify says to CloudWatch.

Developer guide, "CloudWatch Metrics for Bias Drift Analysis" and "CloudWatch Metrics for Feature Drift Analysis".
"""

from __future__ import annotations

from typing import Any

from penstock_services.containers.metric_file import Metric

_STAGES = {"pre_training_bias_metrics": "Pre-training", "post_training_bias_metrics": "Post-Training"}


def of(result: dict[str, Any]) -> list[Metric]:
    """The metrics of an analysis.json; "errors including null values are not published"."""
    found: list[Metric] = []
    for name, stage in _STAGES.items():
        section = result.get(name, {})
        for facet, entries in section.get("facets", {}).items():
            for entry in entries:
                dimensions = {
                    "BiasStage": stage,
                    "Label": str(section["label"]),
                    "LabelValue": str(section.get("label_value_or_threshold", "")),
                    "Facet": facet,
                    "FacetValue": str(entry["value_or_threshold"]),
                }
                dimensions = {key: value for key, value in dimensions.items() if value}
                found += [
                    Metric(f"bias_metric_{metric['name']}", float(metric["value"]), dimensions=dimensions)
                    for metric in entry["metrics"]
                    if metric["value"] is not None
                ]
    for label, section in result.get("explanations", {}).get("kernel_shap", {}).items():
        own = {"ExplainabilityMethod": "KernelShap", "Label": label}
        values = {**own, "ValueType": "GlobalShapValues"}
        found += [
            Metric(f"feature_{name}", value, dimensions=values) for name, value in section["global_shap_values"].items()
        ]
        expected = {**own, "ValueType": "ExpectedValue"}
        found.append(Metric("ExpectedValue", section["expected_value"], dimensions=expected))
    return found
