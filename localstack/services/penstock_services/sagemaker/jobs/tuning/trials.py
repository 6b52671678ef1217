"""The training jobs of a tuning job: their records as trials, their summaries, their counts."""

from __future__ import annotations

import math
from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.jobs.runner import RUNNING

Record = dict[str, Any]
TUNED, DEFINITION, OBJECTIVE = "_tuned", "_definition", "_objective"
"""Members of a training job's record that Describe does not show: the tuned hyperparameters, the name of the definition, and
the objective (its type and metric)."""


def records(context: Context, name: str, arn: str) -> list[Record]:
    """The training jobs of a tuning job, in the order in which they were started."""
    found = [record for _, record in context.store.scan(context.scope, "TrainingJob", f"{name}-")]
    own = [record for record in found if record.get("TuningJobArn") == arn and TUNED in record]
    return sorted(own, key=lambda record: str(record["TrainingJobName"]))


def objective(record: Record) -> float | None:
    """The value of the objective metric that a training job left; None for none, or one that is not a number."""
    wanted = record[OBJECTIVE]["MetricName"]
    values = [float(each["Value"]) for each in record.get("FinalMetricDataList", []) if each["MetricName"] == wanted]
    return values[0] if values and math.isfinite(values[0]) else None


def objective_status(record: Record) -> str:
    """Pending while the job runs; then whether it left an objective."""
    if record["TrainingJobStatus"] in RUNNING:
        return "Pending"
    return "Failed" if objective(record) is None or record["TrainingJobStatus"] == "Failed" else "Succeeded"


def summary(record: Record, tuning_job: str) -> Record:
    """HyperParameterTrainingJobSummary."""
    found: Record = {
        "TrainingJobName": record["TrainingJobName"],
        "TrainingJobArn": record["TrainingJobArn"],
        "TuningJobName": tuning_job,
        "CreationTime": record["CreationTime"],
        "TrainingJobStatus": record["TrainingJobStatus"],
        "TunedHyperParameters": record[TUNED],
        "ObjectiveStatus": objective_status(record),
    }
    if record.get(DEFINITION):
        found["TrainingJobDefinitionName"] = record[DEFINITION]
    for member in ("TrainingStartTime", "TrainingEndTime", "FailureReason"):
        if member in record:
            found[member] = record[member]
    value = objective(record)
    if value is not None:
        found["FinalHyperParameterTuningJobObjectiveMetric"] = {**record[OBJECTIVE], "Value": value}
    return found


def best(found: list[Record]) -> Record | None:
    """The training job with the best objective of those that succeeded; definitions must share type and metric."""
    succeeded = [record for record in found if objective_status(record) == "Succeeded"]
    if not succeeded:
        return None
    maximize = succeeded[0][OBJECTIVE]["Type"] == "Maximize"
    return (max if maximize else min)(succeeded, key=lambda record: objective(record) or 0.0)


def counters(found: list[Record]) -> tuple[dict[str, int], dict[str, int]]:
    """TrainingJobStatusCounters and ObjectiveStatusCounters."""
    jobs = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    objectives = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for record in found:
        status = record["TrainingJobStatus"]
        if status in RUNNING:
            jobs["InProgress"] += 1
        elif status == "Failed":
            internal = str(record.get("FailureReason", "")).startswith("InternalServerError")
            jobs["RetryableError" if internal else "NonRetryableError"] += 1
        else:
            jobs[status] += 1
        objectives[objective_status(record)] += 1
    return jobs, objectives
