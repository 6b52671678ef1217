"""Warm start: what earlier tuning jobs found is known to the strategy of a new one.

Developer guide, "Run a Warm Start Hyperparameter Tuning Job": up to five parents, which have ended, with the same objective;
IdenticalDataAndAlgorithm also needs the same image and data, and has OverallBestTrainingJob over all of them.
"""

from __future__ import annotations

import re
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.jobs.runner import RUNNING
from penstock_services.sagemaker.jobs.tuning import trials
from penstock_services.sagemaker.jobs.tuning.definition import Definition, definitions

Record = dict[str, Any]
_VERSION = re.compile(r"(:[\w.-]+)?(@sha256:[0-9a-f]+)?$")
_IDENTICAL = "IdenticalDataAndAlgorithm"


def _parents(context: Context, record: Record) -> list[Record]:
    given = record.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", [])
    names = [each.get("HyperParameterTuningJobName", "") for each in given]
    found = [context.store.get(context.scope, "HyperParameterTuningJob", name) for name in names]
    return [each for each in found if each is not None]


def refuse(context: Context, request: Record, wanted: tuple[Definition, ...]) -> None:
    """Refuse parents that are not there, not over, or not comparable."""
    config = request.get("WarmStartConfig")
    if config is None:
        return
    for each in config["ParentHyperParameterTuningJobs"]:
        name = each.get("HyperParameterTuningJobName", "")
        _, parent = find(context, "HyperParameterTuningJob", name)
        if parent["HyperParameterTuningJobStatus"] in RUNNING:
            message = f"The parent tuning job {name} has not ended: it is {parent['HyperParameterTuningJobStatus']}."
            raise ServiceError("ValidationException", message)
        before = definitions(parent)
        if {(one.metric, one.maximize) for one in before} != {(one.metric, one.maximize) for one in wanted}:
            message = f"The objective metric of the parent tuning job {name} is not that of this tuning job."
            raise ServiceError("ValidationException", message)
        same = [_work(one) for one in before] == [_work(one) for one in wanted]
        if config["WarmStartType"] == _IDENTICAL and not same:
            message = f"With {_IDENTICAL}, training image and data must be those of the parent tuning job {name}."
            raise ServiceError("ValidationException", message)
        if sorted(_count(one) for one in before) != sorted(_count(one) for one in wanted):
            message = f"The number of static and tuned hyperparameters must be that of the parent tuning job {name}."
            raise ServiceError("ValidationException", message)


def _count(definition: Definition) -> int:
    """How many hyperparameters a definition has, static or tuned."""
    return len(definition.space.names) + len(definition.given.get("StaticHyperParameters", {}))


def _work(definition: Definition) -> tuple[Any, ...]:
    """Image and data of a definition. The image may be of another version, as AWS allows for changes that do not
    affect the algorithm."""
    algorithm = definition.given["AlgorithmSpecification"]
    channels = {
        channel["ChannelName"]: channel["DataSource"] for channel in definition.given.get("InputDataConfig", [])
    }
    repository = _VERSION.sub("", algorithm.get("TrainingImage", ""))
    return repository, algorithm.get("AlgorithmName"), channels


def _jobs(context: Context, parent: Record) -> list[Record]:
    return trials.records(context, parent["HyperParameterTuningJobName"], parent["HyperParameterTuningJobArn"])


def found(context: Context, record: Record, definition: Definition) -> list[tuple[dict[str, str], float]]:
    """Hyperparameters (what is tuned now may have been static then) and objective of every training job of the parents
    that succeeded."""
    known = []
    for parent in _parents(context, record):
        for job in _jobs(context, parent):
            value = trials.objective(job)
            same = job[trials.DEFINITION] in (None, definition.name) or definition.name is None
            if value is not None and same and trials.objective_status(job) == "Succeeded":
                known.append((job["HyperParameters"], value))
    return known


def overall_best(context: Context, record: Record, best: Record | None) -> Record | None:
    """OverallBestTrainingJob: over the tuning job and its parents, where data and algorithm are identical."""
    if record.get("WarmStartConfig", {}).get("WarmStartType") != _IDENTICAL:
        return None
    candidates = [] if best is None else [best]
    owners = {} if best is None else {best["TrainingJobName"]: record["HyperParameterTuningJobName"]}
    for parent in _parents(context, record):
        for job in _jobs(context, parent):
            candidates.append(job)
            owners[job["TrainingJobName"]] = parent["HyperParameterTuningJobName"]
    chosen = trials.best(candidates)
    return None if chosen is None else trials.summary(chosen, owners[chosen["TrainingJobName"]])
