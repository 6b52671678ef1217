"""Compile what lies in /opt/ml/input/model as /opt/ml/input/config/compilation.json says, into /opt/ml/output/compiled."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

from penstock_services.containers.compilation import inference_file, models, sklearn_graph, verification, xgboost_graph
from penstock_services.containers.compilation.failure import CompilationError

_GRAPH = "model.onnx"


def main() -> int:
    """Compile; the exit code."""
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    request = json.loads((base / "input/config/compilation.json").read_text())
    warnings.simplefilter("ignore")
    try:
        _compile(base, request)
    except CompilationError as error:
        (base / "output/failure").write_text(str(error))
        print(f"compilation failed: {error}", flush=True)
        return 1
    return 0


def _compile(base: Path, request: dict[str, Any]) -> None:
    folder, output = base / "input/model", base / "output/compiled"
    output.mkdir(parents=True, exist_ok=True)
    if request["Framework"] == "XGBOOST":
        name, made, rows, expected, about = _xgboost(folder)
    else:
        name, made, rows, expected, about = _sklearn(folder)
    print(f"{name}: {about}", flush=True)
    _same_features(request.get("Features"), about["Features"])
    importlib.import_module("onnx").save(made, output / _GRAPH)
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(str(output / _GRAPH), providers=["CPUExecutionProvider"])
    answers = dict(
        zip([each.name for each in session.get_outputs()], session.run(None, {"features": rows}), strict=True)
    )
    differences = verification.compare(expected, answers)
    print(f"verified on {len(rows)} rows: largest differences {differences}", flush=True)
    outputs = [
        {
            "Name": each.name,
            "Type": each.type,
            "Shape": [part if isinstance(part, int) else None for part in each.shape],
        }
        for each in session.get_outputs()
    ]
    manifest = {
        "Format": "ONNX",
        "Model": _GRAPH,
        "Runtime": {"Name": "onnxruntime", "MinimumVersion": "1.20.0", "CompiledWith": version("onnxruntime")},
        "Target": request["Target"],
        **about,
        "Source": name,
        "Inputs": [{"Name": "features", "Type": "tensor(float)", "Shape": [None, about["Features"]]}],
        "Outputs": outputs,
        "Verification": {"Rows": len(rows), "LargestDifferences": differences},
    }
    (output / "manifest.json").write_text(json.dumps(manifest, indent=2))
    shutil.copy(inference_file(), output / "inference.py")


def _same_features(stated: int | None, found: int) -> None:
    if stated is not None and stated != found:
        message = f"DataInputConfig states {stated} features; the model has {found}"
        raise CompilationError(message)


def _xgboost(folder: Path) -> tuple[str, Any, Any, dict[str, Any], dict[str, Any]]:
    """Name, graph, rows to test with, what the booster predicts for them, and facts for the manifest."""
    xgboost = importlib.import_module("xgboost")
    name, booster = models.booster(folder)
    found = xgboost_graph.read(booster)
    categories = xgboost_graph.categorical(found)
    rows = verification.rows(found.features, xgboost_graph.thresholds(found), categories, missing=True)
    expected = booster.predict(xgboost_graph.matrix(xgboost, booster, rows, found))
    about = {
        "Framework": "XGBOOST",
        "FrameworkVersion": version("xgboost-cpu"),
        "Features": found.features,
        "FeatureNames": booster.feature_names,
        "CategoricalFeatures": sorted(categories),
        "Objective": found.objective,
        "Trees": len(found.trees),
    }
    return name, xgboost_graph.graph(booster, found), rows, {"predictions": expected}, about


def _sklearn(folder: Path) -> tuple[str, Any, Any, dict[str, Any], dict[str, Any]]:
    """The same of an estimator of scikit-learn."""
    name, estimator = models.estimator(folder)
    count = sklearn_graph.features(estimator)
    made = sklearn_graph.graph(estimator, count)
    rows = verification.rows(count, sklearn_graph.thresholds(estimator), set(), missing=False)
    expected = {"predictions": estimator.predict(rows)}
    classes = getattr(estimator, "classes_", None)
    if classes is not None:
        expected["probabilities"] = estimator.predict_proba(rows)
    names = getattr(estimator, "feature_names_in_", None)
    about = {
        "Framework": "SKLEARN",
        "FrameworkVersion": version("scikit-learn"),
        "Features": count,
        "FeatureNames": None if names is None else [str(each) for each in names],
        "Estimator": type(sklearn_graph.last_step(estimator)).__name__,
        "Classes": None if classes is None else classes.tolist(),
    }
    return name, made, rows, expected, about


if __name__ == "__main__":
    sys.exit(main())
