"""StartPipelineExecution and RetryPipelineExecution."""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import replace
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker.pipelines import events, experiments, selective, versions
from penstock_services.sagemaker.pipelines.definition import parse
from penstock_services.sagemaker.pipelines.execution import Execution
from penstock_services.sagemaker.pipelines.expressions import resolve
from penstock_services.sagemaker.pipelines.listings import execution_of
from penstock_services.sagemaker.pipelines.live import change_status
from penstock_services.sagemaker.pipelines.parameters import values_of
from penstock_services.sagemaker.pipelines.references import ExpressionError
from penstock_services.sagemaker.pipelines.state import (
    COMPLETED_WITH_FAILURES,
    DEFINITION,
    EXECUTING,
    EXECUTION,
    FAILED,
    STOPPED,
    SUCCEEDED,
    StepState,
    drop_step,
    load_steps,
    save_step,
)
from penstock_services.sagemaker.pipelines.step import Definition
from penstock_services.sagemaker.pipelines.step_parsing import DefinitionError
from penstock_services.sagemaker.pipelines.values import ExecutionValues
from penstock_services.store import Record

_ID = string.ascii_lowercase + string.digits
_ID_LENGTH = 12


@operation("StartPipelineExecution")
def start_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Check the parameters and start an execution of a version of the pipeline."""
    if "RoleArn" in request:
        raise _invalid("RoleArn can only be given for pipelines that AWS manages.")
    pipeline = versions.pipeline_of(context, request["PipelineName"])
    version = versions.choose(context, pipeline, request)
    text: str = version["PipelineDefinition"]
    try:
        definition = parse(text)
    except DefinitionError as error:
        raise _invalid(f"Unable to parse pipeline definition. {error}") from None
    name: str = pipeline["PipelineName"]
    parameters = values_of(name, definition.parameters, request.get("PipelineParameters") or [])
    chosen: list[str] | None = None
    taken: dict[str, StepState] = {}
    if "SelectiveExecutionConfig" in request:
        configuration = request["SelectiveExecutionConfig"]
        chosen, taken = selective.prepare(context, pipeline["PipelineArn"], definition, configuration)
    execution = _record(pipeline, version, request)
    arn, started = execution["PipelineExecutionArn"], execution["CreationTime"]
    _configure(context, execution, definition, parameters, request)
    kept = {"PipelineName": name, "PipelineDefinition": text, "Parameters": parameters, "CreationTime": started}
    context.store.put(context.scope, DEFINITION, arn, {**kept, **({"Steps": chosen} if chosen is not None else {})})
    for position, state in enumerate(taken.values()):
        save_step(context, arn, replace(state, position=position))
    context.store.put(context.scope, EXECUTION, arn, execution)

    def change(record: Record) -> None:
        record.update(LastRunTime=started, LastExecutionTime=started)

    context.store.update(context.scope, "Pipeline", name, change)
    versions.executed(context, pipeline, version["PipelineVersionId"], arn)
    events.execution_changed(context, execution, None, None)
    Execution(context, arn).start()
    return {"PipelineExecutionArn": arn}


def _record(pipeline: Record, version: Record, request: dict[str, Any]) -> Record:
    moment = round(time.time(), 3)
    identifier = "".join(secrets.choice(_ID) for _ in range(_ID_LENGTH))
    record: Record = {
        "PipelineName": pipeline["PipelineName"],
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineExecutionArn": f"{pipeline['PipelineArn']}/execution/{identifier}",
        "PipelineExecutionDisplayName": request.get("PipelineExecutionDisplayName")
        or f"execution-{int(moment * 1000)}",
        "PipelineExecutionStatus": EXECUTING,
        "PipelineVersionId": version["PipelineVersionId"],
        "CreationTime": moment,
        "LastModifiedTime": moment,
        "_order": time.time_ns(),
    }
    optional = {
        "PipelineExecutionDescription": request.get("PipelineExecutionDescription"),
        "ParallelismConfiguration": request.get("ParallelismConfiguration") or pipeline.get("ParallelismConfiguration"),
        "SelectiveExecutionConfig": request.get("SelectiveExecutionConfig"),
    }
    return record | {member: value for member, value in optional.items() if value is not None}


def _configure(
    context: Context,
    execution: Record,
    definition: Definition,
    parameters: dict[str, Any],
    request: dict[str, Any],
) -> None:
    """The execution's experiment and MLflow configuration."""
    values = ExecutionValues(context, execution, definition.steps, parameters, {})
    try:
        experiment = resolve(definition.experiment, values)
        mlflow = dict(resolve(definition.mlflow, values) or {})
    except ExpressionError as error:
        raise _invalid(f"Unable to parse pipeline definition. {error}.") from None
    if "MlflowExperimentName" in request:
        mlflow["MlflowExperimentName"] = request["MlflowExperimentName"]
    mlflow = {member: value for member, value in mlflow.items() if value is not None}
    if mlflow:
        execution["MLflowConfig"] = mlflow
    identifier = execution["PipelineExecutionArn"].rsplit("/", 1)[1]
    created = experiments.create(context, experiment, identifier) if experiment else None
    if created:
        execution["PipelineExperimentConfig"] = created


@operation("RetryPipelineExecution")
def retry_pipeline_execution(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Run the steps of a failed or stopped execution that have not succeeded, with the same parameters."""
    arn: str = request["PipelineExecutionArn"]
    execution = execution_of(context, request)
    status = execution["PipelineExecutionStatus"]
    if status not in (FAILED, STOPPED, COMPLETED_WITH_FAILURES):
        message = f"Pipeline execution with ARN {arn} is {status}; only a failed or stopped one can be retried."
        raise ServiceError("ConflictException", message)
    steps = load_steps(context, arn)
    attempts = {name: state.attempts for name, state in steps.items() if state.status != SUCCEEDED}

    def change(record: Record) -> None:
        if record["PipelineExecutionStatus"] != status:
            message = f"Pipeline execution with ARN {arn} is {record['PipelineExecutionStatus']}."
            raise ServiceError("ConflictException", message)
        record.pop("FailureReason", None)
        record["PipelineExecutionStatus"] = EXECUTING
        if "ParallelismConfiguration" in request:
            record["ParallelismConfiguration"] = request["ParallelismConfiguration"]

    context.store.update(context.scope, EXECUTION, arn, change)
    for name in attempts:
        drop_step(context, arn, steps[name])
    change_status(context, arn, EXECUTING, None)
    Execution(context, arn).start(attempts)
    return {"PipelineExecutionArn": arn}


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
