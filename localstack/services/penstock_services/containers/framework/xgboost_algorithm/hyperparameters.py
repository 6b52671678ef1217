"""The algorithm's hyperparameters: which there are, their ranges, and AWS's words for what is wrong.

SageMaker developer guide, "XGBoost hyperparameters".
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock_services.containers.framework.failure import UserError
from penstock_services.containers.framework.xgboost_algorithm.metrics import CUSTOM, MAXIMIZED, MINIMIZED


@dataclass(frozen=True)
class Interval:
    """A range of numbers; ``open_low`` and ``open_high``: without the bound itself."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        low = "(-inf" if self.low == -math.inf else f"{'(' if self.open_low else '['}{self.low}"
        high = "+inf)" if self.high == math.inf else f"{self.high}{')' if self.open_high else ']'}"
        return f"{low}, {high}"


@dataclass(frozen=True)
class Number:
    """A number in an interval."""

    kind: Callable[[str], float]
    interval: Interval

    def parse(self, name: str, text: str) -> float:
        """The value; UserError if it is none or out of range."""
        try:
            value = self.kind(text)
        except ValueError:
            message = f"Hyperparameter {name}: could not parse value"
            raise UserError(message) from None
        if value not in self.interval:
            message = f"Hyperparameter {name}: {value} is not in {self.interval}"
            raise UserError(message)
        return value


@dataclass(frozen=True)
class Choice:
    """One of some words, or with ``several`` a list of them with commas between."""

    words: tuple[str, ...]
    several: bool = False

    def parse(self, name: str, text: str) -> str | list[str]:
        """The value; UserError if it is not one of the words."""
        given = [each.strip() for each in text.split(",")] if self.several else [text]
        if any(each.partition("@")[0] not in self.words for each in given):
            shown = list(self.words)
            message = (
                f"Hyperparameter {name}: value {given} not in range {shown}"
                if self.several
                else f"Hyperparameter {name}: {text} is not in {shown}"
            )
            raise UserError(message)
        return given if self.several else text


@dataclass(frozen=True)
class Literal:
    """A Python literal: the tuple of monotone_constraints, the lists of interaction_constraints."""

    def parse(self, name: str, text: str) -> Any:
        """The value; UserError if it is none."""
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            message = f"Hyperparameter {name}: could not parse value"
            raise UserError(message) from None


def _integer(low: float = -math.inf, high: float = math.inf) -> Number:
    return Number(int, Interval(low, high))


def _real(low: float = -math.inf, high: float = math.inf, *, above: bool = False, below: bool = False) -> Number:
    return Number(float, Interval(low, high, above, below))


_UNIT = _real(0, 1)
_SHARE = _real(0, 1, above=True)
_FLAG = _integer(0, 1)
_OBJECTIVES = (
    "aft_loss_distribution", "binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "multi:softmax",
    "multi:softprob", "rank:pairwise", "rank:ndcg", "rank:map", "reg:linear", "reg:squarederror", "reg:logistic",
    "reg:gamma", "reg:pseudohubererror", "reg:squaredlogerror", "reg:absoluteerror", "reg:tweedie", "survival:aft",
    "survival:cox",
)  # fmt: skip
_UPDATERS = (
    "grow_colmaker", "distcol", "grow_histmaker", "grow_local_histmaker", "grow_skmaker", "grow_quantile_histmaker",
    "sync", "refresh", "prune", "shotgun", "coord_descent",
)  # fmt: skip
_METRICS = (*MAXIMIZED, *MINIMIZED)

_KNOWN: dict[str, Number | Choice | Literal] = {
    "num_round": _integer(1),
    "csv_weights": _FLAG,
    "early_stopping_rounds": _integer(1),
    "booster": Choice(("gbtree", "gblinear", "dart")),
    "verbosity": _integer(0, 3),
    "nthread": _integer(1),
    "eta": _UNIT,
    "gamma": _real(0),
    "max_depth": _integer(0),
    "min_child_weight": _real(0),
    "max_delta_step": _real(0),
    "subsample": _SHARE,
    "colsample_bytree": _SHARE,
    "colsample_bylevel": _SHARE,
    "colsample_bynode": _SHARE,
    "lambda": _real(0),
    "alpha": _real(0),
    "tree_method": Choice(("auto", "exact", "approx", "hist", "gpu_hist")),
    "sketch_eps": _real(0, 1, above=True, below=True),
    "scale_pos_weight": _real(0, above=True),
    "updater": Choice(_UPDATERS, several=True),
    "dsplit": Choice(("row", "col")),
    "refresh_leaf": _FLAG,
    "process_type": Choice(("default", "update")),
    "grow_policy": Choice(("depthwise", "lossguide")),
    "max_leaves": _integer(0),
    "max_bin": _integer(0),
    "predictor": Choice(("auto", "cpu_predictor", "gpu_predictor")),
    "monotone_constraints": Literal(),
    "interaction_constraints": Literal(),
    "sample_type": Choice(("uniform", "weighted")),
    "normalize_type": Choice(("tree", "forest")),
    "rate_drop": _UNIT,
    "one_drop": _FLAG,
    "skip_drop": _UNIT,
    "lambda_bias": _UNIT,
    "tweedie_variance_power": _real(1, 2, above=True, below=True),
    "objective": Choice(_OBJECTIVES),
    "num_class": _integer(2),
    "base_score": _real(0),
    "_kfold": _integer(2),
    "_num_cv_round": _integer(1),
    "_tuning_objective_metric": Choice(
        tuple(f"{part}:{name}" for part in ("train", "validation") for name in _METRICS)
    ),
    "eval_metric": Choice(_METRICS, several=True),
    "seed": _integer(-(2**31), 2**31 - 1),
    "num_parallel_tree": _integer(1),
    "save_model_on_termination": Choice(("true", "false")),
    "aft_loss_distribution": Choice(("normal", "logistic", "extreme")),
    "aft_loss_distribution_scale": _real(0, above=True),
    "deterministic_histogram": Choice(("true", "false")),
    "sampling_method": Choice(("uniform", "gradient_based")),
    "use_dask_gpu_training": Choice(("true", "false")),
}


def validate(given: Mapping[str, str]) -> dict[str, Any]:
    """The values of a job's hyperparameters. Raises UserError in the algorithm's own words."""
    if "num_round" not in given:
        message = "Missing required hyperparameter: num_round"
        raise UserError(message)
    values: dict[str, Any] = {}
    for name, text in given.items():
        rule = _KNOWN.get(name)
        if rule is None:
            message = f"Extraneous hyperparameter found: {name}"
            raise UserError(message)
        values[name] = rule.parse(name, str(text))
    _together(values)
    return values


def _together(values: Mapping[str, Any]) -> None:
    """What holds between hyperparameters."""
    objective = values.get("objective", "")
    problem = None
    if objective in ("multi:softmax", "multi:softprob") and "num_class" not in values:
        problem = "Require input for parameter 'num_class' for multi-classification"
    elif "num_class" in values and not objective.startswith("multi:"):
        problem = "Do not need to setup parameter 'num_class' for learning task other than multi-classification."
    elif "auc" in values.get("eval_metric", ()) and not objective.startswith(("binary:", "rank:", "multi:")):
        problem = "Metric 'auc' can only be applied for classification and ranking problems."
    elif "aft-nloglik" in values.get("eval_metric", ()) and objective != "survival:aft":
        problem = "Metric 'aft-nloglik' can only be applied for 'survival:aft' objective."
    elif "monotone_constraints" in values and values.get("tree_method") not in ("exact", "hist"):
        problem = (
            "monotone_constraints can be used only when the tree_method parameter is set to either 'exact' or 'hist'."
        )
    elif "interaction_constraints" in values and values.get("tree_method") not in ("exact", "hist", "approx"):
        problem = (
            "interaction_constraints can be used only when the tree_method parameter is set to either 'exact', 'hist' "
            "or 'approx'."
        )
    elif values.get("tree_method") == "gpu_hist" or values.get("use_dask_gpu_training") == "true":
        problem = "Penstock's local SageMaker has no accelerators: tree_method gpu_hist is not to be had"
    elif "_kfold" in values:
        problem = "Penstock's local SageMaker does not run cross-validation inside the algorithm (_kfold)"
    if problem:
        raise UserError(problem)
    for metric in values.get("eval_metric", ()):
        name, separator, threshold = metric.partition("@")
        if separator and name not in ("error", "ndcg", "map"):
            message = (
                f"Metric '{metric}' is not supported. Parameter 'eval_metric' with customized threshold should be one of "
                "these options: 'error', 'ndcg', 'map'."
            )
            raise UserError(message)
        if separator and not threshold.replace(".", "", 1).isdigit():
            message = f"Threshold value 't' in '{name}@t' expects float input."
            raise UserError(message)


def of_library(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The parameters for the library, and the metrics that the algorithm computes by itself.

    The metric of ``_tuning_objective_metric`` is evaluated whether or not ``eval_metric`` names it.
    """
    own = ("num_round", "csv_weights", "early_stopping_rounds", "save_model_on_termination", "use_dask_gpu_training")
    parameters = {name: value for name, value in values.items() if name not in own and not name.startswith("_")}
    if "updater" in parameters:
        parameters["updater"] = ",".join(parameters["updater"])
    if "interaction_constraints" in parameters:
        parameters["interaction_constraints"] = str(parameters["interaction_constraints"])
    wanted = list(values.get("eval_metric", ()))
    aim = str(values.get("_tuning_objective_metric", "")).partition(":")[2]
    if aim and aim not in wanted:
        wanted.append(aim)
    custom = [name for name in wanted if name in CUSTOM]
    library = [name for name in wanted if name not in CUSTOM]
    parameters.pop("eval_metric", None)
    if library:
        parameters["eval_metric"] = library
    return parameters, custom
