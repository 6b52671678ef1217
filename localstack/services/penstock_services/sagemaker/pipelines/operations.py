"""The operations on pipeline executions."""

from __future__ import annotations

import time
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, ContextFactory, check, on_start, on_stop, operation
from penstock_services.sagemaker import pipeline_records as pipeline_records  # reads a definition from S3 first
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.model import load
from penstock_services.sagemaker.pipelines import caching, versions
from penstock_services.sagemaker.pipelines.definition import validate
from penstock_services.sagemaker.pipelines.listings import execution_of
from penstock_services.sagemaker.pipelines.live import all_live, fail_interrupted, live
from penstock_services.sagemaker.pipelines.state import (
    DEFINITION,
    ENDED,
    EXECUTION,
    STEP,
    STOPPING,
    UNFINISHED,
    load_definition,
)
from penstock_services.sagemaker.pipelines.steps.callback import TOKEN
from penstock_services.settings import DEFAULT_ACCOUNT, DEFAULT_REGION
from penstock_services.store import Record, Scope, Where

_STOP_SECONDS = 1.0
_INTERRUPTED = "InternalServerError: the local cloud was stopped while the execution was running"


@check("CreatePipeline", "UpdatePipeline")
def _check_definition(_context: Context, request: dict[str, Any]) -> None:
    if "PipelineDefinition" in request:
        validate(request["PipelineDefinition"])


@check("DeletePipeline")
def _check_unused(context: Context, request: dict[str, Any]) -> None:
    pipeline = versions.pipeline_of(context, request["PipelineName"])
    running = [
        row.key
        for status in UNFINISHED
        for row in context.store.select(
            context.scope, EXECUTION, [Where("status", "=", status), Where("parent", "=", pipeline["PipelineArn"])]
        )
    ]
    if running:
        message = f"Pipeline '{pipeline['PipelineArn']}' cannot be deleted while executions run: {', '.join(running)}"
        raise ServiceError("ConflictException", message)


@hook("Pipeline", "deleted")
def _forget(context: Context, record: Record) -> None:
    """Nothing of a pipeline outlives it."""
    for kind in (EXECUTION, DEFINITION, STEP):
        for arn, _ in context.store.scan(context.scope, kind, f"{record['PipelineArn']}/execution/"):
            context.store.delete(context.scope, kind, arn)
    for token, kept in context.store.scan(context.scope, TOKEN):
        if kept["PipelineExecutionArn"].startswith(f"{record['PipelineArn']}/execution/"):
            context.store.delete(context.scope, TOKEN, token)
    caching.forget(context, record["PipelineArn"])


@on_start
def _fail_interrupted(factory: ContextFactory) -> None:
    """What ran when the last process ended does not run any more."""
    _interrupt(factory)


@on_stop
def _abandon(factory: ContextFactory) -> None:
    """What runs when the process ends fails, with the reason."""
    for execution in all_live():
        execution.abandon(_STOP_SECONDS)
    _interrupt(factory)


def _interrupt(factory: ContextFactory) -> None:
    store = factory(Scope(DEFAULT_ACCOUNT, DEFAULT_REGION)).store
    for scope in store.scopes(EXECUTION):
        fail_interrupted(factory(scope), _INTERRUPTED)


@operation("DescribePipelineExecution")
def describe_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The execution's status and settings."""
    described = load("sagemaker").outputs("DescribePipelineExecution")
    execution = execution_of(context, request)
    answer = {member: value for member, value in execution.items() if member in described}
    aliases = versions.aliases_of(context, execution["PipelineName"], execution.get("PipelineVersionId"))
    return {**answer, **({"PipelineVersionAliases": aliases} if aliases else {})}


@operation("UpdatePipelineExecution")
def update_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Change display name, description or parallelism."""
    arn = execution_of(context, request)["PipelineExecutionArn"]
    changes: dict[str, Any] = {member: value for member, value in request.items() if member != "PipelineExecutionArn"}
    changes["LastModifiedTime"] = round(time.time(), 3)
    context.store.update(context.scope, EXECUTION, arn, lambda record: record.update(changes))
    running = live(context, arn)
    if running is not None:
        running.wake()  # there may be places for more steps now
    return {"PipelineExecutionArn": arn}


@operation("DescribePipelineDefinitionForExecution")
def describe_pipeline_definition_for_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The definition that the execution runs."""
    kept = _kept(context, request)
    return {"PipelineDefinition": kept["PipelineDefinition"], "CreationTime": kept["CreationTime"]}


@operation("StopPipelineExecution")
def stop_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Start no more steps, stop the jobs that run."""
    execution = execution_of(context, request)
    arn, status = execution["PipelineExecutionArn"], execution["PipelineExecutionStatus"]
    if status in ENDED:
        raise ServiceError("ConflictException", f"Pipeline execution with ARN {arn} has ended: it is {status}.")
    running = live(context, arn)
    if running is not None and status != STOPPING:
        running.stop()
    return {"PipelineExecutionArn": arn}


def _kept(context: Context, request: dict[str, Any]) -> Record:
    execution_of(context, request)
    kept = load_definition(context, request["PipelineExecutionArn"])
    if kept is None:
        message = f"Pipeline execution with ARN {request['PipelineExecutionArn']} does not exist."
        raise ServiceError("ResourceNotFound", message)
    return kept
