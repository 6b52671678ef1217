"""Step caching: a step whose cache is on takes over what an equal step of an earlier execution has made.

The key holds what decides the work, as AWS documents it, and not where its output goes; only steps that succeeded
within ``ExpireAfter`` (an ISO 8601 duration) count.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.definition import Step
from penstock_services.sagemaker.pipelines.duration import duration_seconds
from penstock_services.sagemaker.pipelines.state import EXECUTION, SUCCEEDED, StepState, load_steps
from penstock_services.store import Record

_MEMBERS = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
}


def enabled(step: Step) -> bool:
    """Whether the step may be taken from the cache."""
    return step.type in _MEMBERS and bool(step.cache and step.cache["Enabled"])


def key(step_type: str, arguments: dict[str, Any]) -> str:
    """What equal steps have in common."""
    chosen = {member: arguments[member] for member in _MEMBERS[step_type] if member in arguments}
    return hashlib.sha256(json.dumps([step_type, chosen], sort_keys=True).encode()).hexdigest()


def find(context: Context, execution: Record, step: Step, cache_key: str) -> tuple[str, StepState] | None:
    """ARN of the newest earlier execution with an equal step that succeeded, and that step."""
    expire = (step.cache or {}).get("ExpireAfter")
    oldest = time.time() - duration_seconds(expire) if expire else 0.0
    prefix = f"{execution['PipelineArn']}/execution/"
    earlier = sorted(
        context.store.scan(context.scope, EXECUTION, prefix), key=lambda item: item[1]["CreationTime"], reverse=True
    )
    for arn, record in earlier:
        if arn == execution["PipelineExecutionArn"] or record["LastModifiedTime"] < oldest:
            continue
        state = load_steps(context, arn).get(step.name)
        if state is None or state.cache_key != cache_key or state.status != SUCCEEDED:
            continue
        if state.cache_source is None and (state.ended or 0.0) >= oldest:
            return arn, state
    return None
