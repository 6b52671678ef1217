"""The state of one execution, as it is kept after every change.

Three records per execution, keyed by its ARN: ``PipelineExecution`` (what DescribePipelineExecution answers),
``PipelineExecutionDefinition`` (the definition it runs, which never changes) and ``PipelineExecutionSteps``.
Times are seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from penstock_services.operations import Context
from penstock_services.store import Record

EXECUTION = "PipelineExecution"
DEFINITION = "PipelineExecutionDefinition"
STEPS = "PipelineExecutionSteps"

STARTING: Final = "Starting"
EXECUTING: Final = "Executing"
STOPPING: Final = "Stopping"
STOPPED: Final = "Stopped"
FAILED: Final = "Failed"
SUCCEEDED: Final = "Succeeded"
ENDED = frozenset({STOPPED, FAILED, SUCCEEDED})


@dataclass
class StepState:
    """One step that has been started. ``properties`` is the Describe response of what it made; ``outcome`` that of a
    Condition step; ``handle`` names the job while it runs."""

    name: str
    type: str
    status: str
    started: float
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
        return summary


def load_steps(context: Context, arn: str) -> dict[str, StepState]:
    """The steps of an execution that have been started, in that order."""
    record = context.store.get(context.scope, STEPS, arn) or {}
    return {each["name"]: StepState(**each) for each in record.get("Steps", [])}


def save_steps(context: Context, arn: str, steps: dict[str, StepState]) -> None:
    """Keep the steps."""
    context.store.put(context.scope, STEPS, arn, {"Steps": [asdict(step) for step in steps.values()]})


def load_definition(context: Context, arn: str) -> Record | None:
    """``PipelineDefinition`` (the text), ``Parameters`` (name to typed value) and ``PipelineName`` of an execution."""
    return context.store.get(context.scope, DEFINITION, arn)
