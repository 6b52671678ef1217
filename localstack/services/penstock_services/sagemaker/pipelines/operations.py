"""The operations on pipeline executions."""

from __future__ import annotations

import base64
import binascii
import secrets
import string
import time
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, ContextFactory, check, on_start, operation
from penstock_services.sagemaker import pipeline_records as pipeline_records  # reads a definition from S3 first
from penstock_services.sagemaker.listing import page
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.pipelines import events
from penstock_services.sagemaker.pipelines.definition import DefinitionError, Parameter, parse, validate
from penstock_services.sagemaker.pipelines.execution import Execution, change_status, fail_interrupted, live
from penstock_services.sagemaker.pipelines.expressions import text_of
from penstock_services.sagemaker.pipelines.state import (
    DEFINITION,
    ENDED,
    EXECUTING,
    EXECUTION,
    STOPPING,
    SUCCEEDED,
    load_definition,
    load_steps,
    save_steps,
)
from penstock_services.settings import DEFAULT_ACCOUNT, DEFAULT_REGION
from penstock_services.store import Record, Scope

_ID = string.ascii_lowercase + string.digits
_ID_LENGTH = 12
_STEPS_PAGE = 20
_INTERRUPTED = "InternalServerError: the local cloud was stopped while the execution was running"
_SUMMARY = {
    "PipelineExecutionArn": "PipelineExecutionArn",
    "PipelineExecutionStatus": "PipelineExecutionStatus",
    "PipelineExecutionDescription": "PipelineExecutionDescription",
    "PipelineExecutionDisplayName": "PipelineExecutionDisplayName",
    "CreationTime": "StartTime",
    "FailureReason": "PipelineExecutionFailureReason",
}


@check("CreatePipeline", "UpdatePipeline")
def _check_definition(_context: Context, request: dict[str, Any]) -> None:
    if "PipelineDefinition" in request:
        validate(request["PipelineDefinition"])


@check("DeletePipeline")
def _check_unused(context: Context, request: dict[str, Any]) -> None:
    pipeline = context.call("DescribePipeline", {"PipelineName": request["PipelineName"]})
    running = [
        arn
        for arn, record in context.store.scan(context.scope, EXECUTION, f"{pipeline['PipelineArn']}/execution/")
        if record["PipelineExecutionStatus"] not in ENDED
    ]
    if running:
        message = f"Pipeline '{pipeline['PipelineArn']}' cannot be deleted while executions run: {', '.join(running)}"
        raise ServiceError("ConflictException", message)


@on_start
def _fail_interrupted(factory: ContextFactory) -> None:
    """What ran when the last process ended does not run any more."""
    store = factory(Scope(DEFAULT_ACCOUNT, DEFAULT_REGION)).store
    for scope in store.scopes(EXECUTION):
        fail_interrupted(factory(scope), _INTERRUPTED)


@operation("StartPipelineExecution")
def start_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Check the parameters and start an execution of the pipeline's definition."""
    for member in ("SelectiveExecutionConfig", "PipelineVersionId", "PipelineVersionAlias", "MlflowExperimentName"):
        if member in request:
            raise ServiceError("NotImplementedException", f"{member} is not served by the local cloud", 501)
    pipeline = _pipeline(context, request["PipelineName"])
    name: str = pipeline["PipelineName"]
    text: str = pipeline["PipelineDefinition"]
    try:
        definition = parse(text)
    except DefinitionError as error:
        raise _invalid(f"Unable to parse pipeline definition. {error}") from None
    parameters = _parameters(name, definition.parameters, request.get("PipelineParameters") or [])
    now = round(time.time(), 3)
    identifier = "".join(secrets.choice(_ID) for _ in range(_ID_LENGTH))
    arn = f"{pipeline['PipelineArn']}/execution/{identifier}"
    execution: Record = {
        "PipelineName": name,
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineExecutionArn": arn,
        "PipelineExecutionDisplayName": request.get("PipelineExecutionDisplayName") or f"execution-{int(now * 1000)}",
        "PipelineExecutionStatus": EXECUTING,
        "CreationTime": now,
        "LastModifiedTime": now,
        "_order": time.time_ns(),
    }
    optional = {
        "PipelineExecutionDescription": request.get("PipelineExecutionDescription"),
        "ParallelismConfiguration": request.get("ParallelismConfiguration") or pipeline.get("ParallelismConfiguration"),
        "RoleArn": request.get("RoleArn") or pipeline.get("RoleArn"),
    }
    execution |= {member: value for member, value in optional.items() if value is not None}
    kept = {"PipelineName": name, "PipelineDefinition": text, "Parameters": parameters, "CreationTime": now}
    context.store.put(context.scope, DEFINITION, arn, kept)
    context.store.put(context.scope, EXECUTION, arn, execution)
    context.store.update(context.scope, "Pipeline", name, lambda record: record.update(LastRunTime=now))
    events.execution_changed(context, execution, None, None)
    Execution(context, arn).start()
    return {"PipelineExecutionArn": arn}


@operation("DescribePipelineExecution")
def describe_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The execution's status and settings."""
    described = load("sagemaker").outputs("DescribePipelineExecution")
    execution = _execution(context, request)
    return {member: value for member, value in execution.items() if member in described}


@operation("UpdatePipelineExecution")
def update_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Change display name, description or parallelism."""
    arn = _execution(context, request)["PipelineExecutionArn"]
    changes = {member: value for member, value in request.items() if member != "PipelineExecutionArn"}
    changes["LastModifiedTime"] = round(time.time(), 3)
    context.store.update(context.scope, EXECUTION, arn, lambda record: record.update(changes))
    return {"PipelineExecutionArn": arn}


@operation("ListPipelineExecutions")
def list_pipeline_executions(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The executions of a pipeline, newest first."""
    if "PipelineVersionAlias" in request:
        raise ServiceError("NotImplementedException", "PipelineVersionAlias is not served by the local cloud", 501)
    pipeline = _pipeline(context, request["PipelineName"])
    records = [
        record
        for _, record in context.store.scan(context.scope, EXECUTION, f"{pipeline['PipelineArn']}/execution/")
        if record["CreationTime"] >= pipeline["CreationTime"]  # not those of an earlier pipeline of the name
    ]
    wanted = {member: value for member, value in request.items() if member != "PipelineName"}
    wanted = {"SortBy": "CreationTime", "SortOrder": "Descending", **wanted}
    chosen, token = page(
        load("sagemaker"), "ListPipelineExecutions", wanted, records, "PipelineExecutionArn", "PipelineExecutionStatus"
    )
    summaries = [
        {summary: record[member] for member, summary in _SUMMARY.items() if member in record} for record in chosen
    ]
    return {"PipelineExecutionSummaries": summaries, **({"NextToken": token} if token else {})}


@operation("ListPipelineExecutionSteps")
def list_pipeline_execution_steps(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The steps that have been started, the last one first; steps of a branch that is not taken never start."""
    if "PipelineExecutionArn" not in request:
        raise _invalid("PipelineExecutionArn must be given.")
    arn = _execution(context, request)["PipelineExecutionArn"]
    summaries = [state.summary() for state in load_steps(context, arn).values()]
    if request.get("SortOrder", "Descending") == "Descending":
        summaries.reverse()
    chosen, token = _slice(summaries, request, _STEPS_PAGE)
    return {"PipelineExecutionSteps": chosen, **token}


@operation("ListPipelineParametersForExecution")
def list_pipeline_parameters_for_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The parameters with which the execution runs, as text."""
    kept = _kept(context, request)
    parameters = [{"Name": name, "Value": text_of(value)} for name, value in kept["Parameters"].items()]
    chosen, token = _slice(parameters, request, 100)
    return {"PipelineParameters": chosen, **token}


@operation("DescribePipelineDefinitionForExecution")
def describe_pipeline_definition_for_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The definition that the execution runs."""
    kept = _kept(context, request)
    return {"PipelineDefinition": kept["PipelineDefinition"], "CreationTime": kept["CreationTime"]}


@operation("StopPipelineExecution")
def stop_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Start no more steps, stop the jobs that run."""
    execution = _execution(context, request)
    arn, status = execution["PipelineExecutionArn"], execution["PipelineExecutionStatus"]
    if status in ENDED:
        raise ServiceError("ConflictException", f"Pipeline execution with ARN {arn} has ended: it is {status}.")
    running = live(context, arn)
    if running is not None and status != STOPPING:
        running.stop()
    return {"PipelineExecutionArn": arn}


@operation("RetryPipelineExecution")
def retry_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Run the steps of a failed or stopped execution that have not succeeded, with the same parameters."""
    execution = _execution(context, request)
    arn, status = execution["PipelineExecutionArn"], execution["PipelineExecutionStatus"]
    if status not in ENDED or status == SUCCEEDED:
        message = f"Pipeline execution with ARN {arn} is {status}; only a failed or stopped one can be retried."
        raise ServiceError("ConflictException", message)
    steps = load_steps(context, arn)
    attempts = {name: state.attempts for name, state in steps.items() if state.status != SUCCEEDED}
    save_steps(context, arn, {name: state for name, state in steps.items() if name not in attempts})

    def change(record: Record) -> None:
        record.pop("FailureReason", None)
        if "ParallelismConfiguration" in request:
            record["ParallelismConfiguration"] = request["ParallelismConfiguration"]

    context.store.update(context.scope, EXECUTION, arn, change)
    change_status(context, arn, EXECUTING, None)
    Execution(context, arn).start(attempts)
    return {"PipelineExecutionArn": arn}


def _pipeline(context: Context, name_or_arn: str) -> dict[str, Any]:
    name = name_or_arn.partition(":pipeline/")[2] if name_or_arn.startswith("arn:") else name_or_arn
    return context.call("DescribePipeline", {"PipelineName": name})


def _execution(context: Context, request: dict[str, Any]) -> Record:
    arn = request["PipelineExecutionArn"]
    execution = context.store.get(context.scope, EXECUTION, arn)
    if execution is None:
        raise ServiceError("ResourceNotFound", f"Pipeline execution with ARN {arn} does not exist.")
    return execution


def _kept(context: Context, request: dict[str, Any]) -> Record:
    _execution(context, request)
    kept = load_definition(context, request["PipelineExecutionArn"])
    if kept is None:
        message = f"Pipeline execution with ARN {request['PipelineExecutionArn']} does not exist."
        raise ServiceError("ResourceNotFound", message)
    return kept


def _parameters(pipeline: str, declared: dict[str, Parameter], given: list[dict[str, str]]) -> dict[str, Any]:
    """The typed value of every declared parameter; ValidationException names what does not fit."""
    values = {name: parameter.default for name, parameter in declared.items()}
    unknown = [each["Name"] for each in given if each["Name"] not in declared]
    if unknown:
        known = f"it has {', '.join(declared)}" if declared else "it has none"
        raise _invalid(f"Pipeline '{pipeline}' has no parameters [{', '.join(unknown)}]; {known}.")
    names = [each["Name"] for each in given]
    if len(set(names)) < len(names):
        raise _invalid(f"Parameters must be given once each: [{', '.join(names)}].")
    for each in given:
        parameter = declared[each["Name"]]
        try:
            values[parameter.name] = parameter.parse(each["Value"])
        except ValueError as error:
            raise _invalid(
                f"Value '{each['Value']}' of parameter '{parameter.name}' is not valid for type {parameter.type}: {error}."
            ) from None
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise _invalid(f"Parameters [{', '.join(missing)}] have no default value and must be given.")
    return values


def _slice(items: list[dict[str, Any]], request: dict[str, Any], size: int) -> tuple[list[dict[str, Any]], Record]:
    """A page of ``items``, and the NextToken member if there are more."""
    start, end = 0, 0
    try:
        if "NextToken" in request:
            start = int(base64.urlsafe_b64decode(request["NextToken"].encode()).decode())
    except (binascii.Error, ValueError):
        raise _invalid("The NextToken is not valid.") from None
    end = start + int(request.get("MaxResults", size))
    more = {"NextToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return items[start:end], more


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
