"""The events of executions and steps, in the form that AWS documents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.events import emit
from penstock_services.sagemaker.pipelines.state import StepState
from penstock_services.store import Record

EXECUTION_CHANGE = "SageMaker Model Building Pipeline Execution Status Change"
STEP_CHANGE = "SageMaker Model Building Pipeline Execution Step Status Change"


def moment(seconds: float) -> str:
    """Seconds since the epoch as events have them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def execution_changed(context: Context, execution: Record, previous: str | None, ended: float | None) -> None:
    """Tell that an execution's status has changed from ``previous``."""
    detail: dict[str, Any] = {
        "pipelineExecutionDisplayName": execution["PipelineExecutionDisplayName"],
        "currentPipelineExecutionStatus": execution["PipelineExecutionStatus"],
        "executionStartTime": moment(execution["CreationTime"]),
        "pipelineArn": execution["PipelineArn"],
        "pipelineExecutionArn": execution["PipelineExecutionArn"],
    }
    if previous is not None:
        detail["previousPipelineExecutionStatus"] = previous
    if ended is not None:
        detail["executionEndTime"] = moment(ended)
    if "PipelineExecutionDescription" in execution:
        detail["pipelineExecutionDescription"] = execution["PipelineExecutionDescription"]
    emit(context, EXECUTION_CHANGE, _resources(execution), detail)


def step_changed(context: Context, execution: Record, step: StepState, previous: str | None) -> None:
    """Tell that a step's status has changed from ``previous``."""
    detail: dict[str, Any] = {
        "metadata": _lower(step.metadata),
        "stepStartTime": moment(step.started),
        "stepName": step.name,
        "stepType": step.type,
        "currentStepStatus": step.status,
        "pipelineArn": execution["PipelineArn"],
        "pipelineExecutionArn": execution["PipelineExecutionArn"],
    }
    if previous is not None:
        detail["previousStepStatus"] = previous
    if step.ended is not None:
        detail["stepEndTime"] = moment(step.ended)
    if step.failure is not None:
        detail["failureReason"] = step.failure
    if step.cache_source is not None:
        detail["cacheHitResult"] = {"sourcePipelineExecutionArn": step.cache_source}
    emit(context, STEP_CHANGE, _resources(execution), detail)


def _resources(execution: Record) -> list[str]:
    return [execution["PipelineArn"], execution["PipelineExecutionArn"]]


def _lower(value: Any) -> Any:
    """Members in camel case, as in events."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lower(each) for key, each in value.items()}
    return value
