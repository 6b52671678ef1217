"""The model: this is the file to edit.

`train` and `serve` of the image call these functions (see penstock_pipelines.container.model).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb

from @{{ cookiecutter.package }}.dataset import INPUTS, LABEL

DEFAULTS = {
    "rounds": "150",
    "max_depth": "6",
    "learning_rate": "0.1",
    "min_child_weight": "20",
    "subsample": "0.8",
    "colsample_bytree": "0.6",
    "threads": "1",
    "seed": "7",
}
"""Hyperparameters that a run may override. One thread adds up in the same order on every machine."""


@dataclass(frozen=True)
class Model:
    """Trees, and the categories that text inputs had in training (others are treated as missing)."""

    booster: xgb.Booster
    categories: Mapping[str, list[str]]


def inputs(_: Model) -> Mapping[str, str]:
    """Input columns in order, each "number" or "text"."""
    return INPUTS


def train(training: pd.DataFrame, hyperparameters: Mapping[str, str]) -> Model:
    """Fits boosted trees. Equal rows, hyperparameters and seed give an equal model."""
    values = {**DEFAULTS, **hyperparameters}
    categories = {
        name: sorted(str(value) for value in training[name].dropna().unique())
        for name, kind in INPUTS.items()
        if kind == "text"
    }
    matrix = xgb.DMatrix(
        _encode(training, categories),
        label=training[LABEL].to_numpy(),
        enable_categorical=True,
        nthread=int(values["threads"]),
    )
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": int(values["max_depth"]),
        "eta": float(values["learning_rate"]),
        "min_child_weight": float(values["min_child_weight"]),
        "subsample": float(values["subsample"]),
        "colsample_bytree": float(values["colsample_bytree"]),
        "nthread": int(values["threads"]),
        "seed": int(values["seed"]),
    }
    return Model(xgb.train(parameters, matrix, num_boost_round=int(values["rounds"])), categories)


def predict(model: Model, rows: pd.DataFrame) -> list[float]:
    """Probability of arriving late, one per row."""
    matrix = xgb.DMatrix(_encode(rows, model.categories), enable_categorical=True, nthread=1)
    return [float(score) for score in model.booster.predict(matrix)]


def save(model: Model, folder: Path) -> None:
    """Writes model.ubj and categories.json."""
    model.booster.save_model(folder / "model.ubj")
    (folder / "categories.json").write_text(json.dumps(model.categories, indent=2, sort_keys=True))


def load(folder: Path) -> Model:
    """Reads what `save` wrote."""
    booster = xgb.Booster({"nthread": 1})
    booster.load_model(folder / "model.ubj")
    return Model(booster, json.loads((folder / "categories.json").read_text()))


def _encode(rows: pd.DataFrame, categories: Mapping[str, list[str]]) -> pd.DataFrame:
    columns = {
        name: pd.Categorical(rows[name].where(rows[name].isin(categories[name])), categories=categories[name])
        if kind == "text"
        else rows[name].astype(np.float32)
        for name, kind in INPUTS.items()
    }
    return pd.DataFrame(columns)
