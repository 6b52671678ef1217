"""The data set of a monitoring job: what an endpoint was asked and answered, and the labels that were merged to it.

Developer guide, "Container Contract Inputs" of Model Monitor, and "Parameters to Monitor for Bias Drift" (the features
and the predictions come from the captured data: the model is not asked for its labels again).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from penstock_pipelines.monitor import in_container
from penstock_pipelines.monitoring import capture
from penstock_services.containers.clarify import dataset
from penstock_services.containers.clarify.configuration import Analysis, ConfigurationError
from penstock_services.containers.model_monitor import captured

_REQUEST, _ANSWER = "endpointInput", "endpointOutput"
_FILES = (".", "_")


def monitored(environment: Mapping[str, str]) -> bool:
    """Whether a monitoring schedule started this job."""
    return "dataset_source" in environment


def read(environment: Mapping[str, str], analysis: Analysis) -> tuple[pd.DataFrame, pd.Series[Any] | None]:
    """The data of the window with the configuration's names, and the captured predictions where labels were merged."""
    source = in_container(environment["dataset_source"], environment)
    ((form, _),) = json.loads(environment["dataset_format"]).items()
    if form.lower() not in captured.FORMATS:
        return dataset.read(source, analysis), None
    window = captured.Window.of(environment.get("start_time"), environment.get("end_time"))
    events = list(captured.within(capture.events(_files(source)), window))
    asked = [row for event in events for row in captured.rows({"captureData": event["captureData"]}, [_REQUEST])]
    if not asked:
        raise captured.nothing(window)
    frame = _named(captured.typed(pd.DataFrame(asked)), analysis)
    if not any(captured.TRUTH in event for event in events):
        return frame, None
    if analysis.label is None:
        message = "label must name the column of the truth for a bias analysis"
        raise ConfigurationError(message)
    answered = [row for event in events for row in captured.rows({"captureData": event["captureData"]}, [_ANSWER])]
    truths = [value for event in events for value in captured.truth(event[captured.TRUTH])]
    if not len(asked) == len(answered) == len(truths):
        message = f"{len(asked)} requests, {len(answered)} answers and {len(truths)} labels do not belong together"
        raise ConfigurationError(message)
    frame[analysis.label] = captured.typed(pd.DataFrame({"truth": truths}))["truth"]
    return frame, _predicted(environment, captured.typed(pd.DataFrame(answered)), analysis)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(_FILES))


def _named(frame: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Captured CSV has no header: its columns are the configuration's headers without the label."""
    if analysis.headers is None or not all(str(name).startswith("_c") for name in frame.columns):
        return frame
    names = [name for name in analysis.headers if name != analysis.label]
    if len(names) != len(frame.columns):
        message = f"headers name {len(names)} features, the captured requests have {len(frame.columns)}"
        raise ConfigurationError(message)
    return frame.set_axis(names, axis=1)


def _predicted(environment: Mapping[str, str], answers: pd.DataFrame, analysis: Analysis) -> pd.Series[Any]:
    """The predicted labels: the inference attribute, or the probability attribute held against its threshold."""
    inference, probability = environment.get("inference_attribute"), environment.get("probability_attribute")
    if inference is not None or probability is None:
        return _column(answers, inference or "0").rename("prediction")
    threshold = float(environment.get("probability_threshold_attribute") or analysis.probability_threshold)
    values = _column(answers, probability).to_numpy(float)
    positive = analysis.label_values[0] if analysis.label_values else 1
    other = 0 if isinstance(positive, int | float) else f"not {positive}"
    return pd.Series(np.where(values > threshold, positive, other), name="prediction")


def _column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    for candidate in (name, f"_c{name}"):
        if candidate in frame.columns:
            return frame[candidate]
    message = f"the captured answers have no column {name!r}; they have {', '.join(map(str, frame.columns))}"
    raise ConfigurationError(message)
