"""One execution of a pipeline: which step starts when, until nothing more can.

A thread per execution starts the steps that are ready and is woken when one of them may have ended: by the state-change
event of its job, by a callback, by what a Lambda function returned; now and then it asks by itself, for what tells
nothing. After a failed step its dependents do not start, unless their run condition asks for the failure; independent
steps still do. A Fail step ends everything. Every change is kept before the next thing happens, so that after a kill
nothing is reported as running that does not run.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Mapping

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines import events
from penstock_services.sagemaker.pipelines.live import change_status, register, touch, unregister, unwatch
from penstock_services.sagemaker.pipelines.scheduling import PENDING, READY, Standings, startable, unhandled
from penstock_services.sagemaker.pipelines.state import (
    COMPLETED_WITH_FAILURES,
    ENDED,
    EXECUTING,
    EXECUTION,
    FAILED,
    STOPPED,
    STOPPING,
    SUCCEEDED,
)
from penstock_services.sagemaker.pipelines.step import Step
from penstock_services.sagemaker.pipelines.step_kinds import FAIL, FOR_EACH
from penstock_services.sagemaker.pipelines.step_runs import StepRuns
from penstock_services.sagemaker.pipelines.steps import STEP_TYPES, for_each
from penstock_services.sagemaker.pipelines.steps.base import Ended, StepType
from penstock_services.store import Record

_LOG = logging.getLogger(__name__)
STEP_FAILURE = "Step failure: One or multiple steps failed."
POLL_SECONDS = 0.5
DEFAULT_PARALLEL_STEPS = 50


class Execution(StepRuns):
    """Runs one execution; the records of it are there already, with the status Executing."""

    def __init__(self, context: Context, arn: str, step_types: Mapping[str, StepType] = STEP_TYPES) -> None:
        super().__init__(context, arn, step_types)
        self._abandoned = threading.Event()
        self._asked_to_stop: set[str] = set()
        self._next_poll = 0.0
        self._thread: threading.Thread | None = None

    def start(self, attempts: Mapping[str, int] | None = None) -> None:
        """Run in a thread of its own. ``attempts`` are how often steps have been started before, for a retry."""
        self._attempts = dict(attempts or {})
        register(self._context, self._arn, self)
        name = f"pipeline-{self._arn.rsplit('/', 1)[1]}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Start no more steps and stop those that run; ServiceError if the execution has ended meanwhile."""

        def change(record: Record) -> None:
            if record["PipelineExecutionStatus"] in ENDED:
                message = (
                    f"Pipeline execution with ARN {self._arn} has ended: it is {record['PipelineExecutionStatus']}."
                )
                raise ServiceError("ConflictException", message)
            record["PipelineExecutionStatus"] = STOPPING
            touch(record)

        execution = self._context.store.update(self._context.scope, EXECUTION, self._arn, change)
        if execution is not None:
            events.execution_changed(self._context, execution, EXECUTING, None)
        self._stopping.set()
        self.wake()

    def abandon(self, seconds: float) -> None:
        """Do nothing more, because the process ends; wait a moment for the thread."""
        self._abandoned.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(seconds)

    def wake(self) -> None:
        """Look again at what there is to do."""
        self._inbox.put(lambda: None)

    def answer(self, name: str, ended: Ended) -> None:
        """Say how a step that waits for an answer has ended."""
        state = self._steps.get(name)
        self.settle(name, state.attempts if state is not None else 0, ended)

    def _run(self) -> None:
        try:
            self._loop()
        except Exception:  # noqa: BLE001 (the execution must not stay Executing)
            if self._abandoned.is_set():
                return
            _LOG.exception("execution %s", self._arn)
            self._finish(FAILED, "InternalServerError: the execution could not go on; see the services' log")
        finally:
            for state in self._steps.values():
                unwatch(self._arn, state.name)
            unregister(self._context, self._arn, self)

    def _loop(self) -> None:
        while not self._abandoned.is_set():
            self._read_inbox()
            self._poll_if_due()
            if self._halted:
                self._stop_running()
            else:
                self._start_ready()
            if self._finish_for_each():
                continue
            if all(state.status in ENDED for state in self._steps.values()):
                break
            self._wait()
        if not self._abandoned.is_set():
            self._end()

    def _read_inbox(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._inbox.get_nowait()()

    def _wait(self) -> None:
        """Wait until something may have happened."""
        wait = min([self._next_poll, *self._due.values()]) - time.monotonic()
        with contextlib.suppress(queue.Empty):
            self._inbox.get(timeout=max(0.0, wait))()

    @property
    def _halted(self) -> bool:
        """Whether nothing more is started: a stop was asked for, or a Fail step has been reached."""
        return self._stopping.is_set() or any(
            state.type == FAIL and state.status == FAILED for state in self._steps.values()
        )

    def _standings(self) -> Standings:
        return Standings(self._plan, self._steps)

    def _end(self) -> None:
        if self._stopping.is_set():
            if self._final_failure:
                self._finish(FAILED, STEP_FAILURE)
            else:
                self._finish(STOPPED, None)
            return
        left, answered = unhandled(self._standings(), self._steps.values())
        if left:
            self._finish(FAILED, STEP_FAILURE)
        else:
            self._finish(COMPLETED_WITH_FAILURES if answered else SUCCEEDED, None)

    def _finish(self, status: str, reason: str | None) -> None:
        change_status(self._context, self._arn, status, reason)

    def _limit(self) -> int:
        configuration = self.record.get("ParallelismConfiguration") or {}
        return int(configuration.get("MaxParallelExecutionSteps", DEFAULT_PARALLEL_STEPS))

    def _start_ready(self) -> None:
        for name, moment in list(self._due.items()):
            if moment <= time.monotonic():
                del self._due[name]
                self._again(name)
        while True:
            chosen = startable(self._standings(), self._plan, self._steps, self._limit())
            for step in chosen:
                if self._halted:
                    return
                self._begin(step)
            if not chosen:
                return

    def _poll_if_due(self) -> None:
        if time.monotonic() < self._next_poll:
            return
        for state in list(self._steps.values()):
            self._poll(state.name)
        self._next_poll = time.monotonic() + POLL_SECONDS

    def _iterations_over(self, name: str, standings: Standings) -> bool:
        state = self._steps[name]
        if state.type != FOR_EACH or state.status in ENDED:
            return False
        halted = self._halted
        return not any(
            standings.of[step] in (PENDING, READY) and (step in self._steps or not halted)
            for step in self._expanded(name)
        )

    def _expanded(self, parent: str) -> dict[str, Step]:
        return {
            name: step
            for name, step in self._plan.items()
            if step.iteration is not None and step.iteration.parent == parent
        }

    def _finish_for_each(self) -> bool:
        """End the ForEach steps whose iterations are over; say whether there were any."""
        changed = False
        for state in list(self._steps.values()):
            if state.type != FOR_EACH or state.status in ENDED:
                continue
            if self._iterations_over(state.name, self._standings()):
                step = self._plan[state.name]
                values = self._values(step, self.record, "")
                self._ended(state, for_each.result(step, self._expanded(state.name), values))
                changed = True
        return changed

    def _stop_running(self) -> None:
        for state in list(self._steps.values()):
            if state.status in ENDED or state.name in self._asked_to_stop:
                continue
            self._asked_to_stop.add(state.name)
            if self._due.pop(state.name, None) is not None or state.handle is None:
                self._ended(state, Ended(STOPPED))
                continue
            previous, state.status = state.status, STOPPING
            self._changed(state, previous)
            try:
                self._types[state.type].stop(self._context, state.handle)
            except ServiceError as error:
                _LOG.info("step %s cannot be stopped (it may have ended): %s", state.name, error)
