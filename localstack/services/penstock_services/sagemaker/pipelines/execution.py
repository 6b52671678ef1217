"""One execution of a pipeline: which step starts when, until nothing more can.

A thread per execution starts the steps that are ready and asks their jobs how they are. A step is ready when the steps
that it needs have succeeded and, if it is nested, its Condition step has decided for its branch. After a failed step
its dependents do not start; independent steps still do, unless the failed one is a Fail step. Every change is kept
before the next thing happens, so that after a kill nothing is reported as running that does not run.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines import caching, events
from penstock_services.sagemaker.pipelines.definition import FAIL, OPERATIONS, Definition, Step, parse
from penstock_services.sagemaker.pipelines.expressions import ExpressionError
from penstock_services.sagemaker.pipelines.state import (
    ENDED,
    EXECUTING,
    EXECUTION,
    FAILED,
    STARTING,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    StepState,
    load_definition,
    load_steps,
    save_steps,
)
from penstock_services.sagemaker.pipelines.steps import STEP_TYPES
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Run, StepError, StepType, resource_name
from penstock_services.sagemaker.pipelines.values import ExecutionValues
from penstock_services.store import Record

_LOG = logging.getLogger(__name__)
STEP_FAILURE = "Step failure: One or multiple steps failed."
POLL_SECONDS = 0.1
_REASON_LENGTH = 1024

_live: dict[tuple[Any, str], Execution] = {}
_live_lock = threading.Lock()


class Execution:
    """Runs one execution; the records of it are there already, with the status Executing."""

    def __init__(
        self,
        context: Context,
        arn: str,
        step_types: Mapping[str, StepType] = STEP_TYPES,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        kept = load_definition(context, arn)
        if kept is None:
            message = f"no definition is kept for {arn}"
            raise ValueError(message)
        self._context = context
        self._arn = arn
        self._definition: Definition = parse(kept["PipelineDefinition"])
        self._parameters: dict[str, Any] = kept["Parameters"]
        self._steps = load_steps(context, arn)
        self._types = step_types
        self._poll_seconds = poll_seconds
        self._stopping = threading.Event()
        self._stopped_handles: set[str] = set()
        self._attempts: dict[str, int] = {}

    @property
    def record(self) -> Record:
        """The execution's own record."""
        found = self._context.store.get(self._context.scope, EXECUTION, self._arn)
        if found is None:
            message = f"execution {self._arn} is gone"
            raise LookupError(message)
        return found

    def start(self, attempts: Mapping[str, int] | None = None) -> None:
        """Run in a thread of its own. ``attempts`` are how often steps have been started before, for a retry."""
        self._attempts = dict(attempts or {})
        with _live_lock:
            _live[(self._context.scope, self._arn)] = self
        name = f"pipeline-{self._arn.rsplit('/', 1)[1]}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def stop(self) -> None:
        """Start no more steps and stop those that run; ServiceError if the execution has ended meanwhile."""

        def change(record: Record) -> None:
            if record["PipelineExecutionStatus"] in ENDED:
                message = (
                    f"Pipeline execution with ARN {self._arn} has ended: it is {record['PipelineExecutionStatus']}."
                )
                raise ServiceError("ConflictException", message)
            record["PipelineExecutionStatus"] = STOPPING
            _touch(record)

        execution = self._context.store.update(self._context.scope, EXECUTION, self._arn, change)
        self._stopping.set()
        if execution is not None:
            events.execution_changed(self._context, execution, EXECUTING, None)

    def _run(self) -> None:
        try:
            self._loop()
        except Exception:  # noqa: BLE001 (the execution must not stay Executing)
            _LOG.exception("execution %s", self._arn)
            self._finish(FAILED, "InternalServerError: the execution could not go on; see the services' log")
        finally:
            with _live_lock:
                if _live.get((self._context.scope, self._arn)) is self:
                    del _live[(self._context.scope, self._arn)]

    def _loop(self) -> None:
        while True:
            changed = self._poll_running()
            if self._stopping.is_set():
                self._stop_running()
            else:
                changed |= self._start_ready()
            running = any(state.status not in ENDED for state in self._steps.values())
            if not running and not changed:
                break
            if changed:
                continue
            if self._stopping.is_set():
                time.sleep(self._poll_seconds)
            else:
                self._stopping.wait(self._poll_seconds)
        self._end()

    def _end(self) -> None:
        statuses = {state.status for state in self._steps.values()}
        if FAILED in statuses and not self._stopping.is_set():
            self._finish(FAILED, STEP_FAILURE)
        elif self._stopping.is_set():
            self._finish(STOPPED, None)
        else:
            self._finish(SUCCEEDED, None)

    def _finish(self, status: str, reason: str | None) -> None:
        change_status(self._context, self._arn, status, reason)

    def _start_ready(self) -> bool:
        limit = (self.record.get("ParallelismConfiguration") or {}).get("MaxParallelExecutionSteps")
        running = sum(state.status not in ENDED for state in self._steps.values())
        started = False
        for step in self._definition.steps.values():
            if self._stopping.is_set() or self._failed_for_good():
                break
            if limit is not None and running >= limit:
                break
            if step.name not in self._steps and self._ready(step):
                self._begin(step)
                running += self._steps[step.name].status not in ENDED
                started = True
        return started

    def _failed_for_good(self) -> bool:
        return any(state.type == FAIL and state.status == FAILED for state in self._steps.values())

    def _ready(self, step: Step) -> bool:
        if step.branch is not None:
            decision = self._steps.get(step.branch.condition)
            if decision is None or decision.status != SUCCEEDED or decision.outcome != step.branch.taken_if:
                return False
        return all(name in self._steps and self._steps[name].status == SUCCEEDED for name in step.needs)

    def _begin(self, step: Step) -> None:
        state = StepState(
            name=step.name,
            type=step.type,
            status=STARTING,
            started=_now(),
            display_name=step.display_name,
            description=step.description,
            attempts=self._attempts.get(step.name, 0) + 1,
        )
        self._steps[step.name] = state
        self._changed(state, None)
        execution = self.record
        name = resource_name(self._arn.rsplit("/", 1)[1], step) if step.type in OPERATIONS else ""
        values = ExecutionValues(self._context, execution, self._definition, self._parameters, self._steps, name)
        run = Run(self._context, step, self._arn.rsplit("/", 1)[1], name, values)
        try:
            if self._from_cache(run, state, execution):
                return
            begun = self._types[step.type].begin(run)
        except StepError as error:
            begun = Begun({}, ended=Ended(FAILED, failure=str(error)))
        except (ExpressionError, ServiceError) as error:
            begun = Begun({}, ended=Ended(FAILED, failure=f"ClientError: {error}"))
        except Exception as error:  # noqa: BLE001 (the step fails, with the reason)
            _LOG.exception("step %s of %s", step.name, self._arn)
            begun = Begun({}, ended=Ended(FAILED, failure=f"InternalServerError: {error}"))
        state.metadata, state.handle = begun.metadata, begun.handle
        if begun.ended is not None:
            self._ended(state, begun.ended)
        else:
            state.status = EXECUTING
            self._changed(state, STARTING)

    def _from_cache(self, run: Run, state: StepState, execution: Record) -> bool:
        """Take over what an earlier execution's equal step has made, if the step is cached and there is one."""
        if not caching.enabled(run.step):
            return False
        state.cache_key = caching.key(run.step.type, run.arguments())
        hit = caching.find(self._context, execution, run.step, state.cache_key)
        if hit is None:
            return False
        source, earlier = hit
        state.cache_source, state.metadata = source, earlier.metadata
        self._ended(state, Ended(SUCCEEDED, earlier.properties, outcome=earlier.outcome))
        return True

    def _poll_running(self) -> bool:
        changed = False
        for state in self._steps.values():
            if state.status in ENDED or state.handle is None:
                continue
            ended = self._types[state.type].poll(self._context, state.handle)
            if ended is not None:
                self._ended(state, ended)
                changed = True
        return changed

    def _stop_running(self) -> None:
        for state in self._steps.values():
            if state.status in ENDED or state.handle is None or state.handle in self._stopped_handles:
                continue
            self._stopped_handles.add(state.handle)
            previous, state.status = state.status, STOPPING
            self._changed(state, previous)
            try:
                self._types[state.type].stop(self._context, state.handle)
            except ServiceError as error:
                _LOG.info("step %s cannot be stopped (it may have ended): %s", state.name, error)

    def _ended(self, state: StepState, ended: Ended) -> None:
        previous = state.status
        state.status = ended.status
        if ended.status == STOPPED and not self._stopping.is_set():
            # Somebody stopped the job alone: the step has not done its work.
            state.status = FAILED
        state.ended = _now()
        state.properties, state.outcome = ended.properties, ended.outcome
        if state.status == FAILED and ended.failure is not None:
            state.failure = ended.failure[:_REASON_LENGTH]
        self._changed(state, previous)

    def _changed(self, state: StepState, previous: str | None) -> None:
        save_steps(self._context, self._arn, self._steps)
        execution = self._context.store.update(self._context.scope, EXECUTION, self._arn, _touch)
        if execution is not None:
            events.step_changed(self._context, execution, state, previous)


def live(context: Context, arn: str) -> Execution | None:
    """The running execution of an ARN, in this process."""
    with _live_lock:
        return _live.get((context.scope, arn))


def change_status(context: Context, arn: str, status: str, reason: str | None) -> Record | None:
    """Set an execution's status and tell; the new record, or None where there is none."""
    previous = ""

    def change(record: Record) -> None:
        nonlocal previous
        previous = record["PipelineExecutionStatus"]
        record["PipelineExecutionStatus"] = status
        if reason is not None:
            record["FailureReason"] = reason
        _touch(record)

    execution = context.store.update(context.scope, EXECUTION, arn, change)
    if execution is not None:
        ended = execution["LastModifiedTime"] if status in ENDED else None
        events.execution_changed(context, execution, previous, ended)
    return execution


def fail_interrupted(context: Context, reason: str) -> None:
    """Mark as failed what an earlier process has left running."""
    for arn, record in context.store.scan(context.scope, EXECUTION):
        if record["PipelineExecutionStatus"] in ENDED:
            continue
        steps = load_steps(context, arn)
        for state in steps.values():
            if state.status not in ENDED:
                state.status, state.ended, state.failure = FAILED, _now(), reason
        save_steps(context, arn, steps)
        change_status(context, arn, FAILED, reason)


def _touch(record: Record) -> None:
    record["LastModifiedTime"] = _now()


def _now() -> float:
    return round(time.time(), 3)
