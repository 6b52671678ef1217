"""Evaluating a candidate: metrics on held-out rows, the champion on the same rows, and a baseline for the monitors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from penstock_pipelines import champion, metrics
from penstock_pipelines.container import rows as wire
from penstock_pipelines.container.model import ModelModule
from penstock_pipelines.drift import PREDICTION
from penstock_pipelines.errors import ConfigurationError
from penstock_pipelines.monitoring import baseline
from penstock_pipelines.tracking import Tracker

Json = dict[str, Any]
NO_CHAMPION = "no champion yet"
SMOKE_ROWS = 5
TRACKED_AS_PARAMETERS = ("train_from", "train_to", "evaluate_from", "evaluate_to", "sample_fraction")


def compare(candidate: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """Candidate minus champion, metric by metric."""
    return {name: round(candidate[name] - other[name], 6) for name in candidate if name in other and name != "rows"}


def champion_report(
    module: ModelModule, rows: pd.DataFrame, label: str, candidate: Mapping[str, float], group: str | None
) -> Json:
    """The champion's metrics on the candidate's rows: {"version", "metrics", "difference"} or {"reason"}.

    `group` is the model package group; None where no registry is at hand.
    """
    current = champion.find(group) if group else None
    if current is None:
        return {"version": None, "metrics": None, "reason": NO_CHAMPION}
    scores, reason = champion.score(module, champion.archive_of(current), rows)
    if scores is None:
        return {"version": current.version, "arn": current.arn, "metrics": None, "reason": f"not comparable: {reason}"}
    values = metrics.binary(rows[label].to_numpy(dtype=np.float64), np.array(scores))
    return {
        "version": current.version,
        "arn": current.arn,
        "metrics": values,
        "difference": compare(candidate, values),
        "reason": "compared on the same rows",
    }


def report(
    module: ModelModule,
    fitted: Any,
    rows: pd.DataFrame,
    *,
    label: str,
    slices: Sequence[str],
    model_package_group: str | None,
    metadata: Mapping[str, str],
) -> tuple[Json, list[float]]:
    """The document evaluation.json and the candidate's scores.

    `metrics` are flat numbers (for conditions); `binary_classification_metrics` the same as SageMaker shows them;
    `champion`, `slices`, `curves` are for people; `metadata` goes to the registry as it is.
    """
    scores = [float(score) for score in module.predict(fitted, rows)]
    labels, array = rows[label].to_numpy(dtype=np.float64), np.array(scores)
    values = metrics.binary(labels, array)
    compared = champion_report(module, rows, label, values, model_package_group)
    document = {
        "metrics": values,
        **metrics.as_model_quality(values),
        "champion": compared,
        "slices": {name: metrics.by_slice(labels, array, rows[name].to_numpy()) for name in slices},
        "curves": metrics.curves(labels, array),
        "metadata": {
            **metadata,
            **{name: str(values[name]) for name in ("auc", "average_precision", "brier", "log_loss")},
            "evaluation_rows": str(values["rows"]),
            "champion_version": str(compared["version"] or "none"),
        },
    }
    return document, scores


def write_baseline(
    folder: Path,
    rows: pd.DataFrame,
    scores: Sequence[float],
    inputs: Mapping[str, str],
    compared: Sequence[str],
    threshold: float,
) -> None:
    """Write statistics.json and constraints.json of the inputs and the prediction.

    ConfigurationError when a compared column is none of them.
    """
    frame = rows[list(inputs)].assign(**{PREDICTION: list(scores)})
    try:
        statistics, constraints = baseline(frame, compared, threshold)
    except ValueError as error:
        columns = ", ".join(frame.columns)
        raise ConfigurationError(f"monitor.features in penstock.yaml: {error}.", f"Columns: {columns}.") from None
    write_json(folder / "statistics.json", statistics)
    write_json(folder / "constraints.json", constraints)


def write_smoke(folder: Path, rows: pd.DataFrame, scores: Sequence[float], inputs: Mapping[str, str]) -> None:
    """Write a few rows as an endpoint takes them (smoke.csv) and the scores that it must give (smoke.expected.csv)."""
    (folder / "smoke.csv").write_text(wire.write_csv(rows[list(inputs)].head(SMOKE_ROWS)), encoding="utf-8")
    (folder / "smoke.expected.csv").write_text(wire.write_scores(scores[:SMOKE_ROWS], wire.CSV), encoding="utf-8")


def track(tracker: Tracker, document: Json) -> None:
    """Tell MLflow what evaluation.json says: metrics, those of the slices, metadata, the version of the data."""
    metadata, compared = document["metadata"], document["champion"]
    values = dict(document["metrics"])
    for name, parts in document["slices"].items():
        values |= {f"auc_{name}/{part}": scores["auc"] for part, scores in parts.items()}
    values |= {f"difference_{name}": value for name, value in compared.get("difference", {}).items()}
    facts = {name: value for name, value in metadata.items() if name not in (*document["metrics"], "mlflow_run")}
    settings = {name: facts.pop(name) for name in TRACKED_AS_PARAMETERS if name in facts}
    tracker.log(parameters=settings, metrics=values, tags={f"penstock.{name}": value for name, value in facts.items()})
    tracker.dataset("curated", metadata["data_version"], "training")
    tracker.finish("FINISHED")


def write_json(file: Path, document: Json) -> None:
    """Write a JSON document, indented."""
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
