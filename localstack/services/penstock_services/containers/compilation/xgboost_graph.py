"""A booster as one ONNX graph: its trees as they are, then what its objective makes of their sum.

The graph's output ``predictions`` is what ``Booster.predict`` answers. Trees are read from the booster's own JSON format
(https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html) and become one TreeEnsemble of ai.onnx.ml version 5,
which knows categorical splits.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass, field
from typing import Any

from penstock_services.containers.compilation.failure import CompilationError

_LESS, _MEMBER = 1, 6
_SUM, _NO_TRANSFORM = 1, 0
_IDENTITY = (
    "reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "reg:squaredlogerror",
    "binary:logitraw", "rank:pairwise", "rank:ndcg", "rank:map",
)  # fmt: skip
_SIGMOID = ("binary:logistic", "reg:logistic")
_EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:aft")
OBJECTIVES = (*_IDENTITY, *_SIGMOID, *_EXPONENTIAL, "multi:softprob", "multi:softmax", "binary:hinge")


@dataclass
class _Ensemble:
    """The attributes of a TreeEnsemble, as they grow tree by tree."""

    features: list[int] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    missing_true: list[int] = field(default_factory=list)
    true_nodes: list[int] = field(default_factory=list)
    true_leaves: list[int] = field(default_factory=list)
    false_nodes: list[int] = field(default_factory=list)
    false_leaves: list[int] = field(default_factory=list)
    members: list[float] = field(default_factory=list)
    leaf_targets: list[int] = field(default_factory=list)
    leaf_weights: list[float] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Trees:
    """What a booster's JSON says: its trees, the target of each, its weight, targets, features, objective."""

    trees: list[dict[str, Any]]
    targets: list[int]
    weights: list[float]
    count: int
    features: int
    objective: str


def read(booster: Any) -> Trees:
    """Take a booster apart. Raises CompilationError for what is not made of trees with a value in each leaf."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    model, objective = learner["gradient_booster"], learner["objective"]["name"]
    weights: list[float] | None = None
    if model["name"] == "dart":
        weights, model = model["weight_drop"], model["gbtree"]
    if model["name"] != "gbtree":
        message = f"a booster of type {model['name']} is not made of trees"
        raise CompilationError(message)
    if objective not in OBJECTIVES:
        message = f"the objective {objective} is not among those that are compiled: {', '.join(OBJECTIVES)}"
        raise CompilationError(message)
    trees, parameters = model["model"]["trees"], learner["learner_model_param"]
    if any(int(tree["tree_param"].get("size_leaf_vector", 1)) > 1 for tree in trees):
        message = "trees with several values in a leaf (multi_strategy multi_output_tree) are not compiled"
        raise CompilationError(message)
    count = max(1, int(parameters["num_class"]), int(parameters.get("num_target", 1)))
    return Trees(
        trees=trees,
        targets=model["model"]["tree_info"],
        weights=[1.0] * len(trees) if weights is None else weights,
        count=count,
        features=int(parameters["num_feature"]),
        objective=objective,
    )


def thresholds(found: Trees) -> dict[int, list[float]]:
    """The values at which each feature is split: the best ones to test with."""
    values: dict[int, list[float]] = {}
    for tree in found.trees:
        categories = _categories(tree)
        for node, left in enumerate(tree["left_children"]):
            if left != -1:
                split = categories.get(node) or [tree["split_conditions"][node]]
                values.setdefault(tree["split_indices"][node], []).extend(float(each) for each in split)
    return values


def categorical(found: Trees) -> set[int]:
    """The features with categorical splits."""
    return {tree["split_indices"][node] for tree in found.trees for node in _categories(tree)}


def _categories(tree: dict[str, Any]) -> dict[int, list[int]]:
    """Categories of each node with a categorical split; what is among them goes right."""
    found = {}
    for node, start, size in zip(
        tree.get("categories_nodes", []),
        tree.get("categories_segments", []),
        tree.get("categories_sizes", []),
        strict=True,
    ):
        found[node] = tree["categories"][start : start + size]
    return found


def _add(ensemble: _Ensemble, tree: dict[str, Any], target: int, weight: float) -> None:
    left, right, categories = tree["left_children"], tree["right_children"], _categories(tree)
    inner = [node for node in range(len(left)) if left[node] != -1]
    leaves = [node for node in range(len(left)) if left[node] == -1]
    if not inner:
        # A tree that is a leaf: both sides of a split that does not matter lead to it.
        inner, left, right = [0], [0], [0]
        tree = {**tree, "split_indices": [0], "default_left": [0], "split_conditions": tree["split_conditions"]}
    nodes = {node: len(ensemble.modes) + place for place, node in enumerate(inner)}
    ends = {node: len(ensemble.leaf_weights) + place for place, node in enumerate(leaves)}
    ensemble.roots.append(len(ensemble.modes))
    for node in inner:
        # XGBoost: less than the threshold goes left; a member of the categories goes right.
        member = node in categories
        yes, no = (right[node], left[node]) if member else (left[node], right[node])
        missing_left = bool(tree["default_left"][node])
        ensemble.features.append(tree["split_indices"][node])
        ensemble.modes.append(_MEMBER if member else _LESS)
        ensemble.splits.append(0.0 if member else tree["split_conditions"][node])
        ensemble.missing_true.append(int(missing_left != member))
        ensemble.members.extend([*(float(each) for each in categories[node]), float("nan")] if member else [])
        for child, ids, are_leaves in (
            (yes, ensemble.true_nodes, ensemble.true_leaves),
            (no, ensemble.false_nodes, ensemble.false_leaves),
        ):
            ids.append(ends[child] if child in ends else nodes[child])
            are_leaves.append(int(child in ends))
    for leaf in leaves:
        ensemble.leaf_targets.append(target)
        ensemble.leaf_weights.append(tree["split_conditions"][leaf] * weight)


def _base_margin(booster: Any, found: Trees) -> list[float]:
    """What the sum of the trees starts from, for each target: the margin of a row less what its leaves add."""
    numpy, xgboost = importlib.import_module("numpy"), importlib.import_module("xgboost")
    row = numpy.full((1, found.features), numpy.nan, dtype=numpy.float32)
    margin = booster.predict(matrix(xgboost, booster, row, found), output_margin=True).reshape(-1).astype(float)
    for tree, target, weight in zip(found.trees, found.targets, found.weights, strict=True):
        node = 0
        while tree["left_children"][node] != -1:
            node = (tree["left_children"] if tree["default_left"][node] else tree["right_children"])[node]
        margin[target] -= tree["split_conditions"][node] * weight
    return [float(each) for each in margin]


def matrix(xgboost: Any, booster: Any, rows: Any, found: Trees) -> Any:
    """Rows as the booster takes them; names are its own."""
    types = ["c" if index in categorical(found) else "float" for index in range(found.features)]
    return xgboost.DMatrix(
        rows, feature_names=booster.feature_names, feature_types=booster.feature_types or types, enable_categorical=True
    )


def graph(booster: Any, found: Trees) -> Any:
    """The ONNX model: input ``features`` (rows, features), float; output ``predictions``."""
    numpy, onnx = importlib.import_module("numpy"), importlib.import_module("onnx")
    helper, numpy_helper, types = onnx.helper, importlib.import_module("onnx.numpy_helper"), onnx.TensorProto
    ensemble = _Ensemble()
    for tree, target, weight in zip(found.trees, found.targets, found.weights, strict=True):
        _add(ensemble, tree, target, weight)

    def tensor(values: list[float], kind: Any, name: str) -> Any:
        return numpy_helper.from_array(numpy.array(values, dtype=kind), name)

    nodes = [
        helper.make_node(
            "TreeEnsemble",
            ["features"],
            ["sums"],
            domain="ai.onnx.ml",
            aggregate_function=_SUM,
            post_transform=_NO_TRANSFORM,
            n_targets=found.count,
            nodes_featureids=ensemble.features,
            nodes_modes=tensor(ensemble.modes, numpy.uint8, "modes"),  # type: ignore[arg-type]
            nodes_splits=tensor(ensemble.splits, numpy.float32, "splits"),
            nodes_missing_value_tracks_true=ensemble.missing_true,
            nodes_truenodeids=ensemble.true_nodes,
            nodes_trueleafs=ensemble.true_leaves,
            nodes_falsenodeids=ensemble.false_nodes,
            nodes_falseleafs=ensemble.false_leaves,
            leaf_targetids=ensemble.leaf_targets,
            leaf_weights=tensor(ensemble.leaf_weights, numpy.float32, "weights"),
            tree_roots=ensemble.roots,
            **({"membership_values": tensor(ensemble.members, numpy.float32, "members")} if ensemble.members else {}),
        ),
        helper.make_node("Add", ["sums", "base"], ["margins"]),
        *_transformed(helper, found),
    ]
    used = {name for node in nodes for name in node.input}
    constants = [
        each
        for each in (
            tensor(_base_margin(booster, found), numpy.float32, "base"),
            tensor([-1], numpy.int64, "flat"),
            tensor([0.0], numpy.float32, "zero"),
        )
        if each.name in used
    ]
    matrix_out = found.count > 1 and found.objective != "multi:softmax"
    made = helper.make_graph(
        nodes,
        "booster",
        [helper.make_tensor_value_info("features", types.FLOAT, [None, found.features])],
        [helper.make_tensor_value_info("predictions", types.FLOAT, [None, found.count] if matrix_out else [None])],
        constants,
    )
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(made, opset_imports=imports, ir_version=10, producer_name="penstock")


def _transformed(helper: Any, found: Trees) -> list[Any]:
    """From margins to predictions, by objective."""
    last = "margins"
    nodes = []
    if found.objective in _SIGMOID:
        nodes.append(helper.make_node("Sigmoid", ["margins"], ["shaped"]))
        last = "shaped"
    elif found.objective in _EXPONENTIAL:
        nodes.append(helper.make_node("Exp", ["margins"], ["shaped"]))
        last = "shaped"
    elif found.objective == "multi:softprob":
        return [helper.make_node("Softmax", ["margins"], ["predictions"], axis=1)]
    elif found.objective == "multi:softmax":
        return [
            helper.make_node("ArgMax", ["margins"], ["class"], axis=1, keepdims=0),
            helper.make_node("Cast", ["class"], ["predictions"], to=1),
        ]
    elif found.objective == "binary:hinge":
        nodes.append(helper.make_node("Greater", ["margins", "zero"], ["positive"]))
        nodes.append(helper.make_node("Cast", ["positive"], ["shaped"], to=1))
        last = "shaped"
    if found.count > 1:
        return [*nodes, helper.make_node("Identity", [last], ["predictions"])]
    return [*nodes, helper.make_node("Reshape", [last, "flat"], ["predictions"])]
