"""A tree estimator of scikit-learn as an ONNX graph, by skl2onnx.

The graph's outputs: ``predictions``, what ``predict`` answers, and for classifiers ``probabilities``.
"""

from __future__ import annotations

import importlib
from typing import Any

from penstock_services.containers.compilation.failure import CompilationError

_TREES = (
    "DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor", "RandomForestClassifier",
    "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor", "GradientBoostingClassifier",
    "GradientBoostingRegressor",
)  # fmt: skip


def last_step(estimator: Any) -> Any:
    """The estimator that predicts: itself, or a pipeline's last step."""
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def features(estimator: Any) -> int:
    """How many features it takes. Raises CompilationError for what is not a fitted tree model."""
    kind = type(last_step(estimator)).__name__
    if kind not in _TREES:
        message = f"{kind} is not among the tree models that are compiled: {', '.join(_TREES)}"
        raise CompilationError(message)
    count = getattr(estimator, "n_features_in_", None)
    if count is None:
        message = f"the {kind} is not fitted"
        raise CompilationError(message)
    return int(count)


def thresholds(estimator: Any) -> dict[int, list[float]]:
    """The values at which each feature is split, where the model itself sees the features (not behind a pipeline's
    first steps); they are the best ones to test with."""
    if hasattr(estimator, "steps"):
        return {}
    found: dict[int, list[float]] = {}
    members = getattr(estimator, "estimators_", [estimator])
    flat = members.ravel() if hasattr(members, "ravel") else members
    for member in flat:
        tree = getattr(member, "tree_", None)
        if tree is None:
            continue
        for feature, value in zip(tree.feature, tree.threshold, strict=True):
            if feature >= 0:
                found.setdefault(int(feature), []).append(float(value))
    return found


def graph(estimator: Any, count: int) -> Any:
    """The ONNX model. Raises CompilationError where skl2onnx cannot."""
    skl2onnx = importlib.import_module("skl2onnx")
    types = importlib.import_module("skl2onnx.common.data_types")
    classifier = hasattr(last_step(estimator), "classes_")
    options = {id(estimator): {"zipmap": False}} if classifier else None
    try:
        made = skl2onnx.to_onnx(
            estimator,
            initial_types=[("features", types.FloatTensorType([None, count]))],
            options=options,
            target_opset={"": 18, "ai.onnx.ml": 3},
        )
    except Exception as error:
        message = f"skl2onnx cannot convert the model: {error}"
        raise CompilationError(message) from error
    names = ["predictions", "probabilities"] if classifier else ["predictions"]
    return _renamed(made, dict(zip([output.name for output in made.graph.output], names, strict=False)))


def _renamed(made: Any, names: dict[str, str]) -> Any:
    """The graph with other names for its outputs."""
    for node in made.graph.node:
        for which in (node.input, node.output):
            for place, name in enumerate(which):
                which[place] = names.get(name, name)
    for output in made.graph.output:
        output.name = names.get(output.name, output.name)
    return made
