"""SendPipelineExecutionStepSuccess and SendPipelineExecutionStepFailure: how a callback step ended."""

from __future__ import annotations

from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, operation
from penstock_services.sagemaker.pipelines.definition import parse
from penstock_services.sagemaker.pipelines.live import live
from penstock_services.sagemaker.pipelines.state import load_definition
from penstock_services.sagemaker.pipelines.step import Step
from penstock_services.sagemaker.pipelines.steps.base import Ended, output_list, output_values
from penstock_services.sagemaker.pipelines.steps.callback import CALLBACK, TOKEN
from penstock_services.store import Record


@operation("SendPipelineExecutionStepSuccess")
def send_success(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The step succeeded, with these output parameters."""
    token, record = _callback(context, request)
    step = _step(context, record)
    given = {each["Name"]: each["Value"] for each in request.get("OutputParameters", [])}
    unknown = sorted(set(given) - set(step.outputs))
    if unknown:
        raise _invalid(f"Step '{step.name}' declares no output parameters [{', '.join(unknown)}].")
    try:
        values = output_values(step, given)
    except ValueError as error:
        raise _invalid(f"Step '{step.name}': {error}.") from None
    metadata = {
        "Callback": {
            "CallbackToken": token,
            "SqsQueueUrl": record["SqsQueueUrl"],
            "OutputParameters": output_list(values),
        }
    }
    return _answer(context, token, record, Ended("Succeeded", {"OutputParameters": values}, metadata=metadata))


@operation("SendPipelineExecutionStepFailure")
def send_failure(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The step failed, for this reason."""
    token, record = _callback(context, request)
    reason = request.get("FailureReason") or "the callback reported a failure"
    return _answer(context, token, record, Ended("Failed", failure=f"ClientError: {reason}"))


def _callback(context: Context, request: dict[str, Any]) -> tuple[str, Record]:
    token: str = request["CallbackToken"]
    record = context.store.get(context.scope, TOKEN, token)
    if record is None:
        raise ServiceError("ResourceNotFound", f"The callback token {token} does not exist.")
    if record.get("Answered"):
        raise ServiceError("ConflictException", f"The callback token {token} has been used already.")
    return token, record


def _step(context: Context, record: Record) -> Step:
    kept = load_definition(context, record["PipelineExecutionArn"])
    name: str = record["StepName"]
    if kept is None:
        message = f"Pipeline execution with ARN {record['PipelineExecutionArn']} does not exist."
        raise ServiceError("ResourceNotFound", message)
    steps = parse(kept["PipelineDefinition"]).all_steps
    return steps[name] if name in steps else steps[name.rsplit("-", 1)[0]]


def _answer(context: Context, token: str, record: Record, ended: Ended) -> dict[str, Any]:
    arn: str = record["PipelineExecutionArn"]
    execution = live(context, arn)

    def change(kept: Record) -> None:
        if kept.get("Answered"):
            raise ServiceError("ConflictException", f"The callback token {token} has been used already.")
        if execution is None:
            raise ServiceError("ConflictException", f"Pipeline execution with ARN {arn} has ended.")
        kept["Answered"] = True

    if context.store.update(context.scope, TOKEN, token, change) is None:
        raise ServiceError("ConflictException", f"The callback token {token} has expired.")
    CALLBACK.answered(token)
    if execution is not None:
        execution.answer(record["StepName"], ended)
    return {"PipelineExecutionArn": arn}


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
