"""Watching a pipeline execution: its steps as they go, Ctrl-C, and what is said at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock_ci import executions
from penstock_ci.errors import FAILED, UserError

if TYPE_CHECKING:
    from penstock_ci.executions import Execution, Step
    from penstock_ci.output import Output
    from penstock_ci.target import Target

_KINDS = {
    "Succeeded": "ok",
    "Failed": "failed",
    "Executing": "running",
    "Starting": "running",
    "Stopped": "skipped",
    "Stopping": "skipped",
}


def watch(target: Target, arn: str, output: Output, *, stop: bool, resumable: bool = True) -> Execution:
    """Wait for the execution's end, a line for every change.

    Raises:
        KeyboardInterrupt: Ctrl-C; the execution was asked to stop first, unless `stop` is false.
    """

    def show(step: Step) -> None:
        took = f" ({step.seconds:.0f} s)" if step.seconds is not None else ""
        output.progress(f"{step.name}: {step.status}{took}", kind=_KINDS.get(step.status, "running"))

    try:
        return executions.watch(target, arn, show)
    except KeyboardInterrupt:
        name = arn.rsplit("/", 1)[-1]
        if stop:
            executions.stop(target, arn)
            output.progress(f"asked the execution {name} to stop")
        if resumable:
            output.progress("see how it ends:" if stop else f"the execution {name} goes on; watch it again:")
            output.progress(f"  penstock pipeline run --watch {name}")
        raise


def execution_arn(target: Target, pipeline: str, name: str) -> str:
    """The ARN of an execution given by ARN, by id, or as `latest`.

    Raises:
        UserError: there is none.
    """
    if name.startswith("arn:"):
        return name
    if name == "latest":
        found = executions.latest(target, pipeline)
        if found is None:
            raise UserError(
                f"the pipeline '{pipeline}' has no executions", "start one: penstock train", exit_code=FAILED
            )
        return found
    client = target.client("sagemaker")
    try:
        pages = client.get_paginator("list_pipeline_executions").paginate(PipelineName=pipeline)
        arns = [str(entry["PipelineExecutionArn"]) for page in pages for entry in page["PipelineExecutionSummaries"]]
    except client.exceptions.ResourceNotFound:
        arns = []
    for arn in arns:
        if arn.rsplit("/", 1)[-1] == name:
            return arn
    raise UserError(
        f"the pipeline '{pipeline}' has no execution '{name}'", "penstock status shows the latest", exit_code=FAILED
    )


def document(execution: Execution) -> dict[str, Any]:
    """What `--json` shows of an execution."""
    return {
        "ok": execution.status == "Succeeded",
        "execution_arn": execution.arn,
        "status": execution.status,
        "seconds": execution.seconds,
        "steps": [step.summary() for step in execution.steps],
        "model_package_arn": execution.model_package or None,
    }


def conclude(target: Target, execution: Execution, shown: dict[str, Any], output: Output) -> None:
    """Print the document, and fail with the reason when the execution did.

    Raises:
        Failure: the execution did not succeed.
    """
    if execution.status == "Succeeded":
        took = f" in {execution.seconds:.0f} s" if execution.seconds is not None else ""
        output.marked("ok", f"the pipeline succeeded{took}")
        for name, value in sorted((shown.get("metrics") or {}).items()):
            output.line(f"  {name}: {value:.4f}")
        if execution.model_package:
            output.line(f"registered: {execution.model_package}")
            output.line(f"next: penstock review {execution.model_package.split('/')[-2]}, then penstock approve")
        output.result(shown)
        return
    problem = executions.failure(target, execution)
    output.result(shown | {"error": {"message": problem.message, "fix": problem.fix, "detail": problem.detail}})
    output.fail(problem)
