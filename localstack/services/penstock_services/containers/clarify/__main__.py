"""``python -m penstock_services.containers.clarify``: the container's entry point.

Reads ``analysis_config.json`` and the data set, writes ``analysis.json``, the local explanations and ``report.html``;
with ``baseline_constraints`` in its environment also ``constraint_violations.json``.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from penstock_pipelines.monitor import in_container
from penstock_services.containers.analysis import conclude, only_file
from penstock_services.containers.clarify import bias, dataset, explanations, metrics, report, traffic
from penstock_services.containers.clarify.configuration import Analysis, load
from penstock_services.containers.clarify.predictor import Predictor, predictor
from penstock_services.containers.metric_file import Monitored

CONFIGURATION = "/opt/ml/processing/input/config"
DATA = "/opt/ml/processing/input/data"
OUTPUT = "/opt/ml/processing/output"
_PRE, _POST = "pre_training_bias", "post_training_bias"


def run(environment: Mapping[str, str]) -> str:
    """Do the analysis; the exit message."""
    configured = only_file(in_container(CONFIGURATION, environment))
    labelled = "sagemakermergejson" in environment.get("dataset_format", "").lower()
    analysis = load(configured, environment.get("model_name"), labelled=labelled)
    output = in_container(environment.get("output_path", OUTPUT), environment)
    output.mkdir(parents=True, exist_ok=True)
    said: pd.Series[Any] | None = None
    if traffic.monitored(environment):
        frame, said = traffic.read(environment, analysis)
    else:
        frame = dataset.read(in_container(DATA, environment), analysis)
    baseline = _baseline(environment)
    result: dict[str, Any] = {"version": "1.0"}
    found: list[dict[str, str]] = []
    if _PRE in analysis.methods:
        result[f"{_PRE}_metrics"] = bias.metrics(frame, analysis, _PRE)
        if baseline:
            found += bias.violations(frame, analysis, _PRE, None, baseline.get(f"{_PRE}_metrics", {}))
    asks = {_POST, "shap", "pdp"} & set(analysis.methods)
    if said is not None and _POST in asks:
        asks.remove(_POST)
        found += _after_training(frame, analysis, said, result, baseline)
    with predictor(analysis) if asks else contextlib.nullcontext() as model:
        if model is not None:
            found += _with_model(frame, analysis, model, result, baseline, output, asks)
    (output / "analysis.json").write_text(json.dumps(result, indent=2) + "\n")
    if baseline is not None:
        (output / "constraint_violations.json").write_text(json.dumps({"violations": found}, indent=2) + "\n")
    Monitored.of(environment).publish(metrics.of(result))
    if "report" in analysis.methods:
        title = analysis.methods["report"].get("title", "Analysis Report")
        (output / "report.html").write_text(report.render(result, title))
    for each in found:
        print(f"violation: {each['metric_name']}: {each['description']}", flush=True)
    if found:
        return f"CompletedWithViolations: Job completed successfully with {len(found)} violations."
    return "Completed: Job completed successfully with no violations."


def _with_model(
    frame: pd.DataFrame,
    analysis: Analysis,
    model: Predictor,
    result: dict[str, Any],
    baseline: dict[str, Any] | None,
    output: Path,
    asks: set[str],
) -> list[dict[str, str]]:
    """The analyses that ask the model, written into ``result``; what they break of the baseline."""
    features = frame[dataset.feature_columns(frame, analysis)]
    found: list[dict[str, str]] = []
    if _POST in asks:
        said = model.labels(features, analysis.probability_threshold, analysis.label_values)
        found += _after_training(frame, analysis, said, result, baseline)
    ranked = list(features.columns)
    if "shap" in analysis.methods:
        options = analysis.methods["shap"]
        labels = analysis.predictor.get("label_headers")
        section, local = explanations.shap_values(features, model.scores, options, labels)
        result.setdefault("explanations", {})["kernel_shap"] = section
        first = next(iter(section.values()))["global_shap_values"]
        ranked = sorted(first, key=lambda name: -abs(first[name]))
        if options.get("save_local_shap_values", True):
            _save_local(local, features, output / "explanations_shap" / "out.csv")
        if baseline:
            before = baseline.get("explanations", {}).get("kernel_shap", {})
            found += explanations.violations(section, before)
    if "pdp" in analysis.methods:
        table = explanations.partial_dependence(features, model.scores, analysis.methods["pdp"], ranked)
        result.setdefault("explanations", {})["pdp"] = table
    return found


def _after_training(
    frame: pd.DataFrame,
    analysis: Analysis,
    said: pd.Series[Any],
    result: dict[str, Any],
    baseline: dict[str, Any] | None,
) -> list[dict[str, str]]:
    """The bias of predictions, written into ``result``; what it breaks of the baseline."""
    result[f"{_POST}_metrics"] = bias.metrics(frame, analysis, _POST, said)
    return bias.violations(frame, analysis, _POST, said, baseline.get(f"{_POST}_metrics", {})) if baseline else []


def _save_local(local: dict[str, Any], features: pd.DataFrame, path: Path) -> None:
    columns = {
        f"{name}_{label}": values[:, number]
        for label, values in local.items()
        for number, name in enumerate(features.columns)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(path, index=False)


def _baseline(environment: Mapping[str, str]) -> dict[str, Any] | None:
    path = environment.get("baseline_constraints")
    if not path:
        return None
    document: dict[str, Any] = json.loads(only_file(in_container(path, environment)).read_text())
    return document


def main() -> int:
    """Run, and leave the exit message; 1 for an analysis that cannot be made."""
    return conclude(run)


if __name__ == "__main__":
    sys.exit(main())
