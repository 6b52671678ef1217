"""``features``: fit what imputes and encodes the columns on the part to train on, and encode both parts by it."""

from __future__ import annotations

import json
import shutil
from typing import Any

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from penstock_services.containers.autopilot import places
from penstock_services.containers.autopilot.inference import PARTS, typed

_MOST_CATEGORIES = 50
_MOST_WORDS = 200


def features() -> None:
    """Leave the fitted transformer and both parts as matrices, with what is known of the columns beside them."""
    known = json.loads((places.PREPARED / places.ANALYSIS).read_text())
    transformer = _transformer(known["columns"])
    train, train_target = _part(places.TRAIN_PART, known)
    validation, validation_target = _part(places.VALIDATION_PART, known)
    made = {
        "train": (transformer.fit_transform(train), train_target),
        "validation": (transformer.transform(validation), validation_target),
        "transformer": transformer,
    }
    places.OUTPUT.mkdir(parents=True, exist_ok=True)
    joblib.dump(made, places.OUTPUT / places.FEATURES)
    shutil.copy(places.PREPARED / places.ANALYSIS, places.OUTPUT / places.ANALYSIS)
    print(f"{made['train'][0].shape[1]} features of {len(known['columns'])} columns")


def _part(name: str, known: dict[str, Any]) -> tuple[Any, Any]:
    """One part: its columns as they are typed, and its target as numbers (of labels: their places)."""
    frame = pd.read_csv(places.PREPARED / name, dtype=str)
    target = frame[known["target"]]
    if "labels" in known:
        order = {label: place for place, label in enumerate(known["labels"])}
        return typed(frame, known["columns"]), target.map(order).to_numpy(dtype=int)
    return typed(frame, known["columns"]), pd.to_numeric(target).to_numpy(dtype=float)


def _transformer(columns: list[dict[str, str]]) -> Any:
    """Numbers: the median for what is missing (and that it was), scaled. Categories: one-hot, the missing one being a
    category of its own and rare ones together. Texts: weights of their words."""
    of = {kind: [each["name"] for each in columns if each["type"] == kind] for kind in _KINDS}
    numbers = [*of["numeric"], *(f"{name}.{part}" for name in of["datetime"] for part in PARTS)]
    impute = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    encode = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=_MOST_CATEGORIES)
    steps: list[Any] = [
        ("numbers", Pipeline([("impute", impute), ("scale", StandardScaler())]), numbers),
        ("categories", encode, of["categorical"]),
    ]
    for place, name in enumerate(of["text"]):
        words = TfidfVectorizer(max_features=_MOST_WORDS, token_pattern=r"\S+")  # noqa: S106
        steps.append((f"text-{place}", words, name))
    return ColumnTransformer([step for step in steps if step[2]])


_KINDS = ("numeric", "datetime", "categorical", "text")
