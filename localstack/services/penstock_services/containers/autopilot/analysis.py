"""``analyze``: what a data set is (its problem type, labels and the types of its columns), and its split in two parts.

Which problem types there are and what is asked of a data set (at least 500 rows for training): developer guide, "Autopilot
datasets and problem types", and API reference, CreateAutoMLJob. By which rule AWS finds the problem type it does not document;
here two distinct values of the target make a binary classification, texts or at most 20 distinct whole numbers a multiclass
classification, other numbers a regression.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn.model_selection import train_test_split

from penstock_services.containers.autopilot import places, reading
from penstock_services.containers.autopilot.places import DataError

_FEWEST_ROWS = 500
_MOST_CLASSES = 20
_ENSEMBLING_BYTES = 100 << 20
_SEED = 0
_BINARY, _MULTICLASS, _REGRESSION = "BinaryClassification", "MulticlassClassification", "Regression"


def analyze(variables: Mapping[str, str] = os.environ) -> None:
    """Read the channels, and leave both parts and ``analysis.json``. Raises DataError.

    Variables: TARGET, CONTENT_TYPE, MODE (AUTO or ENSEMBLING), PROBLEM_TYPE (empty: to be found), VALIDATION_FRACTION.
    """
    size = sum(path.stat().st_size for path in reading.files(places.TRAINING))
    if variables["MODE"] == "AUTO" and size >= _ENSEMBLING_BYTES:
        message = (
            "in AUTO mode Autopilot chooses HYPERPARAMETER_TUNING for data sets of 100 MB and more, which Penstock's local "
            "SageMaker does not run: set Mode to ENSEMBLING"
        )
        raise DataError(message)
    parquet, target = "parquet" in variables["CONTENT_TYPE"], variables["TARGET"]
    training = _with_target(reading.table(places.TRAINING, parquet=parquet), target, "training")
    if len(training) < _FEWEST_ROWS:
        message = (
            f"the training data set has {len(training)} rows with a value of the target column; a minimum of "
            f"{_FEWEST_ROWS} rows is required"
        )
        raise DataError(message)
    problem = _problem(training[target], variables["PROBLEM_TYPE"])
    if places.VALIDATION.is_dir():
        validation = _with_target(reading.table(places.VALIDATION, parquet=parquet), target, "validation")
        if list(validation.columns) != list(training.columns):
            message = "the validation and training data sets must have the same columns, in the same order"
            raise DataError(message)
        if validation.empty:
            message = f"no row of the validation data set has a value of the target column {target}"
            raise DataError(message)
    else:
        fraction = float(variables["VALIDATION_FRACTION"])
        training, validation = _split(training, target, fraction, classes=problem != _REGRESSION)
    columns = [{"name": name, "type": _type(training[name])} for name in training.columns if name != target]
    if all(column["type"] == "dropped" for column in columns):
        message = f"no column but the target column {target} has values that can be learnt from"
        raise DataError(message)
    found: dict[str, Any] = {"target": target, "problem_type": problem, "columns": columns}
    if problem != _REGRESSION:
        found["labels"] = _labels(training[target])
        unknown = sorted(set(validation[target]) - set(found["labels"]))
        if unknown:
            message = f"the validation data set has labels that the training data set has not: {', '.join(unknown)}"
            raise DataError(message)
    places.OUTPUT.mkdir(parents=True, exist_ok=True)
    training.to_csv(places.OUTPUT / places.TRAIN_PART, index=False)
    validation.to_csv(places.OUTPUT / places.VALIDATION_PART, index=False)
    (places.OUTPUT / places.ANALYSIS).write_text(json.dumps(found))
    print(f"{problem}: {len(training)} rows to train on, {len(validation)} to validate on, {json.dumps(columns)}")


def _with_target(frame: Any, target: str, channel: str) -> Any:
    """The rows whose target has a value; whole numbers as targets are written as such. Raises DataError."""
    if target not in frame.columns:
        message = (
            f"the target column {target} is not in the {channel} data set, whose columns are "
            f"{', '.join(map(str, frame.columns))}"
        )
        raise DataError(message[:900])
    values = frame[target].str.strip()
    frame = frame.assign(**{target: values})[values.notna() & (values != "")].reset_index(drop=True)
    numbers = pd.to_numeric(frame[target], errors="coerce")
    if len(frame) and (numbers.notna() & (numbers % 1 == 0)).all():
        frame[target] = numbers.astype("int64").astype(str)
    return frame


def _problem(values: Any, given: str) -> str:
    """The problem type: the one given, or the one that the target's values show. Raises DataError."""
    distinct, numbers = values.nunique(), pd.to_numeric(values, errors="coerce")
    if distinct < 2:
        message = "the target column has only one distinct value"
        raise DataError(message)
    if given == _BINARY and distinct > 2:
        message = f"the target column has {distinct} distinct values, which is not a binary classification"
        raise DataError(message)
    if given == _REGRESSION and numbers.isna().any():
        message = f"the target column of a regression must hold numbers; it holds {values[numbers.isna()].iloc[0]!r}"
        raise DataError(message)
    if given:
        return given
    if distinct == 2:
        return _BINARY
    few = distinct <= _MOST_CLASSES and (numbers % 1 == 0).all()
    return _MULTICLASS if numbers.isna().any() or few else _REGRESSION


def _labels(values: Any) -> list[str]:
    """The labels in order: by number where all are numbers; the second one of two is the positive class."""
    numbers = pd.to_numeric(pd.Series(values.unique()), errors="coerce")
    return sorted(values.unique(), key=float if numbers.notna().all() else str)


def _split(frame: Any, target: str, fraction: float, *, classes: bool) -> tuple[Any, Any]:
    """Two parts, both with every class in its proportion where that can be, and no class in the second only."""
    try:
        stratify = frame[target] if classes else None
        train, validation = train_test_split(frame, test_size=fraction, random_state=_SEED, stratify=stratify)
    except ValueError:
        # A class has too few rows to be in both parts.
        train, validation = train_test_split(frame, test_size=fraction, random_state=_SEED)
    if classes:
        only = ~validation[target].isin(train[target])
        train, validation = pd.concat([train, validation[only]]), validation[~only]
    return train, validation


def _type(values: Any) -> str:
    """numeric, datetime (ISO 8601), categorical, text, or dropped: nothing to learn from, or an identifier."""
    present = values.dropna()
    if present.nunique() < 2:
        return "dropped"
    if pd.to_numeric(present, errors="coerce").notna().all():
        return "numeric"
    if pd.to_datetime(present, errors="coerce", utc=True, format="ISO8601").notna().all():
        return "datetime"
    if present.nunique() <= len(present) / 2:
        return "categorical"
    return "text" if present.str.contains(r"\s", regex=True).mean() > 0.5 else "dropped"
