"""Step caching: a step whose cache is on takes over what an equal step of an earlier execution has made.

"Caching pipeline steps" (pipelines-caching.html): the key holds what decides the work, not where its output goes; only
steps of the same pipeline that succeeded within ``ExpireAfter`` (an ISO 8601 duration) count, the most recent first. The
last success under each key is kept as a record, so that finding it does not grow with the number of executions.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines.duration import duration_seconds
from penstock_services.sagemaker.pipelines.state import StepState
from penstock_services.sagemaker.pipelines.step import Step
from penstock_services.sagemaker.pipelines.step_kinds import KINDS
from penstock_services.store import Record

CACHE = "PipelineStepCache"


def enabled(step: Step) -> bool:
    """Whether the step may be taken from the cache."""
    return KINDS[step.type].cached is not None and bool(step.cache and step.cache["Enabled"])


def key(step: Step, arguments: dict[str, Any], extra: dict[str, Any]) -> str:
    """What equal steps have in common: of resolved ``arguments`` what the type's key names, or all of them."""
    chosen: dict[str, Any] = {}
    for member in KINDS[step.type].cached or ():
        if isinstance(member, tuple):
            outer, inner = member
            if isinstance(arguments.get(outer), dict):
                chosen[outer] = {each: arguments[outer][each] for each in inner if each in arguments[outer]}
        elif member in arguments:
            chosen[member] = arguments[member]
    if not KINDS[step.type].cached:
        chosen = {"Arguments": arguments, **extra}
    text = json.dumps([step.type, chosen], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def find(context: Context, execution: Record, step: Step, cache_key: str) -> Record | None:
    """The most recent success under the key: ``Source`` (ARN of its execution), ``Metadata``, ``Properties``."""
    kept = context.store.get(context.scope, CACHE, _place(execution, step.name, cache_key))
    if kept is None:
        return None
    expire = (step.cache or {}).get("ExpireAfter")
    if expire and kept["Ended"] < time.time() - duration_seconds(str(expire)):
        return None
    return kept


def keep(context: Context, execution: Record, state: StepState) -> None:
    """Remember a step that has succeeded by its own work."""
    if state.cache_key is None or state.cache_source is not None:
        return
    record = {
        "Source": execution["PipelineExecutionArn"],
        "Metadata": state.metadata,
        "Properties": state.properties,
        "Ended": state.ended,
    }
    context.store.put(context.scope, CACHE, _place(execution, state.name, state.cache_key), record)


def forget(context: Context, pipeline_arn: str) -> None:
    """Nothing of a deleted pipeline is taken over by a later one of its name."""
    for place, _ in context.store.scan(context.scope, CACHE, f"{pipeline_arn}/"):
        context.store.delete(context.scope, CACHE, place)


def _place(execution: Record, step: str, cache_key: str) -> str:
    return f"{execution['PipelineArn']}/{step}/{cache_key}"
