"""Executions of SageMaker pipelines: start, watch step by step, stop, and say why one failed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from penstock_ci import cloudlogs
from penstock_ci.errors import Failure, UserError, did_you_mean

if TYPE_CHECKING:
    from datetime import datetime

    from penstock_ci.target import Target

RUNNING = {"Executing", "Stopping", "Starting"}
_JOB_KINDS = ("TrainingJob", "ProcessingJob", "TransformJob")
_MAX_INTERRUPTIONS = 5


@dataclass(frozen=True)
class Step:
    """A step of an execution. `seconds` is None until it has ended."""

    name: str
    status: str
    seconds: float | None
    failure: str
    metadata: dict[str, Any] = field(repr=False, default_factory=dict)

    @property
    def job(self) -> tuple[str, str] | None:
        """Kind and name of the job that the step ran, if it ran one."""
        for kind in _JOB_KINDS:
            arn = (self.metadata.get(kind) or {}).get("Arn")
            if arn:
                return kind, str(arn).rsplit("/", 1)[-1]
        return None

    @property
    def model_package(self) -> str:
        """ARN of the model package that the step registered; empty for other steps."""
        return str((self.metadata.get("RegisterModel") or {}).get("Arn", ""))

    def summary(self) -> dict[str, Any]:
        """What `--json` shows of a step."""
        found: dict[str, Any] = {"name": self.name, "status": self.status, "seconds": self.seconds}
        if self.job:
            found["job"] = self.job[1]
        if self.failure:
            found["failure"] = self.failure
        return found


@dataclass(frozen=True)
class Execution:
    """A pipeline execution and its steps, as they stand."""

    arn: str
    status: str
    failure: str
    started: datetime | None
    seconds: float | None
    steps: list[Step]

    @property
    def name(self) -> str:
        """The execution's id: the ARN's last part."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def model_package(self) -> str:
        """ARN of the model package registered by the execution; empty when none was."""
        return next((step.model_package for step in self.steps if step.model_package), "")


OnStep = Callable[[Step], None]


def start(target: Target, pipeline: str, parameters: Mapping[str, str], display_name: str = "") -> str:
    """Start an execution and return its ARN.

    Raises:
        UserError: the pipeline does not exist, or a parameter is not one of its parameters.
    """
    client = target.client("sagemaker")
    request: dict[str, Any] = {
        "PipelineName": pipeline,
        "ClientRequestToken": uuid.uuid4().hex,
        "PipelineParameters": [{"Name": name, "Value": value} for name, value in parameters.items()],
    }
    if display_name:
        request["PipelineExecutionDisplayName"] = display_name
    try:
        return str(client.start_pipeline_execution(**request)["PipelineExecutionArn"])
    except client.exceptions.ResourceNotFound as error:
        known = names(target)
        raise UserError(
            f"there is no pipeline '{pipeline}'{did_you_mean(pipeline, known)}",
            "bring up the model repository's infra: penstock up infra",
        ) from error


def names(target: Target) -> list[str]:
    """The names of all pipelines."""
    pages = target.client("sagemaker").get_paginator("list_pipelines").paginate()
    return [pipeline["PipelineName"] for page in pages for pipeline in page["PipelineSummaries"]]


def latest(target: Target, pipeline: str) -> str | None:
    """The ARN of the pipeline's newest execution; None when it has none or does not exist."""
    client = target.client("sagemaker")
    try:
        page = client.list_pipeline_executions(
            PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", MaxResults=1
        )
    except client.exceptions.ResourceNotFound:
        return None
    summaries = page["PipelineExecutionSummaries"]
    return str(summaries[0]["PipelineExecutionArn"]) if summaries else None


def describe(target: Target, arn: str) -> Execution:
    """The execution as it stands now.

    Raises:
        UserError: there is no such execution.
    """
    client = target.client("sagemaker")
    try:
        found = client.describe_pipeline_execution(PipelineExecutionArn=arn)
    except client.exceptions.ResourceNotFound as error:
        raise UserError(
            f"there is no pipeline execution {arn}", "penstock status shows the latest one", exit_code=1
        ) from error
    started, changed = found.get("CreationTime"), found.get("LastModifiedTime")
    ended = found["PipelineExecutionStatus"] not in RUNNING
    seconds = (changed - started).total_seconds() if ended and started and changed else None
    return Execution(
        arn,
        found["PipelineExecutionStatus"],
        str(found.get("FailureReason", "")),
        started,
        seconds,
        list(steps(target, arn)),
    )


def steps(target: Target, arn: str) -> Iterator[Step]:
    """The steps that have begun, in the order in which they did."""
    client = target.client("sagemaker")
    pages = client.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn, SortOrder="Ascending"
    )
    for page in pages:
        for step in page["PipelineExecutionSteps"]:
            begun, ended = step.get("StartTime"), step.get("EndTime")
            yield Step(
                step["StepName"],
                step["StepStatus"],
                round((ended - begun).total_seconds(), 1) if begun and ended else None,
                str(step.get("FailureReason", "")),
                step.get("Metadata") or {},
            )


def watch(target: Target, arn: str, on_step: OnStep) -> Execution:
    """Wait until the execution has ended; `on_step` hears of every change of a step's status."""
    told: dict[str, str] = {}
    interruptions = 0
    while True:
        try:
            execution = describe(target, arn)
            interruptions = 0
        except (
            Exception
        ) as error:  # a local cloud that restarts, a network that blinks: the execution goes on without us
            interruptions += 1
            if not _is_interruption(error) or interruptions > _MAX_INTERRUPTIONS:
                raise
            time.sleep(target.poll_seconds * interruptions)
            continue
        for step in execution.steps:
            if told.get(step.name) != step.status:
                told[step.name] = step.status
                on_step(step)
        if execution.status not in RUNNING:
            return execution
        time.sleep(target.poll_seconds)


def stop(target: Target, arn: str) -> None:
    """Ask the execution to stop; its jobs are stopped too."""
    target.client("sagemaker").stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex)


def failure(target: Target, execution: Execution, *, last: int = 20) -> Failure:
    """Why the execution did not succeed: the failing step's reason and its job's last log lines."""
    failed = [step for step in execution.steps if step.status == "Failed"]
    if not failed:
        return Failure(
            f"the pipeline execution ended as {execution.status}"
            + (f": {execution.failure}" if execution.failure else ""),
            f"penstock logs {execution.name}" if execution.steps else "",
        )
    step = failed[0]
    detail = ""
    if step.job:
        kind, name = step.job
        detail = "\n".join(line.message for line in cloudlogs.lines(target, cloudlogs.of_job(kind, name), last=last))
    reason = step.failure or execution.failure or "no reason was given"
    fix = (
        f"the whole log: penstock logs {step.job[1]}"
        if step.job
        else "penstock review shows the numbers of a registered version"
    )
    if step.job is None and step.name != "GateFailed":
        fix = f"all steps: penstock logs {execution.name}"
    return Failure(f"step {step.name} failed: {reason}", fix, detail=detail)


def _is_interruption(error: Exception) -> bool:
    from botocore import exceptions

    return isinstance(
        error, exceptions.EndpointConnectionError | exceptions.ConnectionClosedError | exceptions.ReadTimeoutError
    )
