"""The answers of an Autopilot candidate: CSV rows without a header and without the target in, predictions out.

This file lies in every candidate's model archive beside the fitted pipeline and what is known of the columns, and imports
nothing of Penstock's. What is answered for a classification is chosen by SAGEMAKER_INFERENCE_OUTPUT: developer guide,
"Configure inference output in generated containers".
"""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

MODEL, ANALYSIS = "model.joblib", "analysis.json"
PARTS = ("year", "month", "day", "dayofweek", "hour")


def typed(frame: Any, columns: list[dict[str, str]]) -> Any:
    """A frame of texts as the pipeline takes it, column by column: numbers, parts of times, texts."""
    made = {}
    for column in columns:
        name, kind = column["name"], column["type"]
        if kind == "numeric":
            made[name] = pd.to_numeric(frame[name], errors="coerce").astype(float).replace([np.inf, -np.inf], np.nan)
        elif kind == "datetime":
            moments = pd.to_datetime(frame[name], errors="coerce", utc=True, format="ISO8601")
            for part in PARTS:
                made[f"{name}.{part}"] = getattr(moments.dt, part).astype(float)
        elif kind in ("categorical", "text"):
            made[name] = frame[name].astype(object).where(frame[name].notna(), "").astype(str).str.strip()
    return pd.DataFrame(made)


def model_fn(folder: str) -> tuple[Any, dict[str, Any]]:
    """The fitted pipeline, and what is known of the columns."""
    known = json.loads((Path(folder) / ANALYSIS).read_text())
    return joblib.load(Path(folder) / MODEL), known


def transform_fn(model: tuple[Any, dict[str, Any]], body: Any, content_type: str, _accept: str) -> tuple[str, str]:
    """One line of CSV for each row. Raises ValueError for rows of another form."""
    pipeline, known = model
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "text/csv":
        message = f"the content type must be text/csv, not {content_type}"
        raise ValueError(message)
    text = body if isinstance(body, str) else bytes(body).decode()
    frame = pd.read_csv(io.StringIO(text), header=None, dtype=str, skipinitialspace=True, skip_blank_lines=False)
    names = [column["name"] for column in known["columns"]]
    if frame.shape[1] != len(names):
        message = f"a row must have {len(names)} values, those of every column but the target; it has {frame.shape[1]}"
        raise ValueError(message)
    frame.columns = names
    rows = typed(frame, known["columns"])
    if "labels" not in known:
        return "".join(f"{float(value)!r}\n" for value in pipeline.predict(rows)), "text/csv"
    return _classes(pipeline.predict_proba(rows), known["labels"]), "text/csv"


def _classes(probabilities: Any, labels: list[str]) -> str:
    """The keys of SAGEMAKER_INFERENCE_OUTPUT for each row."""
    wanted = [key.strip() for key in os.environ.get("SAGEMAKER_INFERENCE_OUTPUT", "predicted_label").split(",")]
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for row in probabilities:
        best = int(np.argmax(row))
        values = {
            "predicted_label": labels[best],
            "probability": repr(float(row[best])),
            "probabilities": str([float(value) for value in row]),
            "labels": str(labels),
        }
        writer.writerow([values[key] for key in wanted])
    return lines.getvalue()
