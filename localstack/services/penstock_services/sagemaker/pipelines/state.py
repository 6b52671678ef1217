"""The state of one execution, as it is kept after every change.

Records of an execution, keyed by its ARN: ``PipelineExecution`` (what DescribePipelineExecution answers) and
``PipelineExecutionDefinition`` (the definition it runs, which never changes); and one ``PipelineExecutionStep`` for every
step that has been started, keyed by the ARN and its position, so that a change costs the same in a long execution.
Times are seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

from penstock_services.operations import Context
from penstock_services.sagemaker.index import index
from penstock_services.store import Columns, Record

EXECUTION = "PipelineExecution"
DEFINITION = "PipelineExecutionDefinition"
STEP = "PipelineExecutionStep"

STARTING: Final = "Starting"
EXECUTING: Final = "Executing"
STOPPING: Final = "Stopping"
STOPPED: Final = "Stopped"
FAILED: Final = "Failed"
SUCCEEDED: Final = "Succeeded"
COMPLETED_WITH_FAILURES: Final = "CompletedWithFailures"
UNFINISHED = (EXECUTING, STOPPING)
ENDED = frozenset({STOPPED, FAILED, SUCCEEDED, COMPLETED_WITH_FAILURES})


def _columns(execution: Record) -> Columns:
    """An execution is found by its pipeline, its status and its time."""
    return Columns(
        name=execution["PipelineExecutionArn"],
        status=execution["PipelineExecutionStatus"],
        created=execution["CreationTime"],
        modified=execution["LastModifiedTime"],
        parent=execution["PipelineArn"],
    )


index(EXECUTION, _columns)


@dataclass
class StepState:
    """One step that has been started. ``properties`` is the Describe response of what it made; ``outcome`` that of a
    Condition step; ``handle`` names what runs; ``parent``, ``index`` and ``item`` the iteration of a ForEach step;
    ``cache_source`` and ``selective_source`` the execution whose result was taken over. ``position`` counts the steps
    in the order of their start."""

    name: str
    type: str
    status: str
    started: float
    position: int = 0
    ended: float | None = None
    display_name: str | None = None
    description: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    outcome: bool | None = None
    failure: str | None = None
    handle: str | None = None
    attempts: int = 1
    cache_key: str | None = None
    cache_source: str | None = None
    selective_source: str | None = None
    parent: str | None = None
    index: int | None = None
    item: str | None = None

    def summary(self) -> dict[str, Any]:
        """The step as ListPipelineExecutionSteps answers it."""
        summary: dict[str, Any] = {
            "StepName": self.name,
            "StartTime": self.started,
            "StepStatus": self.status,
            "AttemptCount": self.attempts,
            "Metadata": self.metadata,
        }
        optional = {
            "StepDisplayName": self.display_name,
            "StepDescription": self.description,
            "EndTime": self.ended,
            "FailureReason": self.failure,
        }
        summary |= {member: value for member, value in optional.items() if value is not None}
        if self.cache_source is not None:
            summary["CacheHitResult"] = {"SourcePipelineExecutionArn": self.cache_source}
        if self.selective_source is not None:
            summary["SelectiveExecutionResult"] = {"SourcePipelineExecutionArn": self.selective_source}
        if self.parent is not None:
            summary["IterationContext"] = {"ParentStepName": self.parent, "Index": self.index, "Item": self.item}
        return summary


_FIELDS = tuple(each.name for each in fields(StepState))


def load_steps(context: Context, arn: str) -> dict[str, StepState]:
    """The steps of an execution that have been started, in that order."""
    found = [StepState(**record) for _, record in context.store.scan(context.scope, STEP, f"{arn}/")]
    return {state.name: state for state in found}


def save_step(context: Context, arn: str, state: StepState) -> None:
    """Keep a step."""
    kept = {name: getattr(state, name) for name in _FIELDS}
    context.store.put(context.scope, STEP, _place(arn, state), kept)


def drop_step(context: Context, arn: str, state: StepState) -> None:
    """Forget a step, because it is to be run again."""
    context.store.delete(context.scope, STEP, _place(arn, state))


def _place(arn: str, state: StepState) -> str:
    return f"{arn}/{state.position:06}"


def load_definition(context: Context, arn: str) -> Record | None:
    """``PipelineDefinition`` (the text), ``Parameters`` (name to typed value), ``PipelineName`` and ``Steps`` (the names of
    a selective execution's steps, else not there) of an execution."""
    return context.store.get(context.scope, DEFINITION, arn)
