"""``analysis_config.json``: what an analysis is asked for, checked before anything is computed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_KNOWN_METHODS = {"pre_training_bias", "post_training_bias", "shap", "pdp", "report"}
_REFUSED = {"text_config": "text", "image_config": "images"}


class ConfigurationError(ValueError):
    """An analysis configuration that cannot be followed; the message names the key."""


@dataclass(frozen=True)
class Facet:
    """A sensitive column, and which of its values mark the disadvantaged group."""

    name: str
    values: list[Any]


@dataclass(frozen=True)
class Analysis:
    """One checked analysis configuration."""

    dataset_type: str
    headers: list[str] | None
    features: str | None
    label: str | None
    label_values: list[Any]
    facets: list[Facet]
    group_variable: str | None
    excluded: list[str]
    probability_threshold: float
    predictor: dict[str, Any]
    methods: dict[str, dict[str, Any]]
    model_name: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)


def load(path: Path, model_name: str | None = None, *, labelled: bool = False) -> Analysis:
    """Read and check the file; ``model_name`` is what a pipeline's ClarifyCheck step names beside it.

    ``labelled``: a monitoring job has the predictions and their labels, so that post-training bias needs no model, and
    without ``methods`` all bias metrics are computed.
    """
    try:
        raw = json.loads(path.read_text())
    except ValueError as error:
        message = f"analysis_config.json is no JSON: {error}"
        raise ConfigurationError(message) from error
    methods = raw.get("methods")
    if labelled and not set(methods or {}) - {"report"}:
        methods = {**(methods or {}), "pre_training_bias": {}, "post_training_bias": {}}
    if not isinstance(methods, dict) or not set(methods) - {"report"}:
        message = "methods must ask for at least one of pre_training_bias, post_training_bias, shap, pdp"
        raise ConfigurationError(message)
    unknown = sorted(set(methods) - _KNOWN_METHODS)
    if unknown:
        message = (
            f"methods {', '.join(unknown)} are not implemented here; there are {', '.join(sorted(_KNOWN_METHODS))}"
        )
        raise ConfigurationError(message)
    for key, what in _REFUSED.items():
        if key in methods.get("shap", {}):
            message = f"methods.shap.{key}: explanations of {what} are not implemented here"
            raise ConfigurationError(message)
    headers = raw.get("headers")
    names = list(map(str, headers)) if headers else None
    predictor = raw.get("predictor") or {}
    analysis = Analysis(
        dataset_type=raw.get("dataset_type", "text/csv"),
        headers=names,
        features=raw.get("features"),
        label=_named(raw.get("label"), names),
        label_values=list(raw.get("label_values_or_threshold") or []),
        facets=[_facet(each, names) for each in _listed(raw.get("facet"))],
        group_variable=_named(raw.get("group_variable"), names),
        excluded=[_named(each, names) or "" for each in raw.get("excluded_columns") or []],
        probability_threshold=float(raw.get("probability_threshold", 0.5)),
        predictor=predictor,
        methods={name: options or {} for name, options in methods.items()},
        model_name=model_name or predictor.get("model_name"),
        raw=raw,
    )
    _check(analysis, labelled=labelled)
    return analysis


def _check(analysis: Analysis, *, labelled: bool) -> None:
    biased = {"pre_training_bias", "post_training_bias"} & set(analysis.methods)
    if biased and not analysis.facets:
        message = "facet must name the sensitive column for a bias analysis"
        raise ConfigurationError(message)
    if biased and analysis.label is None:
        message = "label must name the column of the truth for a bias analysis"
        raise ConfigurationError(message)
    asks = {"shap", "pdp"} & set(analysis.methods)
    if "post_training_bias" in analysis.methods and not labelled:
        asks.add("post_training_bias")
    if asks and not analysis.model_name and not analysis.predictor.get("endpoint_name"):
        message = (
            f"predictor must name a model (model_name) or an endpoint (endpoint_name) for {', '.join(sorted(asks))}"
        )
        raise ConfigurationError(message)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _facet(raw: dict[str, Any], headers: list[str] | None) -> Facet:
    name = _named(raw.get("name_or_index"), headers)
    if name is None:
        message = "every facet needs name_or_index"
        raise ConfigurationError(message)
    return Facet(name, list(raw.get("value_or_threshold") or []))


def _named(value: Any, headers: list[str] | None) -> str | None:
    """A column's name, from a name or from its number."""
    if value is None:
        return None
    if isinstance(value, int) and headers and 0 <= value < len(headers):
        return headers[value]
    return str(value)
