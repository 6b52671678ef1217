"""The executions that run in this process, what wakes them, and the status that is kept of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from penstock_services.operations import Context
from penstock_services.sagemaker.engine import now as now
from penstock_services.sagemaker.events import listen
from penstock_services.sagemaker.pipelines import events
from penstock_services.sagemaker.pipelines.state import ENDED, EXECUTION, FAILED, UNFINISHED, load_steps, save_step
from penstock_services.sagemaker.pipelines.steps.base import Ended
from penstock_services.store import Record, Where


class Running(Protocol):
    """An execution that runs."""

    def stop(self) -> None:
        """Stop it."""

    def wake(self) -> None:
        """Look again at what there is to do."""

    def answer(self, name: str, ended: Ended) -> None:
        """Say how a step has ended."""

    def abandon(self, seconds: float) -> None:
        """Do nothing more."""


_lock = threading.Lock()
_live: dict[tuple[Any, str], Running] = {}
_watched: dict[str, dict[tuple[str, str], Callable[[str], None]]] = {}


def register(context: Context, arn: str, execution: Running) -> None:
    """An execution runs."""
    with _lock:
        _live[(context.scope, arn)] = execution


def unregister(context: Context, arn: str, execution: Running) -> None:
    """It runs no longer."""
    with _lock:
        if _live.get((context.scope, arn)) is execution:
            del _live[(context.scope, arn)]


def live(context: Context, arn: str) -> Running | None:
    """The running execution of an ARN, in this process."""
    with _lock:
        return _live.get((context.scope, arn))


def all_live() -> list[Running]:
    """All that run in this process."""
    with _lock:
        return list(_live.values())


def watch(execution_arn: str, step: str, resource_arn: str, ask: Callable[[str], None]) -> None:
    """Call ``ask(step)`` whenever an event names the resource."""
    with _lock:
        _watched.setdefault(resource_arn, {})[(execution_arn, step)] = ask


def unwatch(execution_arn: str, step: str) -> None:
    """The step has ended."""
    with _lock:
        for arn in [arn for arn, watchers in _watched.items() if (execution_arn, step) in watchers]:
            del _watched[arn][(execution_arn, step)]
            if not _watched[arn]:
                del _watched[arn]


@listen
def _told(_context: Context, _detail_type: str, resources: list[str], _detail: dict[str, Any]) -> None:
    with _lock:
        found = [(ask, step) for arn in resources for (_, step), ask in _watched.get(arn, {}).items()]
    for ask, step in found:
        ask(step)


def change_status(context: Context, arn: str, status: str, reason: str | None) -> Record | None:
    """Set an execution's status and tell; the new record, or None where there is none."""
    previous = ""

    def change(record: Record) -> None:
        nonlocal previous
        previous = record["PipelineExecutionStatus"]
        record["PipelineExecutionStatus"] = status
        if reason is not None:
            record["FailureReason"] = reason
        touch(record)

    execution = context.store.update(context.scope, EXECUTION, arn, change)
    if execution is not None:
        ended = execution["LastModifiedTime"] if status in ENDED else None
        events.execution_changed(context, execution, previous, ended)
    return execution


def fail_interrupted(context: Context, reason: str) -> None:
    """Mark as failed what an earlier process has left running."""
    unfinished = [
        row.key
        for status in UNFINISHED
        for row in context.store.select(context.scope, EXECUTION, [Where("status", "=", status)])
    ]
    for arn in unfinished:
        for state in load_steps(context, arn).values():
            if state.status not in ENDED:
                state.status, state.ended, state.failure = FAILED, now(), reason
                save_step(context, arn, state)
        change_status(context, arn, FAILED, reason)


def touch(record: Record) -> None:
    """The record has changed now."""
    record["LastModifiedTime"] = now()
