"""CreateHyperParameterTuningJob's checks, Stop, Delete, and the list of training jobs."""

from __future__ import annotations

from typing import Any

from penstock_services.operations import CHECKS, Context, check, operation
from penstock_services.sagemaker import page_tokens
from penstock_services.sagemaker.engine import find
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs.runner import QUEUE, Record, announce, refuse_delete, stop
from penstock_services.sagemaker.jobs.tuning import trials, warm_start
from penstock_services.sagemaker.jobs.tuning.definition import definitions, limits
from penstock_services.sagemaker.jobs.tuning.job import TuningJob

_KIND = "HyperParameterTuningJob"
_PAGE = 10


@check("CreateHyperParameterTuningJob")
def _runnable(context: Context, request: Record) -> None:
    """Refuse what AWS refuses, and training jobs that would be refused."""
    found = definitions(request)
    limits(request["HyperParameterTuningJobConfig"], found)
    warm_start.refuse(context, request, found)
    for definition in found:
        example = definition.request(f"{request['HyperParameterTuningJobName']}-001-00000000", {}, [])
        for function in CHECKS.get("CreateTrainingJob", []):
            function(context, example)


@hook(_KIND, "prepare")
def _prepare(_context: Context, record: Record) -> None:
    record["TrainingJobStatusCounters"], record["ObjectiveStatusCounters"] = trials.counters([])


@hook(_KIND, "created")
def _start(context: Context, record: Record) -> None:
    announce(context, _KIND, record)
    QUEUE.submit(record["HyperParameterTuningJobArn"], TuningJob(context, record))


@operation("StopHyperParameterTuningJob")
def _stop(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    stop(context, _KIND, request["HyperParameterTuningJobName"])
    return {}


@check("DeleteHyperParameterTuningJob")
def _deletable(context: Context, request: dict[str, Any]) -> None:
    refuse_delete(context, _KIND, request["HyperParameterTuningJobName"])


@operation("ListTrainingJobsForHyperParameterTuningJob")
def _list(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    name, record = find(context, _KIND, request["HyperParameterTuningJobName"])
    found = [trials.summary(each, name) for each in trials.records(context, name, record["HyperParameterTuningJobArn"])]
    if "StatusEquals" in request:
        found = [each for each in found if each["TrainingJobStatus"] == request["StatusEquals"]]
    by, descending = request.get("SortBy", "Name"), request.get("SortOrder") == "Descending"
    if by == "FinalObjectiveMetricValue":
        # Training jobs without an objective come last, whatever the order.
        found = [each for each in found if "FinalHyperParameterTuningJobObjectiveMetric" in each]
    found.sort(key=lambda each: _position(each, by), reverse=descending)
    shown, more = page_tokens.page(found, request, _PAGE)
    return {"TrainingJobSummaries": shown, **more}


def _position(summary: Record, by: str) -> tuple[Any, str]:
    name: str = summary["TrainingJobName"]
    if by == "FinalObjectiveMetricValue":
        return summary["FinalHyperParameterTuningJobObjectiveMetric"]["Value"], name
    if by == "CreationTime":
        return summary["CreationTime"], name
    return summary["TrainingJobStatus"] if by == "Status" else name, name
