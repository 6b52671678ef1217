"""``train``: one candidate, fitted on the encoded part to train on, with its metrics on both parts.

Hyperparameters: ``algorithms``, one or several by comma; all others go to the one algorithm. Several are stacked: a linear
model learns from their predictions for rows that they have not seen (three folds).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import joblib
import xgboost
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from penstock_services.containers.autopilot import inference, metrics, places
from penstock_services.containers.framework import job as jobs
from penstock_services.containers.framework import paths

_FOLDS = 3
_SEED = 0
_FOREST = {"n_estimators": 200, "random_state": _SEED}
_BOOSTED = {"n_estimators": 200, "max_depth": 6, "learning_rate": 0.1, "n_jobs": 1, "random_state": _SEED}
# Algorithm: what classifies, what regresses, and the settings of both.
_CLASSIFIERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "xgboost": (xgboost.XGBClassifier, _BOOSTED),
    "randomforest": (RandomForestClassifier, _FOREST),
    "extra-trees": (ExtraTreesClassifier, _FOREST),
    "linear-learner": (LogisticRegression, {"max_iter": 2000}),
}
_REGRESSORS: dict[str, tuple[Any, dict[str, Any]]] = {
    "xgboost": (xgboost.XGBRegressor, _BOOSTED),
    "randomforest": (RandomForestRegressor, _FOREST),
    "extra-trees": (ExtraTreesRegressor, _FOREST),
    "linear-learner": (Ridge, {}),
}


def train() -> None:
    """Fit the candidate, print its metrics, and leave its model archive's files."""
    given = {name: jobs.decoded(value) for name, value in jobs.read().hyperparameters.items()}
    folder = paths.DATA / "features"
    known = json.loads((folder / places.ANALYSIS).read_text())
    made = joblib.load(folder / places.FEATURES)
    algorithms = str(given.pop("algorithms")).split(",")
    estimator = _estimator(algorithms, given, regression=known["problem_type"] == "Regression")
    estimator.fit(*made["train"])
    for part in ("train", "validation"):
        rows, target = made[part]
        found = metrics.of(estimator, rows, target, known["problem_type"], len(known.get("labels", [])))
        for name, value in found.items():
            print(f"{part}:{name}={value!r};", flush=True)
    whole = Pipeline([("features", made["transformer"]), ("estimator", estimator)])
    code = paths.MODEL / "code"
    code.mkdir(parents=True, exist_ok=True)
    joblib.dump(whole, paths.MODEL / inference.MODEL)
    shutil.copy(folder / places.ANALYSIS, paths.MODEL / inference.ANALYSIS)
    shutil.copy(Path(inference.__file__), code / "inference.py")


def _estimator(algorithms: list[str], given: dict[str, Any], *, regression: bool) -> Any:
    makers = _REGRESSORS if regression else _CLASSIFIERS
    if len(algorithms) == 1:
        maker, settings = makers[algorithms[0]]
        return maker(**{**settings, **given})
    parts = [(name, makers[name][0](**makers[name][1])) for name in algorithms]
    if regression:
        return StackingRegressor(parts, final_estimator=Ridge(), cv=_FOLDS)
    return StackingClassifier(parts, final_estimator=LogisticRegression(max_iter=2000), cv=_FOLDS)
