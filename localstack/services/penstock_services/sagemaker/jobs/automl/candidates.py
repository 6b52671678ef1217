"""The candidates of an Autopilot job: which are trained, in which order, and how the API shows each.

Algorithms: API reference, AutoMLAlgorithmConfig. In ensembling mode AWS stacks base models; here the first candidate stacks
one of each algorithm, and those after it are the algorithms by themselves, then with other settings.
"""

from __future__ import annotations

import math
from typing import Any

from penstock_services.sagemaker.jobs.runner import RUNNING

Record = dict[str, Any]
ENSEMBLING = ("catboost", "extra-trees", "fastai", "lightgbm", "linear-learner", "nn-torch", "randomforest", "xgboost")
SERVED = ("xgboost", "randomforest", "extra-trees", "linear-learner")
MOST = 10
"""How many candidates there are where MaxCandidates is not given: the trials of ensembling mode."""

_ALONE: tuple[tuple[str, dict[str, str]], ...] = (
    *((algorithm, {}) for algorithm in SERVED),
    ("xgboost", {"max_depth": "3", "learning_rate": "0.05", "n_estimators": "400"}),
    ("randomforest", {"min_samples_leaf": "5"}),
    ("extra-trees", {"min_samples_leaf": "5"}),
    ("xgboost", {"max_depth": "8", "subsample": "0.8", "colsample_bytree": "0.8"}),
    ("randomforest", {"max_features": "0.5"}),
)
METRICS: dict[str, tuple[str, ...]] = {
    "BinaryClassification": ("F1", "Accuracy", "AUC", "BalancedAccuracy", "Precision", "Recall", "LogLoss"),
    "MulticlassClassification": (
        "Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro", "LogLoss",
    ),
    "Regression": ("MSE", "MAE", "R2", "RMSE"),
}  # fmt: skip
"""The metrics of each problem type; the first one is AWS's default objective, and LogLoss is none."""
LOG_LOSS = "LogLoss"
_MINIMIZED = ("MSE", "MAE", "RMSE", LOG_LOSS)
_SETS = {"train": "Train", "validation": "Validation"}


def settings(algorithms: tuple[str, ...], most: int) -> list[dict[str, str]]:
    """The hyperparameters of the candidates, in the order in which they are trained."""
    found = [{"algorithms": ",".join(algorithms)}] if len(algorithms) > 1 else []
    found += [{"algorithms": algorithm, **own} for algorithm, own in _ALONE if algorithm in algorithms]
    return found[:most]


def metric_definitions(problem_type: str) -> list[Record]:
    """By what a training job's metrics are found in its output."""
    return [
        {"Name": f"{part}:{metric}", "Regex": f"{part}:{metric}=([-+.0-9e]+);"}
        for part in _SETS
        for metric in METRICS[problem_type]
    ]


def shown(job: Record, steps: list[Record], objective: str, containers: list[Record]) -> Record:
    """AutoMLCandidate of a candidate's training job; ``steps`` are the jobs before it, ``containers`` what serves it."""
    status = job["TrainingJobStatus"]
    step = _step("TrainingJob", job)
    found: Record = {
        "CandidateName": job["TrainingJobName"],
        "CandidateStatus": status,
        "ObjectiveStatus": "Pending",
        "CandidateSteps": [*steps, step],
        "CreationTime": job["CreationTime"],
        "LastModifiedTime": job["LastModifiedTime"],
    }
    if status in RUNNING:
        return found
    found["EndTime"] = job["TrainingEndTime"]
    if "FailureReason" in job:
        found["FailureReason"] = job["FailureReason"]
    values = {each["MetricName"]: each["Value"] for each in job.get("FinalMetricDataList", [])}
    wanted = values.get(f"validation:{objective}")
    succeeded = status == "Completed" and wanted is not None and math.isfinite(wanted)
    found["ObjectiveStatus"] = "Succeeded" if succeeded else "Failed"
    if status == "Completed":
        found["InferenceContainers"] = containers
        found["CandidateProperties"] = {"CandidateMetrics": [_metric(name, value) for name, value in values.items()]}
    if succeeded:
        found["FinalAutoMLJobObjectiveMetric"] = {
            "Type": "Minimize" if objective in _MINIMIZED else "Maximize",
            "MetricName": objective,
            "StandardMetricName": objective,
            "Value": wanted,
        }
    return found


def _metric(name: str, value: float) -> Record:
    part, _, metric = name.partition(":")
    own = {} if metric == LOG_LOSS else {"MetricName": metric}
    return {**own, "StandardMetricName": metric, "Set": _SETS[part], "Value": value}


def _step(kind: str, job: Record) -> Record:
    return {
        "CandidateStepType": f"AWS::SageMaker::{kind}",
        "CandidateStepArn": job[f"{kind}Arn"],
        "CandidateStepName": job[f"{kind}Name"],
    }


def processing_step(job: Record) -> Record:
    """The step of a processing job."""
    return _step("ProcessingJob", job)


def best(found: list[Record]) -> Record | None:
    """The candidate with the best objective; the earlier one where two are as good."""
    succeeded = [each for each in found if "FinalAutoMLJobObjectiveMetric" in each]
    if not succeeded:
        return None
    minimize = succeeded[0]["FinalAutoMLJobObjectiveMetric"]["Type"] == "Minimize"
    choose = min if minimize else max
    return choose(succeeded, key=lambda each: float(each["FinalAutoMLJobObjectiveMetric"]["Value"]))
