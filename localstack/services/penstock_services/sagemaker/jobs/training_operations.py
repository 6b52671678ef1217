"""The operations of training jobs that do more than read or write a record."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check, operation
from penstock_services.rest import error_answer, scope_of
from penstock_services.sagemaker.engine import find, now
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.jobs import transitions, warm_pools
from penstock_services.sagemaker.jobs.runner import QUEUE, Record, announce, refuse_delete, stop
from penstock_services.sagemaker.jobs.training import TrainingJob
from penstock_services.sagemaker.kinds import kinds
from penstock_services.sagemaker.lifecycle import CLOCK

_KIND = "TrainingJob"
_DEFAULT_SECONDS = 86400


@hook(_KIND, "prepare")
def _prepare(context: Context, record: Record) -> None:
    record.setdefault("StoppingCondition", {}).setdefault("MaxRuntimeInSeconds", _DEFAULT_SECONDS)
    transitions.begin(record)
    compression = record["OutputDataConfig"].get("CompressionType")
    archive = "model" if compression == "NONE" else "model.tar.gz"
    output = f"{record['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{record['TrainingJobName']}/output/{archive}"
    record["ModelArtifacts"] = {"S3ModelArtifacts": output}
    algorithm = record["AlgorithmSpecification"].get("AlgorithmName")
    if algorithm:
        _take_from_algorithm(context, record, algorithm)


def _take_from_algorithm(context: Context, record: Record, name: str) -> None:
    """What an algorithm resource says about training: its image, metrics and defaults."""
    if "Algorithm" not in kinds().by_name:
        message = "Penstock's local SageMaker does not run AlgorithmSpecification.AlgorithmName."
        raise ServiceError("ValidationException", message)
    _, algorithm = find(context, "Algorithm", name)
    training = algorithm["TrainingSpecification"]
    record["_TrainingImage"] = training["TrainingImage"]
    record["_MetricDefinitions"] = training.get("MetricDefinitions", [])
    supported = training.get("SupportedHyperParameters", [])
    record["_HyperParameters"] = {each["Name"]: each["DefaultValue"] for each in supported if "DefaultValue" in each}
    given = record.get("HyperParameters", {})
    missing = [each["Name"] for each in supported if each.get("IsRequired") and each["Name"] not in given]
    if missing:
        message = f"The algorithm {name} requires the hyperparameters {', '.join(missing)}."
        raise ServiceError("ValidationException", message)


@hook(_KIND, "created")
def _start(context: Context, record: Record) -> None:
    announce(context, _KIND, record)
    arn = record["TrainingJobArn"]
    QUEUE.submit(arn, TrainingJob(context, record))
    pending = record["StoppingCondition"].get("MaxPendingTimeInSeconds")
    if pending:
        CLOCK.at(record["CreationTime"] + pending, lambda: _pending_too_long(context, record["TrainingJobName"], arn))


def _pending_too_long(context: Context, name: str, arn: str) -> None:
    """A job that has not got its place in MaxPendingTimeInSeconds is stopped."""
    record = context.store.get(context.scope, _KIND, name)
    if record is not None and record["TrainingJobArn"] == arn and record["SecondaryStatus"] == "Pending":
        QUEUE.stop(arn)


@operation("StopTrainingJob")
def _stop(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    stop(context, _KIND, request["TrainingJobName"])
    return {}


@check("DeleteTrainingJob")
def _deletable(context: Context, request: dict[str, Any]) -> None:
    refuse_delete(context, _KIND, request["TrainingJobName"])
    _, record = find(context, _KIND, request["TrainingJobName"])
    if record.get("WarmPoolStatus", {}).get("Status") in ("Available", "InUse"):
        message = f"Training job {record['TrainingJobName']} has a warm pool in use and cannot be deleted."
        raise ServiceError("ResourceInUse", message)


@operation("UpdateTrainingJob")
def _update(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateTrainingJob.html"""
    name, record = find(context, _KIND, request["TrainingJobName"])
    running = record["TrainingJobStatus"] == "InProgress"
    warm = record.get("WarmPoolStatus", {}).get("Status") == "Available"
    only_running = [
        each for each in ("ProfilerConfig", "ProfilerRuleConfigurations", "RemoteDebugConfig") if each in request
    ]
    if request.get("ProfilerRuleConfigurations"):
        message = "Penstock's local SageMaker does not run Debugger's rules (ProfilerRuleConfigurations)."
        raise ServiceError("ValidationException", message)
    if (only_running and not running) or not (running or warm):
        message = f"The request was rejected because the training job is in status {record['TrainingJobStatus']}."
        raise ServiceError("ValidationException", message)

    def change(found: Record) -> None:
        for member in ("ProfilerConfig", "ResourceConfig", "RemoteDebugConfig"):
            if member in request:
                found[member] = {**found.get(member, {}), **request[member]}
        found["LastModifiedTime"] = now()

    updated = context.store.update(context.scope, _KIND, name, change)
    if updated is not None:
        warm_pools.plan(context, updated)
    return {"TrainingJobArn": record["TrainingJobArn"]}


async def _interrupt(request: Request) -> Response:
    """``POST /_penstock/training-jobs/NAME/interrupt``: what AWS does when it needs spot capacity back, on request.

    Answers 202; 4xx for a job that does not run or is no managed spot training.
    """
    context = request.app.state.context_factory(scope_of(request.headers.get("authorization", "")))
    try:
        record = await run_in_threadpool(_reclaim, context, request.path_params["name"])
    except ServiceError as error:
        return error_answer(error)
    return JSONResponse({"TrainingJobArn": record["TrainingJobArn"]}, 202)


def _reclaim(context: Context, name: str) -> Record:
    _, record = find(context, _KIND, name)
    if not record.get("EnableManagedSpotTraining"):
        raise ServiceError("ValidationException", f"Training job {name} is no managed spot training.")
    job = QUEUE.find(record["TrainingJobArn"])
    if not isinstance(job, TrainingJob) or record["SecondaryStatus"] != "Training":
        message = f"The request was rejected because the training job is in status {record['SecondaryStatus']}."
        raise ServiceError("ValidationException", message)
    job.interrupt()
    return record


ROUTES = [Route("/_penstock/training-jobs/{name}/interrupt", _interrupt, methods=["POST"])]
