"""The steps of one execution as they run: started, tried again, taken from the cache, asked, ended. When each may start
is decided in ``execution``, which calls this in one thread."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context
from penstock_services.sagemaker.pipelines import caching, events, retry_policies
from penstock_services.sagemaker.pipelines.definition import parse
from penstock_services.sagemaker.pipelines.live import now, touch, unwatch, watch
from penstock_services.sagemaker.pipelines.references import ExpressionError
from penstock_services.sagemaker.pipelines.retries import Retries
from penstock_services.sagemaker.pipelines.state import (
    ENDED,
    EXECUTING,
    EXECUTION,
    FAILED,
    STARTING,
    SUCCEEDED,
    StepState,
    load_definition,
    load_steps,
    save_step,
)
from penstock_services.sagemaker.pipelines.step import Step
from penstock_services.sagemaker.pipelines.step_kinds import KINDS
from penstock_services.sagemaker.pipelines.steps import for_each
from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Run, StepError, StepType, resource_name
from penstock_services.sagemaker.pipelines.values import ExecutionValues
from penstock_services.store import Record

_LOG = logging.getLogger(__name__)
_REASON_LENGTH = 1024


class StepRuns:
    """The steps of the execution with an ARN. What comes from other threads is put into the inbox, as calls that the
    execution's own thread makes."""

    def __init__(self, context: Context, arn: str, step_types: Mapping[str, StepType]) -> None:
        kept = load_definition(context, arn)
        if kept is None:
            message = f"no definition is kept for {arn}"
            raise ValueError(message)
        self._context = context
        self._arn = arn
        chosen: list[str] | None = kept.get("Steps")
        definition = parse(kept["PipelineDefinition"])
        self._plan: dict[str, Step] = {
            name: step for name, step in definition.steps.items() if chosen is None or name in chosen
        }
        self._all_steps = definition.all_steps
        self._parameters: dict[str, Any] = kept["Parameters"]
        self._steps = load_steps(context, arn)
        self._types = step_types
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._attempts: dict[str, int] = {}
        self._retries = Retries()
        self._due: dict[str, float] = {}
        self._final_failure = False

    @property
    def record(self) -> Record:
        """The execution's own record."""
        found = self._context.store.get(self._context.scope, EXECUTION, self._arn)
        if found is None:
            message = f"execution {self._arn} is gone"
            raise LookupError(message)
        return found

    def ask(self, name: str) -> None:
        """Ask the type of a running step whether it has ended."""
        self._inbox.put(partial(self._poll, name))

    def settle(self, name: str, attempt: int, ended: Ended) -> None:
        """Say how a running step has ended."""

        def apply() -> None:
            state = self._steps.get(name)
            if state is not None and state.status not in ENDED and state.attempts == attempt and name not in self._due:
                self._ended(state, ended)

        self._inbox.put(apply)

    def _begin(self, step: Step) -> None:
        state = StepState(
            name=step.name,
            type=step.type,
            status=STARTING,
            started=now(),
            position=1 + max((each.position for each in self._steps.values()), default=0),
            display_name=step.display_name,
            description=step.description,
            attempts=self._attempts.get(step.name, 0) + 1,
        )
        if step.iteration is not None:
            state.parent, state.index = step.iteration.parent, step.iteration.index
            state.item = for_each.text_of_item(step.iteration.item)
        self._steps[step.name] = state
        self._changed(state, None)
        self._attempt(step, state)

    def _again(self, name: str) -> None:
        """The next attempt of a step, with a new job."""
        state = self._steps[name]
        previous, state.status = state.status, STARTING
        state.attempts += 1
        state.metadata, state.handle = {}, None
        self._changed(state, previous)
        self._attempt(self._plan[name], state)

    def _attempt(self, step: Step, state: StepState) -> None:
        execution = self.record
        name = resource_name(self._arn.rsplit("/", 1)[1], step) if KINDS[step.type].operation else ""
        run = Run(
            self._context,
            step,
            execution,
            name,
            self._values(step, execution, name),
            partial(self.settle, step.name, state.attempts),
        )
        try:
            if self._from_cache(run, state, execution):
                return
            begun = self._types[step.type].begin(run)
        except StepError as error:
            ended = Ended(FAILED, failure=str(error), exception_type=error.exception_type)
            begun = Begun({}, ended=ended)
        except ExpressionError as error:
            begun = Begun({}, ended=Ended(FAILED, failure=f"ClientError: {error}"))
        except ServiceError as error:
            kind = retry_policies.of_refusal(error.code, error.status)
            begun = Begun({}, ended=Ended(FAILED, failure=f"ClientError: {error}", exception_type=kind))
        except Exception as error:  # noqa: BLE001 (the step fails, with the reason)
            _LOG.exception("step %s of %s", step.name, self._arn)
            reason = f"InternalServerError: {type(error).__name__}: {error}"
            begun = Begun({}, ended=Ended(FAILED, failure=reason))
        state.metadata, state.handle = begun.metadata, begun.handle
        if begun.ended is not None:
            self._ended(state, begun.ended)
            return
        self._plan |= {each.name: each for each in begun.expanded}
        self._all_steps = {**self._all_steps, **{each.name: each for each in begun.expanded}}
        if begun.arn is not None:
            watch(self._arn, state.name, begun.arn, self.ask)
        state.status = EXECUTING
        self._changed(state, STARTING)
        self._poll(state.name)

    def _values(self, step: Step, execution: Record, name: str) -> ExecutionValues:
        return ExecutionValues(
            context=self._context,
            execution=execution,
            steps=self._all_steps,
            parameters=self._parameters,
            states=self._steps,
            resource_name=name,
            iteration=step.iteration,
        )

    def _from_cache(self, run: Run, state: StepState, execution: Record) -> bool:
        """Take over what an earlier execution's equal step has made, if the step is cached and there is one."""
        if not caching.enabled(run.step):
            return False
        state.cache_key = caching.key(run.step, run.arguments(), run.extra())
        hit = caching.find(self._context, execution, run.step, state.cache_key)
        if hit is None:
            return False
        state.cache_source, state.metadata = hit["Source"], hit["Metadata"]
        self._ended(state, Ended(SUCCEEDED, hit["Properties"]))
        return True

    def _poll(self, name: str) -> None:
        state = self._steps.get(name)
        if state is None or state.status in ENDED or state.handle is None or name in self._due:
            return
        try:
            ended = self._types[state.type].poll(self._context, state.handle)
        except Exception as error:  # noqa: BLE001 (the step fails, with the reason)
            _LOG.exception("step %s of %s", name, self._arn)
            ended = Ended(FAILED, failure=f"InternalServerError: {type(error).__name__}: {error}")
        if ended is not None:
            self._ended(state, ended)

    def _ended(self, state: StepState, ended: Ended) -> None:
        if ended.status == FAILED and self._retry(state, ended):
            return
        previous, state.status = state.status, ended.status
        state.ended = now()
        state.properties, state.outcome = ended.properties, ended.outcome
        if ended.metadata is not None:
            state.metadata = ended.metadata
        if state.status == FAILED and ended.failure is not None:
            state.failure = ended.failure[:_REASON_LENGTH]
        self._final_failure |= ended.final
        unwatch(self._arn, state.name)
        if state.status == SUCCEEDED:
            caching.keep(self._context, {**self.record}, state)
        self._changed(state, previous)

    def _retry(self, state: StepState, ended: Ended) -> bool:
        """Whether the step is tried again, by its retry policies."""
        if self._stopping.is_set() or ended.exception_type is None:
            return False
        delay = self._retries.delay(self._plan[state.name], ended.exception_type)
        if delay is None:
            return False
        _LOG.info("step %s of %s is tried again in %.1f s: %s", state.name, self._arn, delay, ended.failure)
        self._due[state.name] = time.monotonic() + delay
        unwatch(self._arn, state.name)
        return True

    def _changed(self, state: StepState, previous: str | None) -> None:
        save_step(self._context, self._arn, state)
        execution = self._context.store.update(self._context.scope, EXECUTION, self._arn, touch)
        if execution is not None:
            events.step_changed(self._context, execution, state, previous)
